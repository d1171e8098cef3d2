from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.config.recipes.reader import recipe_named
from training.evaluation.calibration import Bars, calibrated, decide, fitted_prior, platt
from training.evaluation.metrics import auc, rate_above
from training.evaluation.recalibration import recalibrated
from training.evaluation.weighted_metrics import Labels, Scores
from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.inference.scorer import sigmoid

# Only the false alarm rates bind; each test of another bar sets it.
BARS = Bars(precision=0.0, flips=1.0, most_flagged=1.0)


@pytest.fixture
def card() -> CheckpointCard:
    return CheckpointCard("a", recipe_named("lite").network, Calibration(), 0.9, 0.5, "2026-11-24")


def held_out(seed: int, size: int = 600, distance: float = 1.5) -> tuple[Labels, Scores]:
    rng = np.random.default_rng(seed)
    labels = np.arange(size) % 3 // 2
    return labels, rng.normal(distance * (2 * labels - 1), 1.0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.005, 0.01, 0.05]), st.sampled_from([0.05, 0.1, 0.3]))
def test_the_allowed_rates_hold_on_the_reals_given(seed: int, fake_at: float, flagged_at: float) -> None:
    labels, logits = held_out(seed)

    decision = decide(labels, logits, [], replace(BARS, fake_fpr=fake_at, flagged_fpr=flagged_at))

    reals = sigmoid(decision.calibration.slope * logits + decision.calibration.offset)[labels == 0]
    assert decision.threshold >= decision.band_low
    assert rate_above(reals, decision.threshold) <= fake_at
    assert rate_above(reals, decision.band_low) <= flagged_at


def test_calibrated_scores_mean_what_they_say() -> None:
    labels, logits = held_out(0, size=6000)
    decision = decide(
        labels, logits * 4 + 3, [], replace(BARS, fake_fpr=0.01, flagged_fpr=0.05)
    )  # sharpened and shifted: overconfident

    scores = sigmoid(decision.calibration.slope * (logits * 4 + 3) + decision.calibration.offset)

    assert scores.mean() == pytest.approx(labels.mean(), abs=1e-3)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        inside = (scores >= low) & (scores < low + 0.2)
        assert labels[inside].mean() == pytest.approx(scores[inside].mean(), abs=0.06)


def test_calibration_finds_the_known_slope_and_offset() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 40_000)
    labels = (rng.random(40_000) < sigmoid(0.7 * logits - 0.4)).astype(np.int64)

    calibration = decide(labels, logits, [], replace(BARS, fake_fpr=0.01, flagged_fpr=0.05)).calibration

    assert (calibration.slope, calibration.offset) == pytest.approx((0.7, -0.4), abs=0.04)


@pytest.mark.parametrize("distance", [3.0, 6.0, 20.0])
def test_cuts_of_separable_logits(distance: float) -> None:
    """Separable logits give finite cuts that hold the rates."""
    labels, logits = held_out(0, distance=distance)

    decision = decide(labels, logits, [], replace(BARS, fake_fpr=0.01, flagged_fpr=0.05))

    reals = sigmoid(decision.calibration.slope * logits + decision.calibration.offset)[labels == 0]
    assert np.isfinite([decision.calibration.slope, decision.calibration.offset]).all()
    assert decision.calibration.slope > 0
    assert 0 < decision.band_low < decision.threshold < 1
    assert rate_above(reals, decision.threshold) <= 0.01


def test_certain_answer_on_few_examples() -> None:
    """Platt's targets: three of each, told apart without a mistake, are no proof of more than 4 in 5."""
    labels, logits = np.asarray([0, 0, 0, 1, 1, 1]), np.asarray([-9.0, -8.0, -7.0, 7.0, 8.0, 9.0])

    scores = calibrated(platt(labels, logits), logits)

    assert scores[labels == 1].mean() == pytest.approx(4 / 5, abs=0.01)
    assert scores[labels == 0].mean() == pytest.approx(1 / 5, abs=0.01)


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e4])
def test_calibration_ignores_scale(scale: float) -> None:
    """Calibration does not depend on the scale of the logits."""
    labels, logits = held_out(1)

    scores = calibrated(platt(labels, logits * scale), logits * scale)

    np.testing.assert_allclose(scores, calibrated(platt(labels, logits), logits), atol=1e-4)


def test_equal_logits_are_scored_by_the_share_of_fakes() -> None:
    labels = np.asarray([0] * 30 + [1] * 10)

    scores = calibrated(platt(labels, np.full(40, 2.5)), np.full(40, 2.5))

    assert scores == pytest.approx(0.25, abs=0.02)


def test_worse_than_chance_is_not_inverted() -> None:
    """A detector worse than chance is not turned round."""
    labels, logits = held_out(5)

    scores = calibrated(platt(labels, -logits), -logits)

    assert auc(labels, scores) == auc(labels, -logits) < 0.5  # the order stays
    assert scores == pytest.approx(labels.mean(), abs=0.01)  # and it claims to know nothing


@pytest.mark.parametrize("named", ["measured", "calibrated", "nothing"])
def test_prior_after_recalibration(card: CheckpointCard, named: str) -> None:
    """The prior of a calibration is found after calibrating again."""
    measured = replace(card, metrics={"prior": 0.2})
    again = recalibrated(
        measured, np.linspace(0, 1, 50), name="b", fake_fpr=0.1, flagged_fpr=0.2, from_sha256="0", now=datetime.now(UTC)
    )

    assert fitted_prior({"measured": measured, "calibrated": again, "nothing": card}[named]) == (
        0.5 if named == "nothing" else 0.2
    )


@pytest.mark.parametrize("prevalence", [0.5, 0.1, 0.01])
def test_what_is_called_fake_is_fake_often_enough(prevalence: float) -> None:
    labels, logits = held_out(2, size=6000)
    bars = replace(BARS, fake_fpr=0.5, flagged_fpr=0.6, precision=0.9, prevalence=prevalence)

    decision = decide(labels, logits, [], bars)

    scores = calibrated(decision.calibration, logits)
    hits, alarms = (rate_above(scores[labels == label], decision.threshold) for label in (1, 0))
    precision = prevalence * hits / (prevalence * hits + (1 - prevalence) * alarms)
    assert hits > 0
    assert precision >= 0.9
    # And the threshold is not higher than that needs.
    lower = scores[scores < decision.threshold].max()
    hits, alarms = (rate_above(scores[labels == label], lower) for label in (1, 0))
    assert prevalence * hits / (prevalence * hits + (1 - prevalence) * alarms) < 0.9


def test_band_takes_in_what_flips() -> None:
    """The band takes in what flips under mild degradation."""
    labels, logits = held_out(3, size=6000)
    rng = np.random.default_rng(4)
    degraded = logits + rng.normal(0, 1.2, len(logits))
    bars = replace(BARS, fake_fpr=0.01, flagged_fpr=0.011)

    narrow = decide(labels, logits, [degraded], bars)
    wide = decide(labels, logits, [degraded], replace(bars, flips=0.01))
    bounded = decide(labels, logits, [degraded], replace(bars, flips=0.01, most_flagged=0.05))

    def flips(low: float) -> float:
        clean, other = calibrated(wide.calibration, logits), calibrated(wide.calibration, degraded)
        return float(np.mean(other[clean >= wide.threshold] < low))

    assert wide.threshold == narrow.threshold == bounded.threshold
    assert flips(wide.band_low) <= 0.01 < flips(narrow.band_low)
    assert wide.band_low < bounded.band_low < narrow.band_low
    assert rate_above(calibrated(bounded.calibration, logits)[labels == 0], bounded.band_low) <= 0.05
