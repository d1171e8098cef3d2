"""Predictions as files: read back to the last bit, or refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.states import Basis
from training.data.manifest import Row
from training.evaluation.logits import ScannedScores
from training.reports.predictions import Origin, Predictions, PredictionsError, read_predictions, write_predictions

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


@given(st.lists(st.tuples(NAMES, st.floats(-40, 40), st.floats(0, 1)), min_size=1, max_size=8))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, float, float]]) -> None:
    path = tmp_path_factory.mktemp("p") / "predictions.csv"
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


def test_pictures_that_were_scanned(tmp_path: Path) -> None:
    scanned = ScannedScores(np.asarray([0.5, -2.0]), np.asarray([Basis.BOTH.value, Basis.WHOLE.value]), np.asarray([3, 0]))
    write_predictions(tmp_path / "p.csv", Predictions(rows(["a", "b"]), scanned.scores, None, scanned, ORIGIN))
    again = read_predictions(tmp_path / "p.csv")
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
