"""Labels and scores that many tests of metrics need."""

import numpy as np
from hypothesis import strategies as st

from training.evaluation.weighted_metrics import Labels, Scores

# Few distinct values, so that ties are the rule.
coarse = st.integers(0, 8).map(lambda eighths: eighths / 8)
ScoredLists = tuple[list[float], list[float]]
scored = st.tuples(st.lists(coarse, min_size=1, max_size=30), st.lists(coarse, min_size=1, max_size=30))


def joined(reals: list[float], fakes: list[float]) -> tuple[Labels, Scores]:
    return np.asarray([0] * len(reals) + [1] * len(fakes)), np.asarray([*reals, *fakes], np.float64)


def random_scores(seed: int, size: int = 400) -> tuple[Labels, Scores]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, size)
    return labels, rng.normal(labels, 1.0)


def random_chances(seed: int, size: int = 500) -> tuple[Labels, Scores]:
    """Like probabilities, neither calibrated nor balanced."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(size) < 0.3).astype(np.int64)
    return labels, rng.beta(1 + 2 * labels, 3 - 1.5 * labels)
