"""Importers of sets that were cut out of videos: FaceForensics++, Celeb-DF, DeepfakeBench's lists."""

import json
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from training.data.importers.found import Found, ImportFailed
from training.data.importers.layouts import importer_named
from training.data.importers.people import groups_of
from training.data.importers.splits import Imported, Naming, Shares, with_splits

ORIGINAL, FAKE = "original_sequences/youtube/c23/frames", "manipulated_sequences/Deepfakes/c23/frames"


def planted(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(path)
    return root


def found(layout: str, root: Path, images_root: Path | None = None) -> Found:
    return importer_named(layout)(root, images_root=images_root)


def imported(layout: str, root: Path, *, official: bool = True, shares: Shares = Shares()) -> Imported:  # noqa: B008  (frozen)
    return with_splits(found(layout, root), Naming("set"), shares, official=official)


def splits_by_video(of: Imported) -> dict[str, str]:
    return {row.path.parent.name: row.split for row in of.rows}


def test_faceforensics_rows(tmp_path: Path) -> None:
    """Faceforensics labels methods and kinds of frames."""
    root = planted(
        tmp_path,
        f"{ORIGINAL}/000/0000.png",
        f"{FAKE}/000_003/0000.png",
        "manipulated_sequences/NeuralTextures/raw/images/000_003/0000.png",
        "manipulated_sequences/Face2Face/c40/faces/003_000/0000.png",
        "manipulated_sequences/Deepfakes/c23/masks/000_003/0000.png",
        "original_sequences/actors/c23/frames/01__kitchen_pan/0000.png",
        "manipulated_sequences/DeepFakeDetection/c23/frames/01_02__kitchen_pan__YVGY8LOK/0000.png",
    )

    of = found("faceforensics", root)

    assert {(one.generator, one.label, one.family) for one in of.pictures if one.label} == {
        ("Deepfakes", 1, "faceswap_video"),
        ("NeuralTextures", 1, "reenactment_video"),
        ("Face2Face", 1, "reenactment_video"),
        ("DeepFakeDetection", 1, "faceswap_video"),
    }
    assert {one.path.parent.name for one in of.pictures if not one.label} == {"000", "01__kitchen_pan"}
    assert dict(of.left_out) == {"in other folders (masks, ...)": 1}
    assert {one.path.parent.name: one.group for one in of.pictures} == {
        "000": "000",
        "000_003": "000",
        "003_000": "000",
        "01__kitchen_pan": "actor01",
        "01_02__kitchen_pan__YVGY8LOK": "actor01",
    }


def test_videos_and_compressions_are_named(tmp_path: Path) -> None:
    """A group is of linked people, and holds several videos; the same video compressed twice is two."""
    root = planted(tmp_path / "ff", f"{FAKE}/000_003/0.png", f"{FAKE}/000_003/1.png", f"{ORIGINAL}/000/0.png")
    planted(root, f"{FAKE.replace('c23', 'c40')}/000_003/0.png")

    of = found("faceforensics", root)

    assert sorted((one.video, one.compression, one.group) for one in of.pictures) == [
        ("Deepfakes/c23/000_003", "c23", "000"),
        ("Deepfakes/c23/000_003", "c23", "000"),
        ("Deepfakes/c40/000_003", "c40", "000"),
        ("youtube/c23/000", "c23", "000"),
    ]
    celeb = found("celeb-df", planted(tmp_path / "cd", "Celeb-real/id0_0001/0.png", "Celeb-synthesis/id0_id1_0001/0.png"))
    assert {(one.video, one.group) for one in celeb.pictures} == {
        ("celeb-real/id0_0001", "id0"),
        ("celeb-synthesis/id0_id1_0001", "id0"),
    }


def test_deepfakebench_compressions_are_videos_of_their_own(tmp_path: Path) -> None:
    planted(tmp_path, *(f"{quality}/054/{number}.png" for quality in ("c23", "c40") for number in (0, 1)))
    split = {quality: {"054": listed("FF-real", f"{quality}/054/0.png", f"{quality}/054/1.png")} for quality in ("c23", "c40")}
    file = written(tmp_path / "FF.json", {"FF": {"FF-real": {"train": split}}})

    of = found("deepfakebench", file)

    assert {(one.path.parent.parent.name, one.video, one.compression) for one in of.pictures} == {
        ("c23", "FF-real/c23/054", "c23"),
        ("c40", "FF-real/c40/054", "c40"),
    }


def test_group_is_everybody_linked(tmp_path: Path) -> None:
    """The group is everybody linked by manipulated videos."""
    root = planted(tmp_path, *(f"{FAKE}/{video}/0.png" for video in ("007_003", "003_001", "100_200")), f"{ORIGINAL}/001/0.png")

    assert {one.path.parent.name: one.group for one in found("faceforensics", root).pictures} == {
        "007_003": "001",
        "003_001": "001",
        "001": "001",
        "100_200": "100",
    }


@pytest.mark.parametrize("folder", ["", "splits", "dataset/splits"])
def test_the_official_splits_of_faceforensics(tmp_path: Path, folder: str) -> None:
    root = planted(tmp_path, *(f"{FAKE}/{video}/0.png" for video in ("720_672", "672_720", "071_054", "953_974")))
    planted(root, f"{ORIGINAL}/672/0.png", f"{ORIGINAL}/054/0.png")
    (root / folder).mkdir(parents=True, exist_ok=True)
    for split, pair in (("train", ["071", "054"]), ("val", ["720", "672"]), ("test", ["953", "974"])):
        (root / folder / f"{split}.json").write_text(json.dumps([pair]))

    assert splits_by_video(imported("faceforensics", root)) == {
        "720_672": "val",
        "672_720": "val",
        "672": "val",
        "071_054": "train",
        "054": "train",
        "953_974": "test",
    }


def test_a_broken_list_of_splits_is_named(tmp_path: Path) -> None:
    root = planted(tmp_path, f"{FAKE}/000_003/0.png")
    (root / "val.json").write_text('["000"]')

    with pytest.raises(ImportFailed, match=r"val\.json: no list of pairs"):
        found("faceforensics", root)


def test_videos_that_were_not_cut_are_told(tmp_path: Path) -> None:
    videos = tmp_path / "original_sequences" / "youtube" / "c23" / "videos"
    videos.mkdir(parents=True)
    (videos / "000.mp4").touch()
    (videos / "001.mp4").touch()

    with pytest.raises(ImportFailed, match=r"only 2 videos\. Cut them into frames first"):
        found("faceforensics", tmp_path)
    planted(tmp_path, "000/0.png")
    with pytest.raises(ImportFailed, match="no frames in original_sequences/METHOD"):
        found("faceforensics", tmp_path)


@settings(max_examples=30, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 25), st.integers(0, 25)), min_size=1, max_size=12), in_val=st.sets(st.integers(0, 25))
)
def test_no_person_in_two_splits(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[int, int]], in_val: set[int]
) -> None:
    """No person of faceforensics is ever in two splits."""
    root = tmp_path_factory.mktemp("ff")
    planted(root, *(f"{FAKE}/{one:03}_{other:03}/0.png" for one, other in pairs))
    planted(root, *(f"{ORIGINAL}/{one:03}/0.png" for pair in pairs for one in pair))
    # Lists that disagree with each other and with the videos, as lists of another release would.
    (root / "val.json").write_text(json.dumps([[f"{one:03}", f"{one:03}"] for one in in_val]))
    (root / "train.json").write_text(json.dumps([[f"{one:03}", f"{other:03}"] for one, other in pairs if one not in in_val]))

    of = imported("faceforensics", root)

    where: defaultdict[str, set[str]] = defaultdict(set)
    for row in of.rows:
        for person in row.path.parent.name.split("_"):
            where[person].add(row.split)
    assert all(len(splits) == 1 for splits in where.values())
    there = sum(1 for _ in root.rglob("*.png"))
    assert len(of.rows) + sum(of.left_out.values()) == there


