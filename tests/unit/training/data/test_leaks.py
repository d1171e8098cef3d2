"""Leaks that are planted are found; pictures that only look alike are not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from training.data import leaks
from training.data.leaks import LeaksFound, find_leaks, fingerprint, refuse_leaks
from training.data.manifest import ManifestError, Row

SIDE = 128


def scene(seed: int, side: int = SIDE) -> Image.Image:
    """A picture of large and small shapes, unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    layers = [rng.uniform(0, 255, (cells, cells, 3)).astype(np.uint8) for cells in (3, 7, 16)]
    shapes = [np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BICUBIC), np.float32) for one in layers]
    return Image.fromarray((0.5 * shapes[0] + 0.3 * shapes[1] + 0.2 * shapes[2]).astype(np.uint8))


def row(path: Path, split: str, label: int = 0, group: str = "") -> Row:
    return Row(path, label, "set", "", "", group or path.name, split)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Forty pictures, of two labels and three splits; made once, and changed by no test."""
    folder = tmp_path_factory.mktemp("clean")
    rows = []
    for seed in range(40):
        path = folder / f"{seed}.png"
        scene(seed).save(path)
        rows.append(row(path, "train" if seed < 24 else "val" if seed < 34 else "test", seed % 2))
    return rows


def test_different_pictures_are_no_leaks(clean: list[Row]) -> None:
    seen: list[tuple[int, int]] = []

    found = find_leaks(clean, progress=lambda done, of: seen.append((done, of)))

    assert not found
    assert found.text() == "no leaks among 40 pictures"
    assert found.without(clean) == tuple(clean)
    assert seen == [(done, 40) for done in range(1, 41)]
    refuse_leaks(found)


def test_the_same_bytes_in_two_splits_are_found(clean: list[Row], tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(clean[0].path.read_bytes())
    rows = [*clean, row(copy, "val")]

    found = find_leaks(rows)

    assert [set(one.rows) for one in found.copies] == [{clean[0], rows[-1]}]
    assert not found.near_copies  # told once
    assert f"{clean[0].path} (train, real) = {copy} (val, real)" in found.text()
    with pytest.raises(LeaksFound, match="the same bytes in two splits"):
        refuse_leaks(found)
    # What is measured on stays as it is.
    assert found.without(rows) == tuple(rows[1:])


def test_the_same_bytes_with_two_labels_are_found(clean: list[Row], tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(clean[0].path.read_bytes())
    rows = [*clean, row(copy, "train", label=1)]

    found = find_leaks(rows)

    assert [{one.label for one in pair.rows} for pair in found.copies] == [{0, 1}]
    assert found.without(rows) == tuple(clean[1:])  # which label is right nobody knows


def test_copies_within_one_split_are_no_leaks(clean: list[Row], tmp_path: Path) -> None:
    copy, again = tmp_path / "copy.png", tmp_path / "again.jpg"
    copy.write_bytes(clean[0].path.read_bytes())
    scene(0).save(again, quality=70)

    assert not find_leaks([*clean, row(copy, "train"), row(again, "train")])


@pytest.mark.parametrize("side", [64, 81, 128, 230])
@pytest.mark.parametrize(("form", "quality"), [("jpg", 40), ("jpg", 90), ("webp", 50), ("png", 0)])
def test_resized_copy_is_found(clean: list[Row], tmp_path: Path, side: int, form: str, quality: int) -> None:
    """A copy that was resized and encoded anew is found."""
    copy = tmp_path / f"copy.{form}"
    scene(3).resize((side, side + 7), Image.Resampling.BICUBIC).save(copy, quality=quality)
    rows = [*clean, row(copy, "val", label=1)]

    found = find_leaks(rows)

    assert not found.copies
    assert [(one.row, one.other, one.mirrored) for one in found.near_copies] == [(clean[3], rows[-1], False)]
    assert found.near_copies[0].distance <= leaks.MAX_DISTANCE
    assert f"{clean[3].path} (train, fake) ~ {copy} (val, fake), distance" in found.text()
    assert not find_leaks(found.without(rows))


def test_a_mirrored_copy_is_found(clean: list[Row], tmp_path: Path) -> None:
    ImageOps.mirror(scene(5)).save(tmp_path / "mirrored.jpg", quality=80)
    rows = [*clean, row(tmp_path / "mirrored.jpg", "test")]

    found = find_leaks(rows)

    assert [(one.row, one.other, one.mirrored) for one in found.near_copies] == [(clean[5], rows[-1], True)]
    assert "mirrored" in found.text()


def test_leak_is_told_once(clean: list[Row], tmp_path: Path) -> None:
    """Each picture is told once per later split with its nearest copy."""
    rows = list(clean)
    for name, split, quality in (("far.jpg", "val", 30), ("near.jpg", "val", 95), ("other.jpg", "test", 90)):
        scene(7).save(tmp_path / name, quality=quality)
        rows.append(row(tmp_path / name, split))

    found = find_leaks(rows).near_copies

    assert {(one.row.path.name, one.other.path.name) for one in found} == {
        ("7.png", "near.jpg"),
        ("7.png", "other.jpg"),
        ("near.jpg", "other.jpg"),
        ("far.jpg", "other.jpg"),
    }


def test_flat_pictures_are_no_copies_of_each_other(clean: list[Row], tmp_path: Path) -> None:
    rows = list(clean)
    for number, (grey, split) in enumerate([(0, "train"), (0, "val"), (255, "val"), (128, "test"), (129, "train")]):
        path = tmp_path / f"flat{number}.png"
        Image.new("RGB", (SIDE + number, SIDE), (grey, grey, grey)).save(path)
        rows.append(row(path, split))
    for number, split in enumerate(["train", "val"]):  # night, a little brighter on one side
        path = tmp_path / f"night{number}.png"
        Image.fromarray(np.tile(np.linspace(0, 8, SIDE + number).astype(np.uint8), (SIDE, 1))).save(path)
        rows.append(row(path, split))

    assert not find_leaks(rows)


def test_a_hash_alone_accuses_nobody(tmp_path: Path) -> None:
    """Two pictures of one layout and different details: the hash sees the layout alone."""

    layout = np.asarray(scene(1).convert("L"), np.float32) * 0.7
    checks = np.kron(np.indices((16, 16)).sum(axis=0) % 2, np.ones((8, 8))) * 8
    rows = []
    for number, (details, split) in enumerate([(checks, "train"), (8 - checks, "val")]):
        path = tmp_path / f"{number}.png"
        Image.fromarray((layout + details).clip(0, 255).astype(np.uint8)).save(path)
        rows.append(row(path, split))
    one, other = (fingerprint(one.path) for one in rows)
    assert not isinstance(one, str)
    assert not isinstance(other, str)
    assert (one.hashes[0] ^ other.hashes[0]).bit_count() <= leaks.MAX_DISTANCE
    shown = np.frombuffer(one.thumbnail + other.thumbnail, np.uint8).reshape(2, -1)
    assert 0.8 < np.asarray(np.corrcoef(shown)).min() < leaks.MIN_CORRELATION

    assert not find_leaks(rows)


def test_small_blocks_and_other_processes_find_the_same(
    clean: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = list(clean)
    for seed in range(6):
        scene(seed).save(tmp_path / f"copy{seed}.jpg", quality=60)
        rows.append(row(tmp_path / f"copy{seed}.jpg", "val" if seed % 2 else "test"))
    expected = find_leaks(rows)
    assert len(expected.near_copies) == 6

    assert find_leaks(rows, processes=2) == expected
    monkeypatch.setattr(leaks, "_PAIRS_AT_ONCE", 5)
    assert find_leaks(rows) == expected


def test_a_long_list_is_cut(clean: list[Row], tmp_path: Path) -> None:
    rows = list(clean)
    for seed in range(8):
        (tmp_path / f"copy{seed}.png").write_bytes(clean[seed].path.read_bytes())
        rows.append(row(tmp_path / f"copy{seed}.png", "val", seed % 2))

    text = find_leaks(rows).text()

    assert text.startswith("8 case(s) of the same bytes")
    assert text.count(" = ") == 5
    assert "... and 3 more" in text
    assert "dfscan manifest check" in text


def test_pictures_that_cannot_be_read_are_named_together(clean: list[Row], tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    rows = [*clean, row(tmp_path / "text.jpg", "val"), row(tmp_path / "absent.jpg", "val")]

    found = find_leaks(rows)

    assert [one.row for one in found.unreadable] == rows[-2:]
    assert found.without(rows) == tuple(clean)
    told = r"2 case\(s\) of pictures that cannot be read(.|\n)*text\.jpg: (.|\n)*absent\.jpg: No such file(.|\n)*Mend these"
    with pytest.raises(ManifestError, match=told) as raised:
        refuse_leaks(found)
    assert not isinstance(raised.value, LeaksFound)


def test_leak_beside_unreadable_picture(clean: list[Row], tmp_path: Path) -> None:
    """A leak is found beside a picture that cannot be read."""
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "copy.png").write_bytes(clean[0].path.read_bytes())

    found = find_leaks([row(tmp_path / "empty.jpg", "train"), *clean, row(tmp_path / "copy.png", "val")])

    assert [[one.path.name for one in copies.rows] for copies in found.copies] == [["0.png", "copy.png"]]
    with pytest.raises(LeaksFound, match=r"empty\.jpg(.|\n)*copy\.png(.|\n)*Mend these files\. Give copies one group"):
        refuse_leaks(found)


def test_no_leaks_in_one_split() -> None:
    """One split alone has no leaks and neither has nothing."""
    assert not find_leaks([])
