"""What a run learns from, before it does: reviews beside a manifest, leaks and bias."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scanner.base.settings import load_settings
from training.cli import training_set
from training.cli.training_set import Gathered, NoReviews, checked, gathered
from training.data.leaks import LeaksFound
from training.data.manifest import Manifest, ManifestError, Row, write_manifest
from training.evaluation.left_out import LeftOut
from training.loop.distributed import Team

ALONE = Team(torch.device("cpu"))


@pytest.fixture
def rows(rows: Sequence[Row]) -> Sequence[Row]:
    """Pictures that are told apart when they are resized, too; those of the other tests are noise."""
    for number, row in enumerate(rows):
        patches = np.random.default_rng(number).integers(0, 256, (5, 6, 3), np.uint8)
        Image.fromarray(patches).resize((72, 60), Image.Resampling.BICUBIC).save(row.path)
    return rows


def prepared(found: Gathered, folder: Path, said: list[str] | None = None) -> Manifest:
    return checked(found, folder, 0, ALONE, (said if said is not None else []).append)


def copied(row: Row, path: Path, split: str, width: int = 96) -> Row:
    """The picture of `row` as a review has it: a larger copy under another name."""
    with Image.open(row.path) as picture:
        picture.resize((width, 80), Image.Resampling.BICUBIC).save(path)
    return replace(row, path=path, source="reviews", group=path.name, split=split)


@pytest.mark.parametrize("reviews", [1, 3])
def test_too_few_reviews_are_said(rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reviews: int) -> None:
    monkeypatch.setattr(training_set, "_reviewed", lambda settings, say: tuple(rows[:reviews]))
    settings = load_settings({}, {"DFSCAN_DATA_DIR": str(tmp_path)}, tmp_path / "config.toml")

    with pytest.raises(NoReviews, match=f"{reviews} reviewed images are too few: .* images in split .* add a manifest"):
        gathered(settings, None, from_reviews=True, say=print)


@pytest.mark.parametrize(
    ("out", "said"),
    [
        (None, "no fake images in split 'test'"),
        (LeftOut("source", "camera"), "no source 'camera' to leave out; it has source0"),
        (LeftOut("generator", "gan"), "no fakes of a generator 'gan'"),
    ],
)
def test_what_cannot_be_reported_is_said_before_a_picture_is_read(
    rows: Sequence[Row], tmp_path: Path, out: LeftOut | None, said: str
) -> None:
    """A split `test` of one label would end the run at its very end; so would a source that is not there."""
    split = [replace(row, split="test") if row.label == 0 and number < 4 and not out else row for number, row in enumerate(rows)]
    write_manifest(tmp_path / "m.csv", split)
    for row in rows:
        row.path.unlink()
    settings = load_settings({}, {"DFSCAN_DATA_DIR": str(tmp_path)}, tmp_path / "config.toml")

    with pytest.raises(ManifestError, match=said):
        gathered(settings, tmp_path / "m.csv", from_reviews=False, say=print, out=out)


def test_a_clean_set_passes_whole_and_is_not_read_again(rows: Sequence[Row], tmp_path: Path) -> None:
    found, said = Gathered(Manifest(tuple(rows), "f" * 64)), list[str]()

    assert prepared(found, tmp_path, said) == found.manifest
    for row in rows:
        row.path.unlink()
    assert prepared(found, tmp_path, said) == found.manifest
    assert len(said) == 1


@pytest.mark.parametrize("record", [b"", b"[]", b'{"manifest": 3}'])
def test_a_record_that_cannot_be_trusted_is_made_anew(rows: Sequence[Row], tmp_path: Path, record: bytes) -> None:
    (tmp_path / "leaks-checked.json").write_bytes(record)
    rows[0].path.unlink()

    with pytest.raises(ManifestError, match=r"0\.png"):
        prepared(Gathered(Manifest(tuple(rows), "f" * 64)), tmp_path)


def test_copies_of_measured_are_left_out(rows: Sequence[Row], tmp_path: Path) -> None:
    """Reviewed copies of what is measured are left out."""
    train, val = (next(row for row in rows if row.split == split) for split in ("train", "val"))
    reviewed = (
        copied(val, tmp_path / "leaks.png", "train"),
        copied(train, tmp_path / "leaks-too.png", "val"),
        copied(train, tmp_path / "fine.png", "train", 100),
        replace(train, path=tmp_path / "gone.png", source="reviews", group="gone"),
    )
    found, said = Gathered(Manifest(tuple(rows), "f" * 64), reviewed), list[str]()

    manifest = prepared(found, tmp_path, said)

    assert manifest.rows == (*rows, reviewed[2])
    assert manifest.sha256 not in (found.manifest.sha256, found.without(()).sha256)
    assert "left out 3 reviewed images" in said[1]
    assert prepared(found, tmp_path, said) == manifest  # as the record of the first time has it
    assert len(said) == 2


def test_measured_copy_stays(rows: Sequence[Row], tmp_path: Path) -> None:
    """Of two reviewed copies the one that is measured stays."""
    reviewed = (copied(rows[0], tmp_path / "one.png", "train"), copied(rows[0], tmp_path / "other.png", "val", 100))
    others = tuple(row for row in rows if row != rows[0])

    assert prepared(Gathered(Manifest(others, "f" * 64), reviewed), tmp_path).rows == (*others, reviewed[1])


def test_a_leak_in_the_manifest_fails_with_reviews_too(rows: Sequence[Row], tmp_path: Path) -> None:
    train = next(row for row in rows if row.split == "train")
    leaky = (*rows, replace(copied(train, tmp_path / "copy.png", "val"), source="source0"))
    reviewed = (copied(train, tmp_path / "review.png", "train"),)

    with pytest.raises(LeaksFound, match=r"copy\.png"):
        prepared(Gathered(Manifest(leaky, "f" * 64), reviewed), tmp_path)


def test_what_gives_the_label_away(rows: Sequence[Row], tmp_path: Path) -> None:
    """What gives the label away is said and stops nothing."""
    many = []
    for number in range(60):
        row = rows[number % 2]
        path = tmp_path / f"{number}.{('jpg', 'png')[row.label]}"
        Image.effect_noise((40, 40), 60 + number).convert("RGB").save(path)
        many.append(replace(row, path=path, group=path.name, split="train"))
    said: list[str] = []

    assert len(prepared(Gathered(Manifest(tuple(many), "f" * 64)), tmp_path, said).rows) == 60
    assert "note: all sources: the file format alone gives the label away (AUC 1.000)" in said[1]
