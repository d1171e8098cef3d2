import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.calibrate import decide
from training.metrics import Labels, Scores, rate_above
from worker.detector.predictor import sigmoid


def held_out(seed: int, size: int = 600, distance: float = 1.5) -> tuple[Labels, Scores]:
    rng = np.random.default_rng(seed)
    labels = np.arange(size) % 3 // 2
    return labels, rng.normal(distance * (2 * labels - 1), 1.0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.005, 0.01, 0.05]), st.sampled_from([0.05, 0.1, 0.3]))
def test_the_allowed_rates_hold_on_the_reals_given(seed: int, fake_at: float, flagged_at: float) -> None:
    labels, logits = held_out(seed)

    decision = decide(labels, logits, fake_at_fpr=fake_at, flagged_at_fpr=flagged_at)

    reals = sigmoid(decision.calibration.slope * logits + decision.calibration.offset)[labels == 0]
    assert decision.threshold >= decision.band_low
    assert rate_above(reals, decision.threshold) <= fake_at
    assert rate_above(reals, decision.band_low) <= flagged_at


def test_calibrated_scores_mean_what_they_say() -> None:
    labels, logits = held_out(0, size=6000)
    decision = decide(labels, logits * 4 + 3, fake_at_fpr=0.01, flagged_at_fpr=0.05)  # sharpened and shifted: overconfident

    scores = sigmoid(decision.calibration.slope * (logits * 4 + 3) + decision.calibration.offset)

    assert scores.mean() == pytest.approx(labels.mean(), abs=1e-3)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        inside = (scores >= low) & (scores < low + 0.2)
        assert labels[inside].mean() == pytest.approx(scores[inside].mean(), abs=0.06)


def test_calibration_finds_the_known_slope_and_offset() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 40_000)
    labels = (rng.random(40_000) < sigmoid(0.7 * logits - 0.4)).astype(np.int64)

    calibration = decide(labels, logits, fake_at_fpr=0.01, flagged_at_fpr=0.05).calibration

    assert (calibration.slope, calibration.offset) == pytest.approx((0.7, -0.4), abs=0.04)


@pytest.mark.parametrize("distance", [3.0, 6.0, 20.0])
def test_separable_logits_give_finite_cuts_that_hold_the_rates(distance: float) -> None:
    labels, logits = held_out(0, distance=distance)

    decision = decide(labels, logits, fake_at_fpr=0.01, flagged_at_fpr=0.05)

    reals = sigmoid(decision.calibration.slope * logits + decision.calibration.offset)[labels == 0]
    assert np.isfinite([decision.calibration.slope, decision.calibration.offset]).all()
    assert decision.calibration.slope > 0
    assert 0 < decision.band_low < decision.threshold < 1
    assert rate_above(reals, decision.threshold) <= 0.01
