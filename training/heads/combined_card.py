"""The card of a combination: its weights, its cuts, and what it was worth on sources that the weights were not fitted on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanner.domain.states import Basis
from worker.detector.checkpoints.card import CheckpointCard
from worker.detector.checkpoints.late_fusion import LateFusion, Part
from worker.detector.inference.scorer import sigmoid
from worker.detector.model.recipes import COMBINED, IMPORTED, Recipe

from ..data.manifest import by_collection, sources_of
from ..evaluation import metrics
from ..evaluation.bootstrap import Measure
from ..evaluation.calibration import Bars, calibrated, decide
from ..evaluation.figures import DRAWS, figures, measured, rate_measures
from .late_fusion import Scored

OUT_OF_FOLD = "out-of-fold"


def part_of(name: str, sha256: str, card: CheckpointCard) -> Part:
    """A part by its own card."""
    told: Mapping[str, Any] = card.training.get(IMPORTED) or {}
    licence = str(told.get("licence", ""))
    return Part(name, sha256, card.threshold, card.band_low, card.whole_images, licence)


def combined_card(
    name: str,
    fusion: LateFusion,
    cards: Sequence[CheckpointCard],
    found: Scored,
    logits_I: NDArray[np.float64],
    bars: Bars,
    *,
    data: Mapping[str, Any],
    now: datetime,
) -> CheckpointCard:
    """The card of the combination `name` of models with these `cards`.

    `logits_I` are out-of-fold: calibration and cuts are chosen, and figures measured, on them. `data` says what the pictures
    are: manifest, its sha256, split, folds.
    """
    labels = found.labels
    decision = decide(labels, logits_I, [], bars)
    scores = calibrated(decision.calibration, logits_I)
    rows = by_collection(found.rows)
    measures = figures(
        rows,
        scores,
        decision.threshold,
        decision.band_low,
        prior=float(labels.mean()),
        raw=logits_I,
        calibrated_here=True,
    )
    beside = [_row("together", found, scores, decision.threshold, decision.band_low)]
    for number, part in enumerate(found.parts):
        beside.append(_row(f"{part.name} alone", found, _alone(found, number), part.threshold, part.band_low))
    return CheckpointCard(
        name,
        Recipe(COMBINED, (COMBINED,), (), 0.0, cards[0].recipe.preprocessing),
        decision.calibration,
        decision.threshold,
        decision.band_low,
        now.isoformat(timespec="seconds"),
        whole_images=any(part.whole_images for part in fusion.parts),
        fusion=fusion,
        training={COMBINED: {**data, "rows": len(rows), **_parts_trained_on(cards)}, "sources": sources_of(rows)},
        metrics={"split": OUT_OF_FOLD, "bars": asdict(bars), "beside": beside, **measures},
    )


def no_gain(beside: Sequence[Mapping[str, Any]]) -> str | None:
    """What to say where a part alone tells fakes from reals as well as all together; `beside` is the card's table."""
    together, *alone = beside
    best = max(alone, key=lambda row: float(row["auc"]["value"]))
    if together["auc"]["value"] > best["auc"]["value"]:
        return None
    return (
        f"nothing is gained by combining them: out-of-fold the AUC of all together is {together['auc']['value']:.3f}, "
        f"and that of {best['what']} {best['auc']['value']:.3f}"
    )


def _parts_trained_on(cards: Sequence[CheckpointCard]) -> dict[str, list[str]]:
    """What the parts know as well, as far as their cards say: there the combination is no stranger either."""
    of_parts = [card.training.get("sources") or {} for card in cards]
    generators = {name for sources in of_parts for of in sources.values() for name in of.get("generators", ()) if name}
    return {
        "parts_trained_on": sorted({name for sources in of_parts for name in sources}),
        "parts_generators": sorted(generators),
    }


def _alone(found: Scored, number: int) -> NDArray[np.float64]:
    """The scores of one part; 0 for a picture that it calls real whatever its score is."""
    scores: NDArray[np.float64] = sigmoid(found.logits_IN[:, number])
    judges = found.parts[number].whole_images | (found.bases_I != Basis.WHOLE.value)
    return np.where(judges, scores, 0.0)


def _row(what: str, found: Scored, scores: NDArray[np.float64], threshold: float, band_low: float) -> dict[str, Any]:
    labels = found.labels
    real, fake = int((labels == 0).sum()), int((labels == 1).sum())
    measures: dict[str, Measure] = {
        "auc": metrics.auc.draws,
        "hit_rate_at_1_percent": partial(metrics.hit_rate_at.draws, false_alarm_rate=0.01),
        "hit_rate_at_5_percent": partial(metrics.hit_rate_at.draws, false_alarm_rate=0.05),
        **rate_measures(real, fake, threshold, band_low),
    }
    groups = [row.group for row in found.rows]
    return {"what": what, "real": real, "fake": fake, **measured(measures, labels, scores, groups, DRAWS)}
