"""What a detector says of each picture, as a CSV file from which every table can be made anew.

Columns: those of the manifest but `split`; `logit` (uncalibrated; of a picture scored by its faces, calibrated), `score`
(P(fake), 0..1), and for pictures scored by their faces `basis` and `faces` (how many were judged). What they are of lies beside
it, in a JSON file of the same name.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from scanner.base.documents import DocumentError, demand_plain, from_document, to_document
from scanner.base.errors import KnownError
from scanner.base.files import write_whole, written_whole
from scanner.domain.states import Basis

from ..data.manifest import Row
from ..evaluation.logits import ScannedScores
from ..evaluation.weighted_metrics import Scores

_OF_ROWS = tuple(field.name for field in fields(Row) if field.name != "split")
_COLUMNS = (*_OF_ROWS, "logit", "score", "basis", "faces")
_LABELS = ("real", "fake")


class PredictionsError(KnownError):
    """A file of predictions that cannot be read or written."""


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


@dataclass(frozen=True)
class Predictions:
    """Rows with their scores, P(fake). `logits` are uncalibrated, and None where `scanned` holds what scanning says."""

    rows: Sequence[Row]
    scores: Scores
    logits: Scores | None
    scanned: ScannedScores | None
    origin: Origin


def write_predictions(path: Path, found: Predictions) -> None:
    """Write `path` (CSV), and beside it a file of the same name that ends in .json. Raises PredictionsError."""
    try:
        with written_whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as opened:
            writer = csv.writer(opened, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows(_line(found, number) for number in range(len(found.rows)))
        write_whole(_origin_file(path), json.dumps(to_document(found.origin), indent=2) + "\n")
    except OSError as error:
        raise PredictionsError(f"{path} cannot be written: {error.strerror}; name another file") from None


def read_predictions(path: Path) -> Predictions:
    """The inverse of `write_predictions`: the same rows, and scores to the last bit. Raises PredictionsError."""
    try:
        document = json.loads(_origin_file(path).read_text(encoding="utf-8"))
        demand_plain(document)
        origin = from_document(Origin, document)
        with path.open(newline="", encoding="utf-8") as opened:
            reader = csv.DictReader(opened, strict=True)
            if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
                raise PredictionsError(f"{path} has no column {missing[0]!r}; write it anew with `dfscan evaluate --predictions`")
            lines = [(reader.line_num, line) for line in reader]
    except OSError as error:
        raise PredictionsError(
            f"{error.filename} cannot be read: {error.strerror}; predictions are a CSV and a JSON file"
        ) from None
    except (ValueError, DocumentError, csv.Error) as error:
        raise PredictionsError(f"{path}, or the JSON file beside it, holds no predictions: {error}") from None
    if not lines:
        raise PredictionsError(f"{path} holds no predictions")
    rows = tuple(_row(path, number, line, origin.split) for number, line in lines)
    logits, scores = (np.asarray([_number(path, number, line, name) for number, line in lines]) for name in ("logit", "score"))
    if not any(line["basis"] for _, line in lines):
        return Predictions(rows, scores, logits, None, origin)
    bases = np.asarray([_basis(path, number, line) for number, line in lines])
    faces = np.asarray([_number(path, number, line, "faces") for number, line in lines]).astype(np.int64)
    return Predictions(rows, scores, None, ScannedScores(logits, bases, faces), origin)


def _line(found: Predictions, number: int) -> list[object]:
    row, scanned = found.rows[number], found.scanned
    values: dict[str, object] = {name: getattr(row, name) for name in _OF_ROWS} | {"label": _LABELS[row.label]}
    logit = (scanned.logits if scanned else found.logits)[number]  # type: ignore[index]  # one of them is there
    seen = (scanned.bases[number], scanned.faces[number]) if scanned else ("", "")
    return [*(str(values[name]) for name in _OF_ROWS), repr(float(logit)), repr(float(found.scores[number])), *seen]


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


def _origin_file(path: Path) -> Path:
    return path.with_suffix(".json")
