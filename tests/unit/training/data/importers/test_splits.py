"""From found pictures to manifest rows: the names, and the rule that no group is in two splits."""

import os
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.importers.found import Found, ImportFailed, Picture
from training.data.importers.splits import Imported, Naming, Shares, said, with_splits
from training.data.manifest import read_manifest, write_manifest

SPLITS = st.sampled_from([None, "train", "val", "test"])
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
PICTURES = st.lists(
    st.builds(Picture, path=st.just(Path("p.png")), label=st.integers(0, 1), group=NAMES, split=SPLITS), min_size=1
)


def imported(pictures: list[Picture], *, shares: Shares = Shares(), official: bool = True) -> Imported:  # noqa: B008  (frozen)
    return with_splits(Found(tuple(pictures)), Naming("set"), shares, official=official)


def sizes(of: Imported) -> dict[str, int]:
    return {split: sum(row.split == split for row in of.rows) for split in ("train", "val", "test")}


@given(pictures=PICTURES, source=NAMES, official=st.booleans(), val=st.floats(0, 0.45), test=st.floats(0, 0.45))
def test_no_group_in_two_splits(pictures: list[Picture], source: str, official: bool, val: float, test: float) -> None:
    """No group is ever in two splits and nothing is lost unsaid."""
    of = with_splits(Found(tuple(pictures)), Naming(source), Shares(val, test), official=official)

    where: defaultdict[str, set[str]] = defaultdict(set)
    for row in of.rows:
        where[row.group].add(row.split)
    assert all(len(splits) == 1 for splits in where.values())
    assert len(of.rows) + sum(of.left_out.values()) == len(pictures)
    if not official:
        assert not of.left_out


@given(pictures=PICTURES, more=PICTURES)
def test_group_stays_as_set_grows(pictures: list[Picture], more: list[Picture]) -> None:
    """A group without official split stays where it is when a set grows."""
    few = [Picture(one.path, one.label, f"few{n}") for n, one in enumerate([*pictures, *pictures, *pictures])]
    grown = few + [Picture(one.path, one.label, f"more{n}") for n, one in enumerate(more)]

    before = {row.group: row.split for row in imported(few).rows}
    after = {row.group: row.split for row in imported(grown).rows}

    assert {group: after[group] for group in before} == before


def test_shares_are_kept_about(tmp_path: Path) -> None:
    many = [Picture(tmp_path / f"{n}.png", n % 2, str(n)) for n in range(4000)]

    found = sizes(imported(many, shares=Shares(0.2, 0.1)))

    assert 700 < found["val"] < 900
    assert 330 < found["test"] < 470
    assert sizes(imported(many, shares=Shares(0, 0))) == {"train": 4000, "val": 0, "test": 0}


def test_a_group_that_is_most_of_the_set_is_for_training(tmp_path: Path) -> None:
    # Were it drawn like others, one in five such names would leave nothing to train on.
    for name in range(50):
        big = [Picture(tmp_path / f"{n}.png", n % 2, f"big{name}") for n in range(6)]
        small = [Picture(tmp_path / f"s{n}.png", n % 2, f"small{n}") for n in range(4)]
        assert {row.split for row in imported(big + small).rows if row.group == f"set:big{name}"} == {"train"}


def test_official_splits_are_kept(tmp_path: Path) -> None:
    """Official splits are kept and val is cut from train only if there is none."""
    train = [Picture(tmp_path / f"{n}.png", n % 2, f"t{n}", "train") for n in range(300)]
    val = [Picture(tmp_path / "v.png", 1, "v", "val")]
    test = [Picture(tmp_path / "e.png", 1, "e", "test")]

    assert sizes(imported(train + val + test)) == {"train": 300, "val": 1, "test": 1}
    cut = sizes(imported(train + test))
    assert cut["test"] == 1
    assert 10 < cut["val"] < 60
    assert sizes(imported(train + test, shares=Shares(0, 0.1))) == {"train": 300, "val": 0, "test": 1}


def test_group_in_several_splits(tmp_path: Path) -> None:
    """A group in several official splits stays in the last."""
    anna = [Picture(tmp_path / f"{split}.png", 0, "anna", split) for split in ("train", "val", "test")]
    ben = [Picture(tmp_path / f"b{split}.png", 0, "ben", split) for split in ("train", "val")]

    of = imported(anna + ben)

    assert {row.path.name: row.split for row in of.rows} == {"test.png": "test", "bval.png": "val"}
    assert sum(of.left_out.values()) == 3
    assert "test, too" in said(of.left_out)
    assert "--splits group" in said(of.left_out)


def test_rows_are_named(tmp_path: Path) -> None:
    fake = Picture(tmp_path / "f.png", 1, "g", "train", generator="net", family="swap")
    real = Picture(tmp_path / "r.png", 0, "g", "train", generator="camera", family="swap")

    rows = with_splits(Found((fake, real)), Naming("mine"), Shares()).rows
    assert [(row.source, row.family, row.generator, row.group) for row in rows] == [
        ("mine", "swap", "net", "mine:g"),
        ("mine", "real", "camera", "mine:g"),
    ]
    rows = with_splits(Found((fake, real)), Naming("mine", family="diffusion", generator="sd3"), Shares()).rows
    assert [(row.family, row.generator) for row in rows] == [("diffusion", "sd3"), ("real", "camera")]


def test_a_set_may_be_for_measuring_alone(tmp_path: Path) -> None:
    many = [Picture(tmp_path / f"{n}.png", n % 2, f"g{n}") for n in range(50)]

    assert sizes(imported(many, shares=Shares(0, 1))) == {"train": 0, "val": 0, "test": 50}


def test_shares_of_more_than_there_is_are_refused() -> None:
    for val, test in ((0.5, 0.6), (-0.1, 0.1), (1, 0.1)):
        with pytest.raises(ImportFailed, match="no shares of one whole"):
            Shares(val, test)


def test_names_that_no_manifest_can_hold_are_left_out(tmp_path: Path) -> None:
    odd = Picture(Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.png")), 0, "odd")
    good = Picture(tmp_path / "café, line\nend.png", 1, "good")

    of = imported([odd, good])
    assert dict(of.left_out) == {"with a name that is not UTF-8": 1}
    write_manifest(tmp_path / "m.csv", of.rows)
    assert read_manifest(tmp_path / "m.csv").rows == of.rows
    with pytest.raises(ImportFailed, match="no picture can be used: 1 with a name"):
        imported([odd])
