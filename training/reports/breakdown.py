"""Pictures as people have them, in groups: by source, by kind of forgery, by number of faces, with and without a face."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.detector.checkpoints.card_tables import figure_cell

from ..data.manifest import Row
from ..evaluation import figures, metrics
from ..evaluation.bootstrap import Measure
from ..evaluation.logits import ScannedScores, labels_of

# A name, the smallest and the largest number of faces.
NUMBERS = (("0", 0, 0), ("1", 1, 1), ("2", 2, 2), ("3-5", 3, 5), ("6 and more", 6, 10**9))
_COLUMNS = {
    "auc": "AUC",
    "hit_rate_at_1_percent": "TPR at FPR 1 %",
    "hit_rate_at_5_percent": "TPR at FPR 5 %",
    "false_alarm_rate": "real called fake",
    "flagged_real_rate": "real flagged",
    "hit_rate": "fake called fake",
    "flagged_fake_rate": "fake flagged",
}
_TITLES = {
    "sources": "By source:",
    "kinds": "By kind: fakes of one family against all real pictures:",
    "faces": "By the number of faces that were judged:",
    "with_and_without": "With and without a face:",
}


def breakdown(rows: Sequence[Row], found: ScannedScores, threshold: float, band_low: float) -> dict[str, Any]:
    """Figures of each group of each division, JSON-ready; a group without pictures is left out.

    Each figure is {"value", "low", "high"}, as in `figures`. A set with one label has its rates alone.
    """
    labels, groups = labels_of(rows), np.asarray([row.group for row in rows])
    sources = np.asarray([row.source for row in rows])
    families = np.asarray([row.family for row in rows])

    def of(chosen: NDArray[np.bool]) -> dict[str, Any]:
        own = labels[chosen]
        real, fake = int((own == 0).sum()), int((own == 1).sum())
        measures = _measures(real, fake, threshold, band_low)
        return {
            "real": real,
            "fake": fake,
            **figures.measured(measures, own, found.scores[chosen], groups[chosen].tolist(), figures.DRAWS),
        }

    divided: dict[str, dict[str, NDArray[np.bool]]] = {
        "sources": {str(source): sources == source for source in np.unique(sources)},
        "kinds": {
            str(family or "unnamed"): (families == family) & (labels == 1) | (labels == 0)
            for family in np.unique(families[labels == 1])
        },
        "faces": {name: (found.faces >= least) & (found.faces <= most) for name, least, most in NUMBERS},
        "with_and_without": {"with a face": found.have_faces, "without a face": ~found.have_faces},
    }
    return {division: {name: of(chosen) for name, chosen in parts.items() if chosen.any()} for division, parts in divided.items()}


def breakdown_parts(found: Mapping[str, Any]) -> list[str]:
    """The same as paragraphs of Markdown."""
    parts = []
    for division, groups in found.items():
        if groups:
            parts += [_TITLES[division], _table(groups)]
    return parts


def _measures(real: int, fake: int, threshold: float, band_low: float) -> dict[str, Measure]:
    measures: dict[str, Measure] = {}
    if real and fake:
        measures["auc"] = metrics.auc.draws
        measures["hit_rate_at_1_percent"] = partial(metrics.hit_rate_at.draws, false_alarm_rate=0.01)
        measures["hit_rate_at_5_percent"] = partial(metrics.hit_rate_at.draws, false_alarm_rate=0.05)
    return {**measures, **figures.rate_measures(real, fake, threshold, band_low)}


def _table(groups: Mapping[str, Any]) -> str:
    lines = [["", "real", "fake", *_COLUMNS.values()], ["---"] * (3 + len(_COLUMNS))]
    for name, own in groups.items():
        lines.append(
            [title_cell(name), f"{own['real']:,}", f"{own['fake']:,}", *(figure_cell(own.get(column)) for column in _COLUMNS)]
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def title_cell(name: str) -> str:
    """A cell: in one line, without the bar that ends a cell."""
    return " ".join(name.split()).replace("|", "\\|")
