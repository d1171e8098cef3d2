"""Detectors against sets: what each, trained on one thing, is worth on another. Made from predictions alone.

Runs that differ by their seed alone are one line, with mean and standard deviation. Figures are per picture or frame, and beside
it per video where pictures are frames of some.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Literal

import numpy as np

from worker.detector.inference.scorer import sigmoid

from ..data.manifest import Row
from ..evaluation import figures, metrics
from ..evaluation.bootstrap import Measure
from ..evaluation.logits import labels_of
from ..evaluation.weighted_metrics import Sample, Scores
from .prediction_files import PredictionsError
from .predictions import Predictions, Trained
from .videos import per_video

By = Literal["source", "generator"]
UNITS = ("frame", "video")
# What tables are of; accuracy is of the network's own sigmoid at 0.5, as benchmarks have it.
MEASURES = {"auc": "AUC", "equal_error_rate": "EER", "average_precision": "AP", "accuracy_raw": "accuracy"}
_RANKED: Mapping[str, Measure] = {
    "auc": metrics.auc.draws,
    "equal_error_rate": metrics.equal_error_rate.draws,
    "average_precision": metrics.average_precision.draws,
}
_AT_HALF: Mapping[str, Measure] = {"accuracy_raw": partial(metrics.accuracy.draws, threshold=0.5)}
ALL = "all"  # the column of everything


@dataclass(frozen=True)
class Detector:
    """One checkpoint, with all that it said. `logits` are uncalibrated; none where it scored pictures by their faces."""

    checkpoint: Mapping[str, str]
    trained: Trained
    rows: tuple[Row, ...]
    scores: Scores
    logits: Scores | None


@dataclass(frozen=True)
class Part:
    """A column: the places of its rows, and whether these include rows of other sources, for the label that it lacks."""

    places: Sequence[int]
    borrows: bool = False


def matrix_of(predictions: Sequence[Predictions], by: By = "source") -> dict[str, Any]:
    """All figures of all detectors, JSON-ready: by detector and by what they were tested on.

    A figure is {"value", "low", "high", "deviation", "values"}: of one run with its 95 % interval by group, of several seeds
    their mean and standard deviation (n - 1). Raises PredictionsError for predictions that do not go together.
    """
    lines = [_line(runs, by) for runs in setups_of(detectors_of(predictions))]
    return {"by": by, "tested_on": list(dict.fromkeys(name for line in lines for name in line["cells"])), "detectors": lines}


def detectors_of(predictions: Sequence[Predictions]) -> list[Detector]:
    """Predictions of one checkpoint on several sets are put together. Raises PredictionsError for a picture that is in two."""
    found: dict[str, list[Predictions]] = {}
    for one in predictions:
        found.setdefault(one.origin.checkpoint["sha256"], []).append(one)
    detectors = []
    for same in found.values():
        rows = tuple(row for one in same for row in one.rows)
        name = same[0].origin.checkpoint["name"]
        if len({_key(row) for row in rows}) < len(rows):
            raise PredictionsError(f"two of the files hold what {name} says of the same pictures; leave one of them out")
        logits = [one.logits for one in same if one.logits is not None]
        together = np.concatenate(logits) if len(logits) == len(same) else None
        scores = np.concatenate([one.scores for one in same])
        detectors.append(Detector(same[0].origin.checkpoint, same[0].origin.trained, rows, scores, together))
    return detectors


def setups_of(detectors: Sequence[Detector]) -> list[list[Detector]]:
    """Runs that differ by their seed alone, in the order of their seeds. Raises PredictionsError unless of the same pictures."""
    found: dict[object, list[Detector]] = {}
    for one in detectors:
        key = one.trained.setup or one.checkpoint["sha256"]
        seeds = [other.trained.seed for other in found.get(key, [])]
        found.setdefault((key, one.checkpoint["sha256"]) if one.trained.seed in seeds else key, []).append(one)
    for runs in found.values():
        if len({frozenset(map(_key, one.rows)) for one in runs}) > 1:
            name = runs[0].checkpoint["name"]
            raise PredictionsError(f"the seeds of {name} were measured on different pictures; measure all on the same")
        runs.sort(key=lambda one: one.trained.seed or 0)
    return list(found.values())


def is_in_domain(name: str, by: By, trained: Trained) -> bool:
    """Whether a detector was trained on what is called so; cards name collections as a whole (`web (12 sources)`)."""
    if by == "generator":
        return name in trained.generators
    collection, is_part, _ = name.partition(":")
    return name in trained.sources or (bool(is_part) and any(each.startswith(f"{collection} (") for each in trained.sources))


def parts_of(rows: Sequence[Row], by: By) -> dict[str, Part]:
    """The columns. What has one label is ranked against the other label: of all sources, and by generator of its own, if any."""
    if by == "generator":
        return {name: Part(chosen.tolist()) for name, (chosen, _) in figures.by_generator(rows).items()}
    own: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        own.setdefault(row.source, []).append(place)
    found = {}
    for source, places in sorted(own.items()):
        labels = {rows[place].label for place in places}
        others = [place for place, row in enumerate(rows) if row.label not in labels] if len(labels) == 1 else []
        found[source] = Part([*places, *others], borrows=bool(others))
    return found


def units_with(document: Mapping[str, Any], measure: str) -> list[str]:
    """The units of which any cell has `measure`."""
    cells = [cell for line in document["detectors"] for cell in line["cells"].values()]
    return [unit for unit in UNITS if any(cell[unit] and measure in cell[unit] for cell in cells)]


def unit_names(lines: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What the units are called: frames and videos where any detector was tested on videos, else pictures alone."""
    return {"frame": "frame", "video": "video"} if any(line["pooled"]["video"] for line in lines) else {"frame": "picture"}


