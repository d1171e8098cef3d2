import csv
import hashlib
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from training.data.dataset import Pictures
from training.data.leaks import fingerprint
from training.data.manifest import (
    COLUMNS,
    ManifestError,
    Row,
    by_collection,
    read_manifest,
    refuse_unknown_splits,
    sources_of,
    write_manifest,
)

GOOD = (
    ("a/real.png", "real", "camera", "photo", "", "anna", "train"),
    ("/far/fake.png", "fake", "web", "swap", "net", "ben", "train"),
    ("Gesicht, schön.png", "real", "camera", "photo", "", "cleo", "val"),
)


def written(folder: Path, *lines: tuple[str, ...], columns: tuple[str, ...] = COLUMNS, encoding: str = "utf-8") -> Path:
    path = folder / "manifest.csv"
    with path.open("w", newline="", encoding=encoding) as opened:
        csv.writer(opened).writerows([columns, *lines])
    return path


def test_a_good_manifest_gives_rows_and_its_own_hash(tmp_path: Path) -> None:
    path = written(tmp_path, *GOOD)

    manifest = read_manifest(path)

    assert manifest.rows == (
        Row(tmp_path / "a" / "real.png", 0, "camera", "photo", "", "anna", "train"),
        Row(Path("/far/fake.png"), 1, "web", "swap", "net", "ben", "train"),
        Row(tmp_path / "Gesicht, schön.png", 0, "camera", "photo", "", "cleo", "val"),
    )
    assert manifest.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_large_manifest_takes_little_memory(tmp_path: Path) -> None:
    """There is one text of each, and no dictionary for each row: less than 600 bytes a row, and little more while it is read."""
    count = 3000
    lines = ((f"{n}.png", "real", "a source", "photo", "a generator", f"person {n // 50}", "train") for n in range(count))
    path = written(tmp_path, *lines)
    read_manifest(path)  # what is loaded once

    tracemalloc.start()
    rows = read_manifest(path).rows
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert rows[0].source is rows[-1].source
    assert rows[0].group is rows[49].group
    assert kept / count < 600
    assert most / count < 1000


def test_columns_may_come_in_any_order_and_with_others(tmp_path: Path) -> None:
    path = written(tmp_path, (*reversed(GOOD[0]), "42"), columns=(*reversed(COLUMNS), "width"))

    assert read_manifest(path).rows == (Row(tmp_path / "a" / "real.png", 0, "camera", "photo", "", "anna", "train"),)


def test_frames_name_their_video(tmp_path: Path) -> None:
    """The column may be missing, and a field of it empty; it is written only where there are videos."""
    rows = (
        Row(tmp_path / "a.png", 1, "s", "", "", "anna", "train", "anna/1"),
        Row(tmp_path / "b.png", 1, "s", "", "", "anna", "train", "anna/1"),
        Row(tmp_path / "c.png", 0, "s", "", "", "anna", "train", "anna/2"),
        Row(tmp_path / "d.png", 0, "s", "", "", "anna", "train"),
        Row(tmp_path / "e.png", 0, "other", "", "", "ben", "train", "anna/1"),  # another source's of that name
    )

    write_manifest(tmp_path / "m.csv", rows)
    write_manifest(tmp_path / "photographs.csv", rows[3:4])

    assert read_manifest(tmp_path / "m.csv").rows == rows
    assert read_manifest(tmp_path / "photographs.csv").rows == rows[3:4]
    assert "video" not in (tmp_path / "photographs.csv").read_text()


@pytest.mark.parametrize("change", [{"group": "ben"}, {"label": 0}])
def test_a_divided_video_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    row = Row(tmp_path / "a.png", 1, "s", "", "", "anna", "train", "clip")
    other = replace(row, path=tmp_path / "b.png", **change)
    fields = [(r.path.name, ("real", "fake")[r.label], "s", "", "", r.group, "train", "clip") for r in (row, other)]

    with pytest.raises(ManifestError, match=r"frames of video 'clip' \(source 's'\) are of two groups or labels"):
        read_manifest(written(tmp_path, *fields, columns=(*COLUMNS, "video")))
    with pytest.raises(ManifestError, match="of two groups or labels"):
        write_manifest(tmp_path / "m.csv", [row, other])


