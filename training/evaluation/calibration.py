"""From logits on held-out images to calibrated scores, a threshold and a band."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.inference.scorer import sigmoid

from .metrics import threshold_for
from .weighted_metrics import Labels, Scores

# Per standard deviation of the logits: scores keep the order of the logits and hardly differ.
_LEAST_SLOPE = 1e-3


@dataclass(frozen=True)
class Bars:
    """What is asked of the cuts. False alarms on real photos are the worse error, so all are about them.

    "fake" is said where at most `fake_fpr` of real images reach the threshold and where at least `precision` of what is called
    fake is fake, if a share `prevalence` of all images is. The band below starts where `flagged_fpr` of real images are, and
    lower if needed so that at most `flips` of the images on either side of it cross it whole under mild recompression or
    resizing; but never so low that more than `most_flagged` of real images are in it.
    """

    fake_fpr: float = 0.01
    precision: float = 0.9
    prevalence: float = 0.1
    flagged_fpr: float = 0.05
    flips: float = 0.01
    most_flagged: float = 0.1


@dataclass(frozen=True)
class Decision:
    """Calibration and the two cuts on the calibrated score."""

    calibration: Calibration
    threshold: float
    band_low: float


def decide(labels: Labels, logits: Scores, mild: Sequence[Scores], bars: Bars) -> Decision:
    """Fit Platt scaling, then choose the cuts by `bars`. `mild` are logits of the same images under mild degradation."""
    calibration = platt(labels, logits)
    scores = calibrated(calibration, logits)
    reals, fakes = scores[labels == 0], scores[labels == 1]
    threshold = max(threshold_for(reals, bars.fake_fpr), _precise_from(reals, fakes, bars))
    low = min(threshold_for(reals, bars.flagged_fpr), threshold)
    for other in mild:
        degraded = calibrated(calibration, other)
        low = min(low, _low_against(scores, degraded, threshold, bars), _low_against(degraded, scores, threshold, bars))
    low = min(threshold, max(low, threshold_for(reals, bars.most_flagged)))
    return Decision(calibration, apart(scores, threshold), apart(scores, low))


def platt(labels: Labels, logits: Scores) -> Calibration:
    """Platt scaling with his smoothed targets (Platt 1999): certainty is bounded by the number of examples.

    The slope is always positive: scores are in the order of the logits.
    """
    from sklearn.linear_model import LogisticRegression  # 80 MB, which a run needs at its end alone

    fakes, reals = int(labels.sum()), int((1 - labels).sum())
    targets = np.where(labels == 1, (fakes + 1) / (fakes + 2), 1 / (reals + 2))
    # Standardised for the solver: it stops early on logits that hardly differ. A target between 0 and 1 is an example of both
    # classes, weighted.
    mean, spread = float(logits.mean()), float(logits.std()) or 1.0
    twice = np.tile((logits - mean) / spread, 2)[:, None]
    weights = np.concatenate([targets, 1 - targets])
    fitted = LogisticRegression(C=np.inf).fit(twice, np.repeat([1, 0], len(logits)), sample_weight=weights)
    slope, offset = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope < _LEAST_SLOPE:  # a detector that is worse than chance is not turned round: it knows nothing
        slope, offset = _LEAST_SLOPE, float(np.log(targets.mean() / (1 - targets.mean())))
    return Calibration(slope / spread, offset - slope / spread * mean)


def calibrated(calibration: Calibration, logits: Scores) -> Scores:
    """Scores, P(fake)."""
    return sigmoid(calibration.slope * logits + calibration.offset)


def fitted_prior(card: CheckpointCard) -> float:
    """The share of fakes among the images that the card's calibration was fitted on; 0.5 if it does not say."""
    known: Mapping[str, Any] = card.training.get("calibrated") or card.metrics
    return float(known.get("prior", 0.5))


def apart(scores: Scores, cut: float) -> float:
    """The cut in the middle of the gap that it lies in: no score is on it, to fall on either side by a rounding error."""
    below, above = scores[scores < cut], scores[scores >= cut]
    return float(below.max() + above.min()) / 2 if len(below) and len(above) else cut


def _precise_from(reals: Scores, fakes: Scores, bars: Bars) -> float:
    """The lowest threshold from which on calling fake is right often enough; the highest score if there is none."""
    cuts = np.unique(np.concatenate([reals, fakes]))
    hits = 1 - np.searchsorted(np.sort(fakes), cuts) / len(fakes)
    alarms = 1 - np.searchsorted(np.sort(reals), cuts) / len(reals)
    right, wrong = bars.prevalence * hits, (1 - bars.prevalence) * alarms
    failing = np.flatnonzero(right < bars.precision * (right + wrong))
    return float(cuts[min(failing[-1] + 1, len(cuts) - 1)]) if len(failing) else float(cuts[0])


def _low_against(above: Scores, beside: Scores, threshold: float, bars: Bars) -> float:
    """The lower end of the band below which at most `bars.flips` of those `above` the threshold are in their `beside` version."""
    crossing = np.sort(beside[above >= threshold])
    allowed = min(int(bars.flips * len(crossing)), len(crossing) - 1)
    return float(crossing[allowed]) if len(crossing) else threshold
