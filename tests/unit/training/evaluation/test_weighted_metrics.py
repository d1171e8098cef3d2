import math
from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as sk

from training.evaluation import metrics
from training.evaluation.metrics import (
    Costs,
    accuracy,
    actual_dcf,
    auc,
    average_precision,
    balanced_accuracy,
    cllr,
    equal_error_rate,
    expected_calibration_error,
    f1_fake,
    f1_real,
    false_alarm_rate,
    hit_rate,
    hit_rate_at,
    minimal_dcf,
)
from training.evaluation.weighted_metrics import Metric, Sample, Values

ROW_METRICS: dict[str, Callable[[Sample], Values]] = {
    "auc": auc.draws,
    "average_precision": average_precision.draws,
    "equal_error_rate": equal_error_rate.draws,
    "hit_rate_at": lambda sample: hit_rate_at.draws(sample, 0.25),
    "minimal_dcf": lambda sample: minimal_dcf.draws(sample, Costs(2, 1, 0.3)),
    "actual_dcf": lambda sample: actual_dcf.draws(sample, 0.4, Costs(2, 1, 0.3)),
    "accuracy": lambda sample: accuracy.draws(sample, 0.4),
    "balanced_accuracy": lambda sample: balanced_accuracy.draws(sample, 0.4),
    "f1_fake": lambda sample: f1_fake.draws(sample, 0.4),
    "f1_real": lambda sample: f1_real.draws(sample, 0.4),
    "false_alarm_rate": lambda sample: false_alarm_rate.draws(sample, 0.4),
    "hit_rate": lambda sample: hit_rate.draws(sample, 0.4),
    "expected_calibration_error": expected_calibration_error.draws,
    "cllr": lambda sample: cllr.draws(sample, 0.3),
}


def test_every_metric_is_checked_with_weights() -> None:
    there = {name for name, value in vars(metrics).items() if isinstance(value, Metric)}
    # Its cut may be one that no drawn image has.
    assert there - {"equal_error_threshold"} == ROW_METRICS.keys()


@pytest.mark.parametrize("name", ROW_METRICS)
def test_a_weight_counts_an_image_that_often(name: str) -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 60), rng.integers(0, 12, 60) / 12
    weights = rng.integers(0, 4, (20, 60))

    found = ROW_METRICS[name](Sample(labels, scores, weights.astype(float)))

    for times, value in zip(weights, found, strict=True):
        drawn = Sample(np.repeat(labels, times), np.repeat(scores, times), np.ones((1, times.sum())))
        assert value == pytest.approx(ROW_METRICS[name](drawn)[0], abs=1e-12)


def test_weighted_figures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    labels, scores = rng.integers(0, 2, 300), rng.integers(0, 40, 300) / 40
    weights = rng.integers(0, 3, 300)
    sample = Sample(labels, scores, weights[None].astype(float))

    assert auc.draws(sample)[0] == pytest.approx(sk.roc_auc_score(labels, scores, sample_weight=weights))
    assert average_precision.draws(sample)[0] == pytest.approx(sk.average_precision_score(labels, scores, sample_weight=weights))


@pytest.mark.parametrize("name", ROW_METRICS)
def test_draws_without_a_label(name: str) -> None:
    """Draws without a label are undefined and the others are not."""
    sample = Sample(np.asarray([0, 0, 1]), np.asarray([0.2, 0.6, 0.9]), np.asarray([[1.0, 1, 0], [0, 0, 2], [1, 1, 1]]))

    only_real, only_fake, both = ROW_METRICS[name](sample)

    # F1 of real is undefined where nothing is real and nothing is called so.
    assert math.isnan(only_real) == (
        name not in ("accuracy", "f1_fake", "f1_real", "expected_calibration_error", "false_alarm_rate")
    )
    assert math.isnan(only_fake) == (name not in ("accuracy", "f1_fake", "expected_calibration_error", "hit_rate"))
    assert not math.isnan(both)
