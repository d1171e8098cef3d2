import json
from pathlib import Path

import pytest

from training.data.importers.found import ImportFailed

from .video_trees import FAKE, ORIGINAL, found, planted


def test_deepfakebench_compressions_are_videos_of_their_own(tmp_path: Path) -> None:
    planted(tmp_path, *(f"{quality}/054/{number}.png" for quality in ("c23", "c40") for number in (0, 1)))
    split = {quality: {"054": listed("FF-real", f"{quality}/054/0.png", f"{quality}/054/1.png")} for quality in ("c23", "c40")}
    file = written(tmp_path / "FF.json", {"FF": {"FF-real": {"train": split}}})

    of = found("deepfakebench", file)

    assert {(one.path.parent.parent.name, one.video, one.compression) for one in of.pictures} == {
        ("c23", "FF-real/c23/054", "c23"),
        ("c40", "FF-real/c40/054", "c40"),
    }


def listed(label: str, *frames: str) -> dict[str, object]:
    return {"label": label, "frames": list(frames), "masks": []}


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_deepfakebench_paths(tmp_path: Path) -> None:
    """Deepfakebench with compression levels and backslashes."""
    images = planted(tmp_path / "images", f"FaceForensics++/{ORIGINAL}/054/000.png", f"FaceForensics++/{FAKE}/071_054/000.png")
    windows = ORIGINAL.replace("/", "\\")
    file = written(
        tmp_path / "FF-DF.json",
        {
            "FF-DF": {
                "FF-real": {
                    "train": {"c23": {"054": listed("FF-real", f"FaceForensics++\\{windows}\\054\\000.png")}},
                    "val": {"c23": {}},
                    "test": {"c23": {}},
                },
                "FF-DF": {
                    "train": {"c23": {"071_054": listed("FF-DF", f"/home/them/rgb/FaceForensics++/{FAKE}/071_054/000.png")}},
                    "val": {"c23": {}},
                    "test": {"c23": {}},
                },
            }
        },
    )

    with pytest.raises(ImportFailed, match="none of its 2 frames is under"):
        found("deepfakebench", file)  # beside the file there is nothing
    of = found("deepfakebench", file, images_root=images)

    # What was found first, relative to the root, fixes how paths are read; the other's foreign root is not guessed anew.
    assert [(one.path.parent.name, one.label, one.group, one.split) for one in of.pictures] == [("054", 0, "054", "train")]
    assert dict(of.left_out) == {"listed, but not there": 1}


def test_deepfakebench_from_another_machine(tmp_path: Path) -> None:
    images = planted(tmp_path / "images", f"{ORIGINAL}/054/000.png", f"{FAKE}/071_054/000.png", f"{FAKE}/071_054/001.png")
    root = "D:\\sets\\FaceForensics++\\"
    fake = FAKE.replace("/", "\\")
    file = written(
        tmp_path / "FF-DF.json",
        {
            "FF-DF": {
                "FF-real": {"train": {"c23": {"054": listed("FF-real", root + ORIGINAL.replace("/", "\\") + "\\054\\000.png")}}},
                "FF-DF": {
                    "train": {"c23": {"071_054": listed("FF-DF", *(f"{root}{fake}\\071_054\\{n:03}.png" for n in (0, 1, 2)))}}
                },
            }
        },
    )

    of = found("deepfakebench", file, images_root=images)

    assert {one.path.relative_to(images).as_posix(): one.label for one in of.pictures} == {
        f"{ORIGINAL}/054/000.png": 0,
        f"{FAKE}/071_054/000.png": 1,
        f"{FAKE}/071_054/001.png": 1,
    }
    assert {one.group for one in of.pictures} == {"054"}
    assert {one.generator for one in of.pictures} == {"FF-real", "FF-DF"}
    assert dict(of.left_out) == {"listed, but not there": 1}


def test_deepfakebench_video_in_splits(tmp_path: Path) -> None:
    """As its script writes them: Celeb-DF trains on all, UADFV has no splits, DFDC's `val` is training and one loose video."""
    names = [f"{video}/0.png" for video in ("id0_0001", "id2_0001", "u1", "u2", "d1", "d2")]
    planted(tmp_path, *names)
    one, two, u1, u2, d1, d2 = names
    celeb = {"id0_0001": listed("CelebDFv2_real", one), "id2_0001": listed("CelebDFv2_real", two)}
    tested = {"id0_0001": celeb["id0_0001"]}
    everything = {"u1": listed("UADFV_Fake", u1), "u2": listed("UADFV_Fake", u2)}
    file = written(
        tmp_path / "mixed.json",
        {
            "Celeb-DF-v2": {"CelebDFv2_real": {"train": celeb, "val": tested, "test": tested}},
            "UADFV": {"UADFV_Fake": {"train": everything, "val": everything, "test": everything}},
            "DFDC": {
                "DFDC_Fake": {"train": {"d1": listed("DFDC_Fake", d1)}, "val": listed("DFDC_Fake", d1), "test": {}},
                "DFDC_Real": {"train": {}, "val": {"d2": listed("DFDC_Real", d2)}, "test": {}},
            },
        },
    )

    of = found("deepfakebench", file)

    assert {one.path.parent.name: (one.label, one.split) for one in of.pictures} == {
        "id0_0001": (0, "test"),
        "id2_0001": (0, "train"),
        "u1": (1, None),
        "u2": (1, None),
        "d1": (1, "train"),
        "d2": (0, "val"),
    }
    assert len(of.pictures) == 6


@pytest.mark.parametrize(
    ("label", "number"),
    [
        *((label, 0) for label in ("FF-real", "DFD_real", "CelebDFv1_real", "DFDCP_Real", "UADFV_Real", "roop_Real")),
        *((label, 1) for label in ("FF-F2F", "FF-FH", "DFD_fake", "DFDCP_FakeA", "DFDCP_FakeB", "DF_fake", "roop_Fake")),
    ],
)
def test_the_labels_of_deepfakebench(tmp_path: Path, label: str, number: int) -> None:
    planted(tmp_path, "v/0.png")
    file = written(tmp_path / "set.json", {"set": {label: {"train": {"v": listed(label, "v/0.png")}}}})

    assert [one.label for one in found("deepfakebench", file).pictures] == [number]


def test_what_deepfakebench_did_not_write_is_refused(tmp_path: Path) -> None:
    planted(tmp_path, "v/0.png")
    unknown = written(tmp_path / "unknown.json", {"set": {"Unreal": {"train": {"v": listed("Unreal", "v/0.png")}}}})
    with pytest.raises(ImportFailed, match="the label 'Unreal' says neither"):
        found("deepfakebench", unknown)
    for content in ([1], {"set": [1]}, {"set": {"FF-real": {"train": {"v": 3}}}}):
        with pytest.raises(ImportFailed, match=r"other\.json: is no JSON file of DeepfakeBench"):
            found("deepfakebench", written(tmp_path / "other.json", content))
    with pytest.raises(ImportFailed, match=r"absent\.json"):
        found("deepfakebench", tmp_path / "absent.json")
