"""What a detector is worth: metrics of labels_N (1 = fake, 0 = real) and scores_N (higher is more fake).

Every metric states its convention. Called as `auc(labels, scores)` it gives one float, nan where it is undefined;
`auc.draws(sample)` gives values_D for the D draws of a bootstrap (see `weighted_metrics.py`).
Rank metrics see only the order of the scores; the calibration metrics want P(fake).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .weighted_metrics import Curve, Labels, Metric, Sample, Scores, Values, divided

ECE_BINS = 15


@dataclass(frozen=True)
class Costs:
    """The application a detection cost is computed for: what the two errors cost, and how common fakes are."""

    miss: float = 1.0
    false_alarm: float = 1.0
    p_fake: float = 0.5

    def __post_init__(self) -> None:
        """Raises ValueError for costs that are not positive, and for a prior that is no probability between 0 and 1."""
        if min(self.miss, self.false_alarm) <= 0 or not 0 < self.p_fake < 1:
            raise ValueError("costs must be positive and p_fake must lie between 0 and 1")

    @property
    def blind(self) -> float:
        """The cost of the better of the two decisions that look at nothing: min(C_miss P, C_fa (1 - P))."""
        return min(self.miss * self.p_fake, self.false_alarm * (1 - self.p_fake))


@Metric
def auc(sample: Sample) -> Values:
    """Area under the ROC curve: the chance that a fake scores above a real image, ties counting half (Hanley & McNeil 1982)."""
    curve = sample.curve
    heights_DK = (curve.hits_DK[:, 1:] + curve.hits_DK[:, :-1]) / 2
    areas_D: Values = (np.diff(curve.false_alarms_DK, axis=1) * heights_DK).sum(axis=1)
    return areas_D


@Metric
def average_precision(sample: Sample) -> Values:
    """AP, positive = fake: precision summed over the steps of recall, without interpolation. It grows with the share of fakes."""
    curve = sample.curve
    hits_DK, false_alarms_DK = curve.hits_DK * curve.fakes_D[:, None], curve.false_alarms_DK * curve.reals_D[:, None]
    # Nothing is called at the first cuts of a draw that left out the highest scores: no step of recall there, any precision does.
    precision_DK = np.where(hits_DK + false_alarms_DK == 0, 1.0, divided(hits_DK, hits_DK + false_alarms_DK))
    areas_D: Values = (np.diff(curve.hits_DK, axis=1) * precision_DK[:, 1:]).sum(axis=1)
    return areas_D


@Metric
def equal_error_rate(sample: Sample) -> Values:
    """EER: where the ROC, its points joined by straight lines, has as many misses as false alarms (no convex hull)."""
    curve = sample.curve
    draws, before, share = _crossing(curve)
    false_alarms_DK = curve.false_alarms_DK
    return false_alarms_DK[draws, before] + share * (false_alarms_DK[draws, before + 1] - false_alarms_DK[draws, before])


@Metric
def equal_error_threshold(sample: Sample) -> Values:
    """The threshold of the EER, interpolated like the rate between the two cuts around it; the lower one if the upper is inf."""
    curve = sample.curve
    _, before, share = _crossing(curve)
    low, high = curve.cuts_K[before + 1], curve.cuts_K[before]
    high = np.where(np.isinf(high), low, high)
    return high + share * (low - high)


@Metric
def hit_rate_at(sample: Sample, false_alarm_rate: float) -> Values:
    """TPR at a given FPR: the highest hit rate of any cut whose false alarm rate is <= `false_alarm_rate`.

    Nothing is interpolated: a threshold that does this exists. With fewer than 1 / rate real images no false alarm is allowed.
    """
    curve = sample.curve
    highest_D: Values = np.where(curve.false_alarms_DK > false_alarm_rate + 1e-12, 0.0, curve.hits_DK).max(axis=1)
    return highest_D


@Metric
def minimal_dcf(sample: Sample, costs: Costs) -> Values:
    """min-DCF: the lowest C_miss P P_miss + C_fa (1 - P) P_fa of any cut, the two blind ones included.

    The raw cost as in NIST's speaker recognition evaluations; divide by `costs.blind` for the normalised one (then <= 1).
    With costs 1, 1 and P = 0.5 it lies between EER / 2 and EER.
    """
    curve = sample.curve
    lowest_D: Values = _cost(1 - curve.hits_DK, curve.false_alarms_DK, costs).min(axis=1)
    return lowest_D


@Metric
def actual_dcf(sample: Sample, threshold: float, costs: Costs) -> Values:
    """act-DCF: the cost of the decisions taken at `threshold`, raw as in `minimal_dcf`; normalised it may exceed 1.

    With costs 1, 1 and P = 0.5 it is 1 - balanced accuracy.
    """
    hits, false_alarms = (rate.draws(sample, threshold) for rate in (hit_rate, false_alarm_rate))
    return _cost(1 - hits, false_alarms, costs)


@Metric
def accuracy(sample: Sample, threshold: float) -> Values:
    """Share of images on the right side of `threshold`; a score >= it is called fake. It depends on the share of fakes."""
    right = (sample.scores_N >= threshold) == (sample.labels_N == 1)
    return divided(sample.sums(right), sample.weights_DN.sum(axis=1))


@Metric
def balanced_accuracy(sample: Sample, threshold: float) -> Values:
    """Mean of the hit rate and of the share of reals not called fake, at `threshold`."""
    hits, false_alarms = (rate.draws(sample, threshold) for rate in (hit_rate, false_alarm_rate))
    return (hits + 1 - false_alarms) / 2


@Metric
def f1_fake(sample: Sample, threshold: float) -> Values:
    """F1 with positive = fake at `threshold`: 2 TP / (2 TP + FP + FN), nan where nothing is fake and nothing called so."""
    return _f1(sample, sample.labels_N == 1, sample.scores_N >= threshold)


@Metric
def f1_real(sample: Sample, threshold: float) -> Values:
    """F1 with positive = real at `threshold` (a score < it is called real)."""
    return _f1(sample, sample.labels_N == 0, sample.scores_N < threshold)


@Metric
def false_alarm_rate(sample: Sample, threshold: float) -> Values:
    """FPR: share of real images with a score >= `threshold`."""
    return _rate(sample, sample.labels_N == 0, threshold)


@Metric
def hit_rate(sample: Sample, threshold: float) -> Values:
    """TPR: share of fake images with a score >= `threshold`."""
    return _rate(sample, sample.labels_N == 1, threshold)


@Metric
def expected_calibration_error(sample: Sample) -> Values:
    """ECE in 15 bins of equal width, ((m - 1) / 15, m / 15] (Guo et al. 2017).

    For two classes: of P(fake) against the frequency of fakes in each bin, not of the confidence in the winning class.
    Few images overstate it, and draws of a bootstrap more so: its interval may lie above it.
    """
    bins_N = np.clip(np.ceil(sample.scores_N * ECE_BINS).astype(np.int64) - 1, 0, ECE_BINS - 1)
    excess_NB = (sample.scores_N - sample.labels_N)[:, None] * (bins_N[:, None] == np.arange(ECE_BINS))
    return divided(np.abs(sample.sums(excess_NB)).sum(axis=1), sample.weights_DN.sum(axis=1))


@Metric
def cllr(sample: Sample, prior: float) -> Values:
    """Cost of the log-likelihood ratio in bits (Bruemmer & du Preez 2006): 0 is perfect, 1 is as good as always saying "equal".

    The ratio is the log-odds of P(fake) less those of `prior`, the share of fakes that the calibration was fitted for.
    Scores are held one float64 step away from 0 and 1, so that one sure error costs 52 bits and not infinity.
    """
    step = np.finfo(np.float64).eps
    held_N = np.clip(sample.scores_N, step, 1 - step)
    ratios_N = np.log(held_N) - np.log1p(-held_N) - np.log(prior / (1 - prior))
    bits_N = np.logaddexp(0, np.where(sample.labels_N == 1, -ratios_N, ratios_N)) / np.log(2)
    of_fakes, of_reals = (
        divided(sample.sums(bits_N * of), sample.sums(of)) for of in (sample.labels_N == 1, sample.labels_N == 0)
    )
    return (of_fakes + of_reals) / 2


def rate_above(scores: Scores, threshold: float) -> float:
    """Share of `scores` that are >= `threshold`: the false alarm rate on reals, the hit rate on fakes."""
    return float(np.mean(scores >= threshold))


def threshold_for(real_scores: Scores, false_alarm_rate: float) -> float:
    """The lowest threshold at which at most `false_alarm_rate` of `real_scores` are >= it."""
    ordered = np.sort(real_scores)[::-1]
    allowed = int(np.floor(false_alarm_rate * len(ordered)))
    allowed += (allowed + 1) / len(ordered) <= false_alarm_rate  # 0.29 * 100 is a little less than 29
    return float(np.nextafter(ordered[min(allowed, len(ordered) - 1)], np.inf))


def _rate(sample: Sample, chosen_N: NDArray[np.bool], threshold: float) -> Values:
    """Share of the chosen images with a score >= `threshold`."""
    return divided(sample.sums(chosen_N & (sample.scores_N >= threshold)), sample.sums(chosen_N))


def _f1(sample: Sample, positive_N: NDArray[np.bool], called_N: NDArray[np.bool]) -> Values:
    return divided(2 * sample.sums(positive_N & called_N), sample.sums(positive_N) + sample.sums(called_N))


def _cost(miss_rate: Values, false_alarm_rate: Values, costs: Costs) -> Values:
    return costs.miss * costs.p_fake * miss_rate + costs.false_alarm * (1 - costs.p_fake) * false_alarm_rate


def _crossing(curve: Curve) -> tuple[Labels, Labels, Values]:
    """Per draw: its index, the last cut with more misses than false alarms, and the share of the way to the next (0..1]."""
    gap_DK = 1 - curve.hits_DK - curve.false_alarms_DK  # falls from 1 to -1
    draws = np.arange(len(gap_DK))
    # A draw without one label is nan throughout and crosses nowhere; it stays nan from cut 0.
    before = np.maximum(np.argmax(gap_DK <= 0, axis=1) - 1, 0)
    return draws, before, gap_DK[draws, before] / (gap_DK[draws, before] - gap_DK[draws, before + 1])


def epoch_figures(labels: Labels, logits: Scores) -> dict[str, float]:
    """What is told of a network after an epoch, of raw logits: no threshold and no calibration was chosen yet.

    `loss` is the binary cross-entropy in nats, both labels as many as there are; `accuracy` and `dcf` (C_miss = C_fa = 1,
    P(fake) = 0.5) are at a sigmoid of 0.5.
    """
    signs = np.where(labels == 1, -1.0, 1.0)
    return {
        "auc": auc(labels, logits),
        "loss": float(np.logaddexp(0, signs * logits).mean()),
        "accuracy": accuracy(labels, logits, 0.0),
        "eer": equal_error_rate(labels, logits),
        "dcf": actual_dcf(labels, logits, 0.0, Costs()),
    }
