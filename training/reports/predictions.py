"""What a detector says of each picture, as a file (CSV or Parquet) from which every table can be made anew.

Columns: those of the manifest but `split`; `logit` (uncalibrated; of a picture scored by its faces, calibrated), `score`
(P(fake), 0..1), and for pictures scored by their faces `basis` and `faces` (how many were judged). With them is what they are of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from scanner.base.documents import DocumentError, from_document, to_document
from scanner.domain.states import Basis

from ..data.manifest import Row
from ..evaluation.logits import ScannedScores
from ..evaluation.weighted_metrics import Scores
from .prediction_files import PredictionsError, read_table, write_table

_OF_ROWS = tuple(field.name for field in fields(Row) if field.name != "split")
_COLUMNS = (*_OF_ROWS, "logit", "score", "basis", "faces")
_LABELS = ("real", "fake")


@dataclass(frozen=True)
class Trained:
    """How a detector came to be, as far as its card says: what it was trained on, with which seed, and what was left out.

    `setup` is the same for runs that differ by their seed alone.
    """

    sources: tuple[str, ...] = ()
    generators: tuple[str, ...] = ()
    seed: int | None = None
    left_out: str = ""
    setup: str = ""


@dataclass(frozen=True)
class Origin:
    """What predictions are of: the checkpoint (name, file, sha256, created_at), the manifest (file, sha256), and its split.

    The checkpoint is used with these cuts, and calibrated for the share `prior` of fakes; `calibrated_here`: on these pictures.
    """

    checkpoint: Mapping[str, str]
    manifest: Mapping[str, str]
    split: str
    threshold: float
    band_low: float
    prior: float
    calibrated_here: bool
    versions: Mapping[str, str]
    trained: Trained = field(default_factory=Trained)


@dataclass(frozen=True)
class Predictions:
    """Rows with their scores, P(fake). `logits` are uncalibrated, and None where `scanned` holds what scanning says."""

    rows: Sequence[Row]
    scores: Scores
    logits: Scores | None
    scanned: ScannedScores | None
    origin: Origin


def write_predictions(path: Path, found: Predictions) -> None:
    """Write `path`: Parquet where its name ends so, else CSV, and beside that a JSON file. Raises PredictionsError."""
    write_table(path, _COLUMNS, [_line(found, number) for number in range(len(found.rows))], to_document(found.origin))


def read_predictions(path: Path) -> Predictions:
    """The inverse of `write_predictions`: the same rows, and scores to the last bit. Raises PredictionsError."""
    lines, document = read_table(path, _COLUMNS)
    try:
        origin = from_document(Origin, document)
    except DocumentError as error:
        raise PredictionsError(f"{path} does not say what it is of, and so holds no predictions: {error}") from None
    rows = tuple(_row(path, number, line, origin.split) for number, line in lines)
    logits, scores = (np.asarray([_number(path, number, line, name) for number, line in lines]) for name in ("logit", "score"))
    if not any(line["basis"] for _, line in lines):
        return Predictions(rows, scores, logits, None, origin)
    bases = np.asarray([_basis(path, number, line) for number, line in lines])
    faces = np.asarray([_number(path, number, line, "faces") for number, line in lines]).astype(np.int64)
    return Predictions(rows, scores, None, ScannedScores(logits, bases, faces), origin)


def _line(found: Predictions, number: int) -> dict[str, Any]:
    row, scanned = found.rows[number], found.scanned
    values: dict[str, Any] = {name: str(getattr(row, name)) for name in _OF_ROWS} | {"label": _LABELS[row.label]}
    logit = (scanned.logits if scanned else found.logits)[number]  # type: ignore[index]  # one of them is there
    seen = (str(scanned.bases[number]), int(scanned.faces[number])) if scanned else (None, None)
    return {**values, "logit": float(logit), "score": float(found.scores[number]), "basis": seen[0], "faces": seen[1]}


def _row(path: Path, number: int, line: Mapping[str, Any], split: str) -> Row:
    if line["label"] not in _LABELS:
        raise PredictionsError(f"{path}, line {number}: label is {line['label']!r}, and must be real or fake")
    values: dict[str, Any] = {name: line[name] or "" for name in _OF_ROWS}
    return Row(**{**values, "path": Path(values["path"]), "label": _LABELS.index(values["label"]), "split": split})


def _number(path: Path, number: int, line: Mapping[str, Any], name: str) -> float:
    try:
        return float(line[name])
    except (TypeError, ValueError):
        raise PredictionsError(f"{path}, line {number}: {name} is {line[name]!r}, and must be a number") from None


def _basis(path: Path, number: int, line: Mapping[str, Any]) -> str:
    if line["basis"] not in set(Basis):
        raise PredictionsError(f"{path}, line {number}: basis is {line['basis']!r}, and must be one of {', '.join(Basis)}")
    return str(line["basis"])
