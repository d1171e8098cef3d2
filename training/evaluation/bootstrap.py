"""Intervals by resampling whole groups: the cluster bootstrap with percentiles (Efron & Tibshirani 1993)."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from .weighted_metrics import Labels, Sample, Scores, Values, Weights

Measure = Callable[[Sample], Values]

_BLOCK = 2**17  # weights at a time: 1 MB per array stays in a core's cache


def group_draws(groups: Sequence[str], *, draws: int, seed: int) -> Iterator[Weights]:
    """weights_DN in blocks, `draws` rows in all: how often each image is in a draw of as many groups as there are."""
    _, group_N = np.unique(np.asarray(groups), return_inverse=True)
    count = int(group_N.max()) + 1
    rng = np.random.default_rng(seed)
    size = max(1, _BLOCK // len(groups))
    for start in range(0, draws, size):
        rows = min(size, draws - start)
        picks = rng.integers(0, count, (rows, count)) + count * np.arange(rows)[:, None]
        times = np.bincount(picks.ravel(), minlength=rows * count).reshape(rows, count)
        yield times[:, group_N].astype(np.float64)


def intervals(
    measures: Mapping[str, Measure], labels: Labels, scores: Scores, groups: Sequence[str], *, draws: int, seed: int
) -> dict[str, tuple[float, float]]:
    """95 % percentile interval of each measure, all from the same draws.

    Draws on which a measure is undefined (nan) are left out; without any that is defined its interval is (nan, nan). So it is
    where all images are of one group: each draw would be the same, which says nothing of how certain a figure is.
    """
    if len(set(groups)) < 2:
        return dict.fromkeys(measures, (float("nan"), float("nan")))
    values: dict[str, list[Values]] = {name: [] for name in measures}
    for weights_DN in group_draws(groups, draws=draws, seed=seed):
        sample = Sample(labels, scores, weights_DN)
        for name, measure in measures.items():
            values[name].append(measure(sample))
    return {name: _percentiles(np.concatenate(blocks)) for name, blocks in values.items()}


def _percentiles(values: Values) -> tuple[float, float]:
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)
