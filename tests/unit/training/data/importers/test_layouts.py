"""Importers of picture sets: plain folders, DFWild-Cup, GenImage, CNNDetection. Each test makes the tree it imports."""

from pathlib import Path

import pytest
from PIL import Image

from training.data.importers.found import Found, ImportFailed
from training.data.importers.layouts import LAYOUTS, default_source, importer_named


def planted(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (number % 256, number // 256, 0)).save(path, "JPEG" if path.suffix.lower() != ".png" else "PNG")
    return root


def found(layout: str, root: Path, *, group_by_folder: bool = False) -> Found:
    return importer_named(layout)(root, group_by_folder=group_by_folder)


def labels(of: Found, root: Path) -> dict[str, int]:
    return {one.path.relative_to(root).as_posix(): one.label for one in of.pictures}


def splits(of: Found, root: Path) -> dict[str, str | None]:
    return {one.path.relative_to(root).as_posix(): one.split for one in of.pictures}


def generators(of: Found) -> dict[str, set[str]]:
    return {label: {one.generator for one in of.pictures if one.label == number} for number, label in enumerate(("real", "fake"))}


def test_every_layout_has_an_importer() -> None:
    """Every layout has an importer and a name for its set."""
    for layout in LAYOUTS:
        assert callable(importer_named(layout))
    assert default_source("folders", "holiday") == "holiday"
    assert default_source("genimage", "holiday") == "genimage"


@pytest.mark.parametrize(
    ("real", "fake"), [("real", "fake"), ("0_real", "1_fake"), ("nature", "ai"), ("REAL", "Fake"), ("Nature", "AI")]
)
def test_labels_come_from_the_names_of_folders(tmp_path: Path, real: str, fake: str) -> None:
    root = planted(tmp_path / "set", f"{real}/a.jpg", f"{fake}/a.jpg", f"{fake}/deeper/still/b.PNG")

    of = found("folders", root)

    assert labels(of, root) == {f"{real}/a.jpg": 0, f"{fake}/a.jpg": 1, f"{fake}/deeper/still/b.PNG": 1}
    assert splits(of, root) == dict.fromkeys(labels(of, root), None)


def test_labels_do_not_depend_on_the_order_of_folders(tmp_path: Path) -> None:
    root = planted(tmp_path, "zz_last/fake/a.jpg", "aa_first/real/a.jpg", "aa_first/fake/b.jpg")

    assert labels(found("folders", root), root) == {"zz_last/fake/a.jpg": 1, "aa_first/real/a.jpg": 0, "aa_first/fake/b.jpg": 1}


def test_folders_above_the_label(tmp_path: Path) -> None:
    """Folders above the label name generator and split."""
    root = planted(
        tmp_path, "train/stylegan/1_fake/a.jpg", "train/stylegan/0_real/a.jpg", "biggan/validation/1_fake/a.jpg", "fake/b.jpg"
    )

    of = found("folders", root)

    assert generators(of) == {"real": {""}, "fake": {"stylegan", "biggan", ""}}
    assert splits(of, root) == {
        "train/stylegan/1_fake/a.jpg": "train",
        "train/stylegan/0_real/a.jpg": "train",
        "biggan/validation/1_fake/a.jpg": "val",
        "fake/b.jpg": None,
    }


def test_imported_folder_is_the_label(tmp_path: Path) -> None:
    """The folder that is imported may itself be the label."""
    root = planted(tmp_path / "Real", "anna/1.jpg", "2.jpg")

    assert set(labels(found("folders", root), root).values()) == {0}


def test_files_are_groups_or_their_folders_are(tmp_path: Path) -> None:
    root = planted(tmp_path, "real/clip1/1.jpg", "real/clip1/2.jpg", "fake/clip1/1.jpg")

    assert len({one.group for one in found("folders", root).pictures}) == 3
    assert {one.group for one in found("folders", root, group_by_folder=True).pictures} == {"real/clip1", "fake/clip1"}


@pytest.mark.parametrize("name", ["holiday/a.jpg", "a.jpg", "unreal/a.jpg", "0/a.jpg", "fakes/a.jpg"])
def test_a_folder_that_says_nothing_is_named(tmp_path: Path, name: str) -> None:
    root = planted(tmp_path / "set", "real/a.jpg", "fake/a.jpg", name)

    with pytest.raises(ImportFailed, match="says neither real nor fake") as raised:
        found("folders", root)
    assert str((root / name).parent) in str(raised.value)


def test_folders_that_disagree_are_named(tmp_path: Path) -> None:
    root = planted(tmp_path, "real/a.jpg", "fake/nature/a.jpg")

    with pytest.raises(ImportFailed, match=r"fake/nature: the folder's name says both"):
        found("folders", root)


def test_what_is_hidden_or_no_picture_is_passed_over(tmp_path: Path) -> None:
    root = planted(tmp_path, "real/a.jpg", "fake/b.jpg", ".thumbnails/c.jpg", "real/._a.jpg", "__MACOSX/real/d.jpg")
    (root / "real" / "readme.txt").write_text("no picture")

    assert set(labels(found("folders", root), root)) == {"real/a.jpg", "fake/b.jpg"}


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    planted(tmp_path / "elsewhere", "a.jpg")
    root = planted(tmp_path / "set", "fake/b.jpg")
    (root / "real").symlink_to(tmp_path / "elsewhere")
    (root / "fake" / "loop").symlink_to(root)

    assert labels(found("folders", root), root) == {"real/a.jpg": 0, "fake/b.jpg": 1}


def test_nothing_to_import_is_an_error_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="is no folder"):
        found("folders", tmp_path / "absent")
    (tmp_path / "set" / "real").mkdir(parents=True)
    with pytest.raises(ImportFailed, match="holds no pictures"):
        found("folders", tmp_path / "set")
    (tmp_path / "set" / "real" / "clip.MP4").write_bytes(b"no picture")
    with pytest.raises(ImportFailed, match=r"only 1 videos\. Cut them into frames"):
        found("folders", tmp_path / "set")


def test_dfwild_cup_in_folders_and_as_unpacked(tmp_path: Path) -> None:
    root = planted(
        tmp_path / "dfwild",
        "train/real/a.png",
        "train/fake/b.png",
        "valid/fake/c.png",
        "train_fake/fake_3_1/fake_3_1/d.png",
        "train_real/real_1/real_1/e.png",
        "valid_real/f.png",
        "test/g.png",
    )

    of = found("dfwild-cup", root)

    assert labels(of, root) == {
        "train/real/a.png": 0,
        "train/fake/b.png": 1,
        "valid/fake/c.png": 1,
        "train_fake/fake_3_1/fake_3_1/d.png": 1,
        "train_real/real_1/real_1/e.png": 0,
        "valid_real/f.png": 0,
    }
    assert {name: split for name, split in splits(of, root).items() if split != "train"} == {
        "valid/fake/c.png": "val",
        "valid_real/f.png": "val",
    }
    assert dict(of.left_out) == {"in the test set, which has no labels": 1}


def test_one_split_of_dfwild_cup_alone(tmp_path: Path) -> None:
    root = planted(tmp_path / "valid", "real/a.png", "fake/b.png")

    assert set(splits(found("dfwild-cup", root), root).values()) == {"val"}


@pytest.mark.parametrize("name", ["train/genuine/a.png", "train_fake/real_1/a.png", "train/a.png", "train/valid/fake/a.png"])
def test_another_layout_than_dfwild_cups_is_named(tmp_path: Path, name: str) -> None:
    root = planted(tmp_path, "train/real/b.png", name)

    with pytest.raises(ImportFailed) as raised:
        found("dfwild-cup", root)
    assert str((root / name).parent) in str(raised.value)


def test_genimage_as_documented_and_as_unpacked(tmp_path: Path) -> None:
    root = planted(
        tmp_path / "GenImage",
        "Midjourney/train/ai/208_midjourney_76.png",
        "Midjourney/val/nature/ILSVRC2012_val_00000001.JPEG",
        "BigGAN/imagenet_ai_0419_biggan/train/ai/116_biggan_00094.png",
        "BigGAN/imagenet_ai_0419_biggan/train/nature/n01440764_1.JPEG",
        "ADM/imagenet_ai_0508_adm/train/nature/n01440764_1.JPEG",
        "glide/imagenet_glide/val/ai/x.png",
    )

    of = found("genimage", root)

    assert generators(of) == {"real": {"imagenet"}, "fake": {"midjourney", "biggan", "glide"}}
    assert {one.family for one in of.pictures if one.generator in ("biggan", "glide")} == {"gan_full", "diffusion"}
    assert splits(of, root)["Midjourney/val/nature/ILSVRC2012_val_00000001.JPEG"] == "val"
    assert splits(of, root)["BigGAN/imagenet_ai_0419_biggan/train/ai/116_biggan_00094.png"] == "train"
    # The same ImageNet photograph beside two generators is one group.
    assert len({one.group for one in of.pictures if one.path.stem == "n01440764_1"}) == 1
    assert len({one.group for one in of.pictures}) == 5


@pytest.mark.parametrize(
    ("below", "generator"), [("wukong", "wukong"), ("sd4/imagenet_ai_0419_sdv4", "sdv4"), ("imagenet_ai", "imagenet_ai")]
)
def test_one_generator_of_genimage_alone(tmp_path: Path, below: str, generator: str) -> None:
    root = planted(tmp_path / below, "train/ai/a.png", "val/nature/b.JPEG")

    assert generators(found("genimage", root)) == {"real": {"imagenet"}, "fake": {generator}}


def test_another_layout_than_genimages_is_named(tmp_path: Path) -> None:
    root = planted(tmp_path, "ADM/train/ai/a.png", "ADM/train/unknown/b.png")

    with pytest.raises(ImportFailed, match=r"ADM/train/unknown: GenImage's"):
        found("genimage", root)


CNNDETECTION = (
    "train/airplane/0_real/a.png",
    "train/train/1_fake/b.png",  # the class called train
    "val/cat/1_fake/c.png",
    "test/cyclegan/apple/0_real/d.png",
    "test/cyclegan/apple/1_fake/e.png",
    "test/deepfake/1_fake/f.png",
    "test/progan/train/1_fake/g.png",
)


def test_cnndetection_with_its_class_called_train(tmp_path: Path) -> None:
    root = planted(tmp_path / "dataset", *CNNDETECTION)

    of = found("cnndetection", root)

    assert {one.path.name: (one.label, one.split, one.generator) for one in of.pictures} == {
        "a.png": (0, "train", ""),
        "b.png": (1, "train", "progan"),
        "c.png": (1, "val", "progan"),
        "d.png": (0, "test", ""),
        "e.png": (1, "test", "cyclegan"),
        "f.png": (1, "test", "deepfake"),
        "g.png": (1, "test", "progan"),
    }
    assert {one.family for one in of.pictures if one.generator == "deepfake"} == {"faceswap_video"}


@pytest.mark.parametrize(
    ("part", "split", "generators_there"),
    [
        ("train", "train", {"progan"}),
        ("test", "test", {"cyclegan", "deepfake", "progan"}),
        ("test/cyclegan", "test", {"cyclegan"}),
    ],
)
def test_a_part_of_cnndetection_alone(tmp_path: Path, part: str, split: str, generators_there: set[str]) -> None:
    planted(tmp_path / "dataset", *CNNDETECTION)
    root = tmp_path / "dataset" / part

    of = found("cnndetection", root)

    assert set(splits(of, root).values()) == {split}
    assert generators(of)["fake"] == generators_there


def test_another_layout_than_cnndetections_is_named(tmp_path: Path) -> None:
    root = planted(tmp_path, "test/stargan/1_fake/a.png", "test/stargan/masks/b.png")

    with pytest.raises(ImportFailed, match=r"test/stargan/masks: CNNDetection's"):
        found("cnndetection", root)
