"""What a detector says of each picture, as a file (CSV or Parquet) from which every table can be made anew.

Columns: those of the manifest but `split`; `logit` (uncalibrated; of a picture scored by its faces, calibrated), `score`
(P(fake), 0..1), and for pictures scored by their faces `basis` and `faces` (how many were judged). With them is what they are of.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from scanner.base.documents import DocumentError, from_document, to_document
from scanner.domain.states import Basis

from ..data.manifest import Row, refuse_divided_videos
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

    def __post_init__(self) -> None:
        """Raises ValueError for what no detector could be used with."""
        if not 0 <= self.band_low <= self.threshold:
            raise ValueError("band_low must lie from 0 to threshold")
        if not 0 < self.prior < 1:
            raise ValueError("prior must lie between 0 and 1")
        named = ({"name", "file", "sha256", "created_at"} - set(self.checkpoint)) | ({"file", "sha256"} - set(self.manifest))
        if named:
            raise ValueError(f"checkpoint and manifest lack {', '.join(sorted(named))}")


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
    """The inverse of `write_predictions`: the same rows, and scores to the last bit.

    Raises PredictionsError, and ManifestError for a divided video.
    """
    lines, document = read_table(path, _COLUMNS)
    try:
        origin = from_document(Origin, document)
    except DocumentError as error:
        raise PredictionsError(f"{path} does not say what it is of, and so holds no predictions: {error}") from None
    rows = tuple(_row(path, number, line, origin.split) for number, line in lines)
    _refuse_twice(path, rows, [number for number, _ in lines])
    refuse_divided_videos(path, rows)
    logits = np.asarray([_number(path, number, line, "logit") for number, line in lines])
    scores = np.asarray([_score(path, number, line) for number, line in lines])
    if not any(line["basis"] for _, line in lines):
        return Predictions(rows, scores, logits, None, origin)
    bases = np.asarray([_basis(path, number, line) for number, line in lines])
    faces = np.asarray([_count(path, number, line) for number, line in lines], np.int64)
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
    values: dict[str, Any] = {name: "" if line[name] is None else str(line[name]) for name in _OF_ROWS}
    if not values["path"] or "\0" in values["path"]:
        raise PredictionsError(f"{path}, line {number}: names no file (column `path`)")
    return Row(**{**values, "path": Path(values["path"]), "label": _LABELS.index(values["label"]), "split": split})


def _number(path: Path, number: int, line: Mapping[str, Any], name: str) -> float:
    try:
        value = float(line[name])
        if math.isfinite(value):
            return value
    except (TypeError, ValueError):
        pass
    raise PredictionsError(f"{path}, line {number}: {name} is {line[name]!r}, and must be a number") from None


def _score(path: Path, number: int, line: Mapping[str, Any]) -> float:
    value = _number(path, number, line, "score")
    if not 0 <= value <= 1:
        raise PredictionsError(f"{path}, line {number}: score is {line['score']!r}, and must lie from 0 to 1")
    return value


def _count(path: Path, number: int, line: Mapping[str, Any]) -> int:
    value = _number(path, number, line, "faces")
    if value != int(value) or not 0 <= value < 1e9:
        raise PredictionsError(f"{path}, line {number}: faces is {line['faces']!r}, and must be a whole number, 0 or more")
    return int(value)


def _refuse_twice(path: Path, rows: Sequence[Row], numbers: Sequence[int]) -> None:
    first: dict[Path, int] = {}
    for row, number in zip(rows, numbers, strict=True):
        if (before := first.setdefault(row.path, number)) != number:
            raise PredictionsError(f"{path}, line {number}: {row.path} is in line {before}, too; a picture counts once")


def _basis(path: Path, number: int, line: Mapping[str, Any]) -> str:
    if line["basis"] not in set(Basis):
        raise PredictionsError(f"{path}, line {number}: basis is {line['basis']!r}, and must be one of {', '.join(Basis)}")
    return str(line["basis"])
