"""What the same images say of cuts that were chosen on them."""

import numpy as np
import pytest

from training.evaluation.calibration import Bars, calibrated, decide
from training.evaluation.metrics import rate_above
from training.evaluation.operating_point import cross_fitted


def test_rates_are_of_images_that_the_cuts_did_not_see() -> None:
    """One half has reals that look like fakes: cuts from the other half must show it, its own would hide it."""
    rng = np.random.default_rng(0)
    labels = np.tile([0, 1], 1000)
    half = np.repeat([0, 1], 1000)
    logits = rng.normal(3.0 * labels - 1.5, 1.0) + 2.0 * ((half == 1) & (labels == 0))
    bars = Bars(precision=0.0, flips=1.0)

    found = cross_fitted(half, labels, logits, [], bars)

    own = decide(labels, logits, [], bars)
    at_own = rate_above(calibrated(own.calibration, logits)[labels == 0], own.threshold)
    assert at_own <= 0.01
    assert found["false_alarm_rate"] > 0.1
    assert found["flagged_real_rate"] > found["false_alarm_rate"]
    assert 0 < found["hit_rate"] < found["flagged_fake_rate"] < 1


def test_rates_on_like_halves() -> None:
    """Halves that are alike give the rates that were asked for."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 20_000)
    logits = rng.normal(2.0 * labels - 1, 1.0)

    found = cross_fitted(rng.integers(0, 2, 20_000), labels, logits, [], Bars(precision=0.0, flips=1.0))

    assert found["false_alarm_rate"] == pytest.approx(0.01, abs=0.004)
    assert found["flagged_real_rate"] == pytest.approx(0.05, abs=0.008)
