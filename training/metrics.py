"""What a detector is worth: figures on scores and labels (1 = fake), with bootstrap intervals by group."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

Scores = NDArray[np.float64]
Labels = NDArray[np.int64]


def auc(labels: Labels, scores: Scores) -> float:
    """Area under the ROC curve: the chance that a fake scores above a real image, ties counting half."""
    return float(roc_auc_score(labels, scores))


def average_precision(labels: Labels, scores: Scores) -> float:
    """Step-wise area under precision over recall, positive = fake."""
    return float(average_precision_score(labels, scores))


def equal_error_rate(labels: Labels, scores: Scores) -> float:
    """The rate at which misses and false alarms are equal, linearly interpolated between the two nearest thresholds."""
    false_alarms, hits, _ = roc_curve(labels, scores, drop_intermediate=False)
    misses = 1 - hits
    crossing = int(np.argmax(misses <= false_alarms))
    if crossing == 0:
        return float(false_alarms[0])
    before, after = crossing - 1, crossing
    gap_before = misses[before] - false_alarms[before]
    gap_after = misses[after] - false_alarms[after]
    share = gap_before / (gap_before - gap_after)
    return float(false_alarms[before] + share * (false_alarms[after] - false_alarms[before]))


def rate_above(scores: Scores, threshold: float) -> float:
    """Share of `scores` that are >= `threshold`: the false alarm rate on reals, the hit rate on fakes."""
    return float(np.mean(scores >= threshold))


def threshold_for(real_scores: Scores, false_alarm_rate: float) -> float:
    """The lowest threshold at which at most `false_alarm_rate` of `real_scores` are >= it."""
    ordered = np.sort(real_scores)[::-1]
    allowed = int(np.floor(false_alarm_rate * len(ordered)))
    return float(np.nextafter(ordered[min(allowed, len(ordered) - 1)], np.inf))


def bootstrap_interval(
    figure: Callable[[NDArray[np.int64]], float], groups: Sequence[str], *, draws: int, seed: int
) -> tuple[float, float]:
    """95 % percentile interval of `figure(indices)`, resampling whole groups (Efron & Tibshirani 1993, cluster bootstrap).

    Draws on which the figure is undefined (one label only) are left out.
    """
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    lists = [np.asarray(indices) for indices in members.values()]
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        picked = np.concatenate([lists[group] for group in rng.integers(0, len(lists), len(lists))])
        value = figure(picked)
        if not np.isnan(value):
            values.append(value)
    if not values:
        return float("nan"), float("nan")
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
