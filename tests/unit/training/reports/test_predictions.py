"""Predictions as files: read back to the last bit, or refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from scanner.domain.states import Basis
from training.data.manifest import Row
from training.evaluation.logits import ScannedScores
from training.reports.prediction_files import PredictionsError
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
    found = Predictions(rows(["a"]), np.asarray([0.25]), np.asarray([1.0]), None, replace(ORIGIN, threshold=0.5))
    write_predictions(path, found)
    (tmp_path / "p.json").write_text('{"threshold": 0.5}', encoding="utf-8")
    with pytest.raises(PredictionsError, match="holds no predictions"):
        read_predictions(path)
    (tmp_path / "p.json").unlink()
    with pytest.raises(PredictionsError, match=r"p\.json cannot be read"):
        read_predictions(path)
    with pytest.raises(PredictionsError, match="cannot be written"):
        write_predictions(tmp_path / "no" / "p.csv", found)
