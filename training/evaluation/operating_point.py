"""What a trained network is worth: calibration and cuts from `val`, figures on what they were not chosen on."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from worker.detector.checkpoints.card import CheckpointCard
from worker.detector.image.perturbations import mild_conditions
from worker.detector.inference.predictor import Predictor

from ..data.manifest import Manifest, Row
from .calibration import Bars, Decision, calibrated, decide
from .figures import figures
from .logits import labels_of, logits_of
from .metrics import Costs, accuracy, actual_dcf, f1_fake, f1_real
from .published_results import anchors_beside
from .robustness import logits_under, robustness
from .weighted_metrics import Labels, Scores

ROBUSTNESS_IMAGES = 1000


def judged(
    predictor: Predictor, manifest: Manifest, bars: Bars, *, processes: int, report: Callable[[int, int], None]
) -> CheckpointCard:
    """The predictor's card with calibration, threshold, band and figures.

    The figures are of the split `test` where the manifest has one. Else they are of `val`, where calibration, cuts and maybe the
    epoch were chosen: `cross_fitted` then holds the rates at cuts that were chosen on the other half of the groups. The table of
    robustness is of at most `ROBUSTNESS_IMAGES` of them; `report(done, all)` counts its images.
    """
    val = manifest.of_split("val")
    labels, logits = labels_of(val), logits_of(predictor, val, processes=processes)
    mild = [logits_under(predictor, val, condition, processes=processes) for condition in mild_conditions()]
    decision = decide(labels, logits, mild, bars)
    card = replace(predictor.card, calibration=decision.calibration, threshold=decision.threshold, band_low=decision.band_low)
    metrics: dict[str, Any] = {"split": "val", "bars": asdict(bars)}
    if manifest.has_split("test"):
        rows = manifest.of_split("test")
        metrics["split"] = "test"
        logits = logits_of(predictor, rows, processes=processes)
    else:
        rows = val
        half = np.asarray([hashlib.sha256(row.group.encode()).digest()[0] % 2 for row in val])
        if all(len(set(labels[half == side])) == 2 for side in (0, 1)):  # not so on a handful of images
            metrics["cross_fitted"] = cross_fitted(half, labels, logits, mild, bars)
    scores = calibrated(decision.calibration, logits)
    metrics |= figures(
        rows,
        scores,
        decision.threshold,
        decision.band_low,
        prior=float(labels.mean()),
        raw=logits,
        calibrated_here=metrics["split"] == "val",
    )
    metrics["anchors"] = anchors_beside(rows, metrics["split"])
    judge = Predictor(predictor.detector, card, predictor.device, predictor.micro_batch)
    metrics["robustness"] = robustness(judge, _sample(rows), processes=processes, report=report)
    return replace(card, metrics=metrics)


def _sample(rows: Sequence[Row]) -> Sequence[Row]:
    """Evenly out of all sources and labels, the same ones each time."""
    if len(rows) <= ROBUSTNESS_IMAGES:
        return rows
    ordered = sorted(rows, key=lambda row: (row.source, row.label, hashlib.sha256(row.group.encode()).digest()))
    return [ordered[index * len(ordered) // ROBUSTNESS_IMAGES] for index in range(ROBUSTNESS_IMAGES)]


def cross_fitted(half: Labels, labels: Labels, logits: Scores, mild: Sequence[Scores], bars: Bars) -> dict[str, float]:
    """Rates at cuts, and figures at 0.5 by a calibration, that were chosen on the other half.

    `half` is 0 or 1 per image, and both hold both labels.
    """
    called, flagged, above_half = np.zeros(len(labels)), np.zeros(len(labels)), np.zeros(len(labels))
    for side in (0, 1):
        own, other = half == side, half != side
        decision: Decision = decide(labels[other], logits[other], [degraded[other] for degraded in mild], bars)
        scores = calibrated(decision.calibration, logits[own])
        called[own], flagged[own] = scores >= decision.threshold, scores >= decision.band_low
        above_half[own] = scores >= 0.5
    return {
        "false_alarm_rate": float(called[labels == 0].mean()),
        "flagged_real_rate": float(flagged[labels == 0].mean()),
        "hit_rate": float(called[labels == 1].mean()),
        "flagged_fake_rate": float(flagged[labels == 1].mean()),
        "accuracy_at_half": accuracy(labels, above_half, 0.5),
        "f1_fake_at_half": f1_fake(labels, above_half, 0.5),
        "f1_real_at_half": f1_real(labels, above_half, 0.5),
        "actual_dcf_at_half": actual_dcf(labels, above_half, 0.5, Costs()),
    }