@pytest.mark.parametrize("again", ["a/real.png", "./a/../a/real.png"])
def test_a_picture_that_is_listed_twice_is_refused(tmp_path: Path, again: str) -> None:
    path = written(tmp_path, *GOOD, (again, *GOOD[0][1:]))

    with pytest.raises(ManifestError, match=r"1 picture\(s\) are listed more than once, .*a/real\.png .*manifest merge"):
        read_manifest(path)
    assert len(read_manifest(path, twice=True).rows) == 4


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"line 2: no file can have the name"):
        read_manifest(written(tmp_path, ("a\0b.png", *GOOD[0][1:])))


def test_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths start at the manifest wherever the process is."""
    path = written(tmp_path, GOOD[0])
    monkeypatch.chdir("/")

    assert read_manifest(path).rows[0].path == tmp_path / "a" / "real.png"


def test_a_manifest_has_the_same_rows_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Predictions, embeddings and runs know pictures by their paths."""
    path = written(tmp_path, *GOOD)
    monkeypatch.chdir(tmp_path)
    assert read_manifest(Path(path.name)).rows == read_manifest(path).rows
    assert read_manifest(Path(".") / path.name).rows[0].path.is_absolute()


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_what_is_no_regular_file_is_not_read(tmp_path: Path, kind: str) -> None:
    """Reading a FIFO waits for ever."""
    row = Row(tmp_path / "odd.jpg", 0, "s", "", "", "g", "train")
    if kind == "fifo":
        os.mkfifo(row.path)
    else:
        row.path.mkdir()
    with pytest.raises(OSError, match=r"regular file|directory"):
        row.read()
    with pytest.raises(ManifestError, match=r"odd\.jpg: .*take its line out"):
        Pictures([row], 16)[0]
    assert isinstance(fingerprint(row.path), str)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    path = written(tmp_path, columns=tuple(name for name in COLUMNS if name != column))

    with pytest.raises(ManifestError, match=rf"manifest\.csv lacks the column\(s\) {column};"):
        read_manifest(path)


@pytest.mark.parametrize("label", ["Fake", "1", "", "deepfake"])
def test_an_unknown_label_is_named_with_its_line(tmp_path: Path, label: str) -> None:
    path = written(tmp_path, GOOD[0], (GOOD[1][0], label, *GOOD[1][2:]))

    with pytest.raises(ManifestError, match=rf"manifest\.csv, line 3: label '{label}' is neither"):
        read_manifest(path)


def test_line_of_unknown_label(tmp_path: Path) -> None:
    """The line of an unknown label is right after a blank line."""
    path = written(tmp_path, GOOD[0], (), ("x.png", "odd", *GOOD[1][2:]))

    with pytest.raises(ManifestError, match="line 4"):
        read_manifest(path)


def test_a_line_that_is_too_short_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD[0], GOOD[1][:4])

    with pytest.raises(ManifestError, match="line 3"):
        read_manifest(path)


def test_a_line_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD[0], (*GOOD[1], "a comma too many"))

    with pytest.raises(ManifestError, match="line 3: has more fields than the header"):
        read_manifest(path)


def test_a_line_without_a_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="line 2: names no file"):
        read_manifest(written(tmp_path, ("", *GOOD[0][1:])))


@pytest.mark.parametrize("column", ["label", "path"])
def test_a_column_that_is_there_twice_is_refused(tmp_path: Path, column: str) -> None:
    path = written(tmp_path, (*GOOD[1], "real"), columns=(*COLUMNS, column))

    with pytest.raises(ManifestError, match=rf"manifest\.csv has the column\(s\) {column} more than once"):
        read_manifest(path)