def _key(row: Row) -> tuple[str, Path]:
    """What a row is: two sets may share real pictures, as FaceForensics++ and FaceShifter do."""
    return row.source, row.path


def _line(runs: Sequence[Detector], by: By) -> dict[str, Any]:
    first = runs[0]
    parts = parts_of(first.rows, by)
    place_of = [{_key(row): place for place, row in enumerate(one.rows)} for one in runs]
    cells: dict[str, Any] = {}
    for name, part in {ALL: Part(range(len(first.rows))), **parts}.items():
        keys = [_key(first.rows[place]) for place in part.places]
        chosen = [[places[key] for key in keys] for places in place_of]
        cells[name] = {
            "in_domain": name != ALL and is_in_domain(name, by, first.trained),
            "ranked_against_others": part.borrows,
            **{unit: _figures(runs, chosen, unit) for unit in UNITS},
        }
    pooled = cells.pop(ALL)
    return {
        "name": first.checkpoint["name"],
        "trained_on": list(first.trained.sources),
        "left_out": first.trained.left_out,
        "seeds": [one.trained.seed for one in runs],
        "checkpoints": [dict(one.checkpoint) for one in runs],
        "cells": cells,
        "pooled": {unit: pooled[unit] for unit in UNITS},
        "mean": _mean(list(cells.values())),
        "mean_elsewhere": _mean([cell for cell in cells.values() if not cell["in_domain"]]),
    }


def _figures(runs: Sequence[Detector], chosen: Sequence[Sequence[int]], unit: str) -> dict[str, Any] | None:
    """Counts, and each measure over the runs; None where no row is of a video, and videos are asked for."""
    values: dict[str, list[dict[str, float | None]]] = {}
    counts: dict[str, int] = {}
    for one, places in zip(runs, chosen, strict=True):
        rows: Sequence[Row] = [one.rows[place] for place in places]
        scores = one.scores[list(places)]
        raw = None if one.logits is None else sigmoid(one.logits[list(places)])
        if unit == "video":
            frames = [number for number, row in enumerate(rows) if row.video]
            if not frames:
                return None
            of_frames = [rows[number] for number in frames]
            rows, scores = per_video(of_frames, scores[frames])
            raw = None if raw is None else per_video(of_frames, raw[frames])[1]
        labels = labels_of(rows)
        counts = {"real": int((labels == 0).sum()), "fake": int((labels == 1).sum())}
        if not all(counts.values()):
            return counts
        for name, figure in _measured(rows, scores, raw, draws=figures.DRAWS if len(runs) == 1 else 0).items():
            values.setdefault(name, []).append(figure)
    return {**counts, **{name: _over_runs(found) for name, found in values.items() if len(found) == len(runs)}}


def _measured(rows: Sequence[Row], scores: Scores, raw: Scores | None, *, draws: int) -> dict[str, dict[str, float | None]]:
    labels, found = labels_of(rows), dict[str, dict[str, float | None]]()
    for measures, of in ((_RANKED, scores), (_AT_HALF, raw)):
        if of is None:
            continue
        if draws:
            found |= figures.measured(measures, labels, of, [row.group for row in rows], draws)
        else:
            once = Sample(labels, of, np.ones((1, len(labels))))
            found |= {name: {"value": float(measure(once)[0]), "low": None, "high": None} for name, measure in measures.items()}
    return found


def _over_runs(found: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    values = [value for figure in found if (value := figure["value"]) is not None]
    ends = {end: found[0][end] if len(found) == 1 else None for end in ("low", "high")}
    return {"value": fmean(values), **ends, "deviation": stdev(values) if len(values) > 1 else None, "values": values}


def _mean(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """By unit and measure: the mean over the columns that have it, of each run, and then over the runs."""
    found: dict[str, Any] = {}
    for unit in UNITS:
        found[unit] = {}
        for measure in MEASURES:
            of_columns = [cell[unit][measure]["values"] for cell in cells if cell[unit] and measure in cell[unit]]
            if of_columns:
                values = [fmean(of_run) for of_run in zip(*of_columns, strict=True)]
                figures_of = [{"value": value, "low": None, "high": None} for value in values]
                found[unit][measure] = {**_over_runs(figures_of), "columns": len(of_columns)}
    return found