@given(st.lists(st.lists(st.text(min_size=1), min_size=1, max_size=3), max_size=15))
def test_linked_people_share_a_group_and_others_do_not(videos: list[list[str]]) -> None:
    groups = groups_of(videos)

    linked = {person: {person} for people in videos for person in people}
    for people in videos:  # naive: merge sets
        merged = set[str]().union(*(linked[person] for person in people))
        for person in merged:
            linked[person] = merged
    assert {person: min(together) for person, together in linked.items()} == groups


def celeb_df(root: Path) -> Path:
    return planted(
        root,
        "Celeb-real/frames/id0_0000/000.png",
        "Celeb-real/frames/id1_0001/000.png",
        "Celeb-synthesis/frames/id0_id1_0000/000.png",
        "Celeb-synthesis/frames/id7_id8_0002/000.png",
        "YouTube-real/frames/00170/000.png",
        "YouTube-real/00171/000.png",
    )


def test_celeb_df_by_people(tmp_path: Path) -> None:
    of = found("celeb-df", celeb_df(tmp_path))

    assert {one.path.parent.name: (one.label, one.group, one.split) for one in of.pictures} == {
        "id0_0000": (0, "id0", None),
        "id1_0001": (0, "id0", None),
        "id0_id1_0000": (1, "id0", None),
        "id7_id8_0002": (1, "id7", None),
        "00170": (0, "00170", None),
        "00171": (0, "00171", None),
    }


def test_celeb_df_test_list_wins(tmp_path: Path) -> None:
    # The list writes 1 for real and 0 for fake: labels must come from the folders.
    """The official test list of celeb df wins over training."""
    root = celeb_df(tmp_path)
    (root / "List_of_testing_videos.txt").write_text("1 YouTube-real/00170.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n\n")

    of = imported("celeb-df", root, shares=Shares(val=0))

    assert splits_by_video(of) == {"id0_id1_0000": "test", "00170": "test", "id7_id8_0002": "train", "00171": "train"}
    assert {row.path.parent.name: row.label for row in of.rows}["id0_id1_0000"] == 1
    # id0 and id1 are seen in the test video: their other videos may not be trained on.
    assert list(of.left_out.values()) == [2]
    assert len(imported("celeb-df", root, official=False).rows) == 6


def test_a_test_list_of_another_version_is_refused(tmp_path: Path) -> None:
    root = celeb_df(tmp_path)
    (root / "List_of_testing_videos.txt").write_text("1 Celeb-real/id55_0000.mp4\n")

    with pytest.raises(ImportFailed, match="names none of the videos"):
        found("celeb-df", root)


def test_another_layout_than_celeb_dfs_is_named(tmp_path: Path) -> None:
    root = planted(celeb_df(tmp_path), "Celeb-real/frames/loose.png")

    with pytest.raises(ImportFailed, match="Celeb-real/frames: Celeb-DF's pictures lie in"):
        found("celeb-df", root)


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
