"""Metrics of a thousand random sets of scores against scikit-learn's."""

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from training.evaluation.metrics import (
    accuracy,
    auc,
    average_precision,
    balanced_accuracy,
    equal_error_rate,
    f1_fake,
    f1_real,
    false_alarm_rate,
    hit_rate,
    hit_rate_at,
)


@pytest.mark.slow
@settings(max_examples=1000)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(2, 60),
    levels=st.sampled_from([2, 5, 40, 10**9]),  # few: most scores are ties
    threshold=st.floats(0, 1),
)
def test_figures_are_those_of_scikit_learn(seed: int, count: int, levels: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    labels = np.append([0, 1], rng.integers(0, 2, count - 2))
    scores = rng.integers(0, levels, count) / levels
    called = scores >= threshold
    with sklearn.config_context(skip_parameter_validation=True, assume_finite=True):
        assert auc(labels, scores) == pytest.approx(sk.roc_auc_score(labels, scores))
        assert average_precision(labels, scores) == pytest.approx(sk.average_precision_score(labels, scores))
        false_alarms, hits, _ = sk.roc_curve(labels, scores, drop_intermediate=False)
        (real_real, real_fake), (fake_real, fake_fake) = sk.confusion_matrix(labels, called, labels=[0, 1]).tolist()
    # The ROC's points joined by straight lines cross the diagonal of equal errors once.
    assert equal_error_rate(labels, scores) == pytest.approx(crossing(false_alarms, 1 - hits))
    assert hit_rate_at(labels, scores, 0.05) == hits[false_alarms <= 0.05].max()
    assert hit_rate(labels, scores, threshold) == pytest.approx(fake_fake / (fake_fake + fake_real))
    assert false_alarm_rate(labels, scores, threshold) == pytest.approx(real_fake / (real_fake + real_real))
    assert accuracy(labels, scores, threshold) == pytest.approx((real_real + fake_fake) / count)
    both = (fake_fake / (fake_fake + fake_real) + real_real / (real_fake + real_real)) / 2
    assert balanced_accuracy(labels, scores, threshold) == pytest.approx(both)
    wrong = real_fake + fake_real
    assert f1_fake(labels, scores, threshold) == pytest.approx(2 * fake_fake / (2 * fake_fake + wrong))
    assert f1_real(labels, scores, threshold) == pytest.approx(2 * real_real / (2 * real_real + wrong))


def crossing(false_alarms: np.ndarray, misses: np.ndarray) -> float:
    """Where two rates, one rising and one falling, are the same."""
    gap = misses - false_alarms
    after = int(np.argmax(gap <= 0))
    share = gap[after - 1] / (gap[after - 1] - gap[after])
    return float(false_alarms[after - 1] + share * (false_alarms[after] - false_alarms[after - 1]))