def test_a_quotation_mark_that_is_never_closed_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD[0])
    with path.open("a") as opened:
        opened.write('"' + 200_000 * "x")

    with pytest.raises(ManifestError, match=r"manifest\.csv, line \d+: is no CSV .*quotation marks"):
        read_manifest(path)


def test_byte_order_mark(tmp_path: Path) -> None:
    """A byte order mark is no part of the first column."""
    assert len(read_manifest(written(tmp_path, *GOOD, encoding="utf-8-sig")).rows) == 3


@pytest.mark.parametrize("name", ["two\nlines.png", "separator\u2028.png", "next\x85line.png", "file\x1cseparator.png"])
def test_any_file_name_survives(tmp_path: Path, name: str) -> None:
    assert read_manifest(written(tmp_path, (name, *GOOD[0][1:]))).rows[0].path == tmp_path / name


def test_a_group_in_two_splits_is_a_leak(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD[0], (*GOOD[1][:5], "anna", "val"))

    with pytest.raises(ManifestError, match=r"group 'anna' is in split 'val' and in 'train': a leak"):
        read_manifest(path)


def test_a_missing_or_unreadable_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"absent\.csv cannot be read"):
        read_manifest(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00path")
    with pytest.raises(ManifestError, match=r"binary\.csv cannot be read"):
        read_manifest(tmp_path / "binary.csv")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(ManifestError, match=r"empty\.csv lacks"):
        read_manifest(tmp_path / "empty.csv")


def test_a_split_needs_both_labels(tmp_path: Path) -> None:
    manifest = read_manifest(written(tmp_path, *GOOD))

    assert [row.group for row in manifest.of_split("train")] == ["anna", "ben"]
    with pytest.raises(ManifestError, match="no fake images in split 'val'"):
        manifest.of_split("val")
    assert [row.group for row in manifest.all_of_split("val")] == ["cleo"]
    for asked in (manifest.of_split, manifest.all_of_split):
        with pytest.raises(ManifestError, match=r"no rows in split 'test'; .* there are: 'train', 'val'"):
            asked("test")


def test_the_sources_of_a_set_are_counted() -> None:
    rows = [
        Row(Path(f"{n}.png"), n % 2, "a" if n < 3 else "b", "f" if n % 2 else "real", f"g{n}", str(n), "train") for n in range(4)
    ]
    assert sources_of(rows) == {
        "a": {"real": 2, "fake": 1, "families": ["f", "real"], "generators": ["g1"]},
        "b": {"real": 0, "fake": 1, "families": ["f"], "generators": ["g3"]},
    }


@pytest.mark.parametrize(("split", "meant"), [("training", "train"), ("Val", "val"), ("validation", "val"), ("tests", "test")])
def test_misspelt_splits_are_refused(split: str, meant: str) -> None:
    row = Row(Path("a.png"), 0, "a", "", "", "g", split)
    with pytest.raises(ManifestError, match=f"1 rows are of split '{split}'; did you mean '{meant}'"):
        refuse_unknown_splits([row], lambda _: None)


def test_rows_of_other_splits_are_said() -> None:
    said: list[str] = []
    rows = [Row(Path("a.png"), 0, "a", "", "", "g", split) for split in ("train", "val", "test", "unseen", "unseen")]

    refuse_unknown_splits(rows, said.append)

    assert said == ["2 rows of split 'unseen' are left out: a run uses train, val, test"]
    assert sources_of(rows)["a"]["families"] == []


def test_sources_of_a_collection_count_as_one_in_tables() -> None:
    def row(source: str) -> Row:
        return Row(Path("a.png"), 0, source, "", "", "g", "val")

    rows = [row(source) for source in ("web:one", "web:two", "web:two", "dfdc", "alone:one", "alone:one")]

    assert [found.source for found in by_collection(rows)] == [*["web (2 sources)"] * 3, "dfdc", *["alone:one"] * 2]
