"""Predictions as files: read back to the last bit, or refused."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from scanner.domain.states import Basis
from training.data.manifest import Row
from training.evaluation.logits import ScannedScores
from training.reports.prediction_files import PredictionsError, demand_place
from training.reports.predictions import Origin, Predictions, Trained, read_predictions, write_predictions

ORIGIN = Origin(
    {"name": "a", "file": "a.safetensors", "sha256": "0" * 64, "created_at": "today"},
    {"file": "m.csv", "sha256": "1" * 64},
    "val",
    0.8,
    0.6,
    0.5,
    calibrated_here=False,
    versions={"torch": "2"},
)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=12)


def rows(names: list[str]) -> tuple[Row, ...]:
    return tuple(Row(Path(f"/p/{n}"), n % 2, name, name[::-1], "g", f"{name},x", "val") for n, name in enumerate(names))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@given(lines=st.lists(st.tuples(NAMES, st.floats(-40, 40), st.floats(0, 1)), min_size=1, max_size=8))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, ending: str, lines: list[tuple[str, float, float]]
) -> None:
    path = tmp_path_factory.mktemp("p") / f"predictions.{ending}"
    names, logits, scores = (list(column) for column in zip(*lines, strict=True))
    found = Predictions(rows(names), np.asarray(scores), np.asarray(logits), None, ORIGIN)
    write_predictions(path, found)

    again = read_predictions(path)
    assert again.rows == found.rows
    assert again.origin == ORIGIN
    assert again.logits is not None
    assert again.logits.tolist() == logits
    assert again.scores.tolist() == scores
    assert again.scanned is None


@pytest.mark.parametrize("name", ["p.csv", "p.parquet"])
def test_pictures_that_were_scanned(tmp_path: Path, name: str) -> None:
    scanned = ScannedScores(np.asarray([0.5, -2.0]), np.asarray([Basis.BOTH.value, Basis.WHOLE.value]), np.asarray([3, 0]))
    write_predictions(tmp_path / name, Predictions(rows(["a", "b"]), scanned.scores, None, scanned, ORIGIN))
    again = read_predictions(tmp_path / name)
    assert again.scanned is not None
    assert again.scanned.bases.tolist() == ["both", "whole"]
    assert again.scanned.faces.tolist() == [3, 0]
    assert again.scores.tolist() == scanned.scores.tolist()
    assert again.logits is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("score", "points"), "no column 'score'"),
        (lambda text: text.replace(",fake,", ",forged,"), "must be real or fake"),
        (lambda text: text.replace("0.25", "many"), "must be a number"),
        (lambda text: text.splitlines()[0], "holds no predictions"),
        (lambda text: "\x00" + text, "predictions"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, change, said: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "p.csv"
    write_predictions(path, Predictions(rows(["a", "b"]), np.asarray([0.25, 0.5]), np.asarray([1.0, 2.0]), None, ORIGIN))
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(PredictionsError, match=said) as refused:
        read_predictions(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("logit", "nan", "logit is 'nan'"),
        ("logit", "inf", "logit is 'inf'"),
        ("score", "1.5", "must lie from 0 to 1"),
        ("score", "-0.1", "must lie from 0 to 1"),
        ("score", "inf", "score is 'inf'"),
        ("faces", "1.5", "a whole number"),
        ("faces", "nan", "faces is 'nan'"),
        ("faces", "-1", "a whole number"),
        ("path", "", "names no file"),
        ("path", "/p/0", "line 3: /p/0 is in line 2, too"),
    ],
)
def test_a_value_that_no_detector_says(tmp_path: Path, column: str, value: str, said: str) -> None:
    path = tmp_path / "p.csv"
    scanned = ScannedScores(np.asarray([0.5, -2.0]), np.asarray([Basis.BOTH.value, Basis.WHOLE.value]), np.asarray([3, 0]))
    write_predictions(path, Predictions(rows(["a", "b"]), scanned.scores, None, scanned, ORIGIN))
    with path.open(newline="", encoding="utf-8") as opened:
        lines = list(csv.DictReader(opened))
    with path.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, list(lines[0]))
        writer.writeheader()
        writer.writerows([lines[0], {**lines[1], column: value}])
    with pytest.raises(PredictionsError, match=said):
        read_predictions(path)


@pytest.mark.parametrize(("mark", "called"), [(";", "semicolons"), ("\t", "tabs")])
def test_what_a_spreadsheet_saved(tmp_path: Path, mark: str, called: str) -> None:
    """A byte order mark and line ends of Windows are taken; other separators are named."""
    path = tmp_path / "p.csv"
    found = Predictions(rows(["a", "b"]), np.asarray([0.25, 0.5]), np.asarray([1.0, 2.0]), None, ORIGIN)
    write_predictions(path, found)
    text = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8-sig", newline="\r\n")
    assert read_predictions(path).rows == found.rows

    path.write_text(text.replace(",", mark), encoding="utf-8")
    with pytest.raises(PredictionsError, match=f"separated by {called}"):
        read_predictions(path)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [("path", [b"/p/0", b"/p/1"], None), ("group", [1.5, 2.5], None), ("label", [None, "fake"], "label is None")],
)
def test_columns_of_other_types(tmp_path: Path, column: str, value: list[object], said: str | None) -> None:
    path = tmp_path / "p.parquet"
    write_predictions(path, Predictions(rows(["a", "b"]), np.asarray([0.25, 0.5]), np.asarray([1.0, 2.0]), None, ORIGIN))
    table = parquet.read_table(path)
    place = table.column_names.index(column)
    parquet.write_table(table.set_column(place, column, pa.array(value)), path)
    if said is None:
        assert len(read_predictions(path).rows) == 2
        return
    with pytest.raises(PredictionsError, match=said):
        read_predictions(path)


@pytest.mark.parametrize("name", ["p.csv", "p.parquet"])
def test_only_earlier_predictions_give_way(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    demand_place(path, replace=False)
    write_predictions(path, Predictions(rows(["a"]), np.asarray([0.25]), np.asarray([1.0]), None, ORIGIN))
    demand_place(path, replace=False)

    path.write_text("path,label,source,family,generator,group,split\n", encoding="utf-8")  # a manifest
    with pytest.raises(PredictionsError, match="holds no predictions; name another file"):
        demand_place(path, replace=False)
    demand_place(path, replace=True)
    with pytest.raises(PredictionsError, match="there is no folder"):
        demand_place(tmp_path / "no" / name, replace=True)


def test_a_json_file_that_is_another_ones_does_not_give_way(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(PredictionsError, match=r"config\.json exists"):
        demand_place(tmp_path / "config.csv", replace=False)
    demand_place(tmp_path / "config.parquet", replace=False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prior": 0.0}, "prior must lie"),
        ({"threshold": 0.1}, "band_low must lie"),
        ({"checkpoint": {}}, "lack created_at, file, name, sha256"),
        ({"manifest": {"file": "m.csv"}}, "lack sha256"),
    ],
)
def test_an_origin_that_cannot_be(tmp_path: Path, change: dict[str, object], said: str) -> None:
    path = tmp_path / "p.csv"
    write_predictions(path, Predictions(rows(["a"]), np.asarray([0.25]), np.asarray([1.0]), None, ORIGIN))
    beside = tmp_path / "p.json"
    beside.write_text(json.dumps({**json.loads(beside.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    with pytest.raises(PredictionsError, match=said):
        read_predictions(path)
    beside.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(PredictionsError, match="holds no predictions"):
        read_predictions(path)


def test_a_parquet_file_is_whole_in_itself_and_read_by_others(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    trained = Trained(("a",), ("g",), 7, "b", "0123")
    found = Predictions(rows(["a", "b"]), np.asarray([0.25, 0.5]), np.asarray([1.0, 2.0]), None, replace(ORIGIN, trained=trained))
    write_predictions(path, found)
    assert [each.name for each in tmp_path.iterdir()] == ["p.parquet"]
    assert read_predictions(path).origin.trained == trained

    table = parquet.read_table(path)
    assert table["label"].to_pylist() == ["real", "fake"]
    assert table["faces"].to_pylist() == [None, None]
    parquet.write_table(table.replace_schema_metadata({}), tmp_path / "bare.parquet")
    parquet.write_table(table.drop_columns("score"), tmp_path / "less.parquet")
    (tmp_path / "cut.parquet").write_bytes(path.read_bytes()[:-9])
    for name, said in (("bare", "of which detector"), ("less", "no column 'score'"), ("cut", "holds no predictions")):
        with pytest.raises(PredictionsError, match=said):
            read_predictions(tmp_path / f"{name}.parquet")
    with pytest.raises(PredictionsError, match=r"no\.parquet cannot be read"):
        read_predictions(tmp_path / "no.parquet")
    with pytest.raises(PredictionsError, match="cannot be written"):
        write_predictions(tmp_path / "no" / "p.parquet", found)


def test_without_what_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    found = Predictions(rows(["a"]), np.asarray([0.25]), np.asarray([1.0]), None, replace(ORIGIN, threshold=0.7))
    write_predictions(path, found)
    (tmp_path / "p.json").write_text('{"threshold": 0.7}', encoding="utf-8")
    with pytest.raises(PredictionsError, match="holds no predictions"):
        read_predictions(path)
    (tmp_path / "p.json").unlink()
    with pytest.raises(PredictionsError, match=r"p\.json cannot be read"):
        read_predictions(path)
    with pytest.raises(PredictionsError, match="cannot be written"):
        write_predictions(tmp_path / "no" / "p.csv", found)
