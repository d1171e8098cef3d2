from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from training.evaluation.metrics import (
    Costs,
    accuracy,
    auc,
    average_precision,
    balanced_accuracy,
    equal_error_rate,
    equal_error_threshold,
    expected_calibration_error,
    f1_fake,
    f1_real,
    false_alarm_rate,
    hit_rate,
    hit_rate_at,
    minimal_dcf,
    rate_above,
    threshold_for,
)

from .scores import ScoredLists, coarse, joined, random_chances, random_scores, scored


@pytest.fixture(name="tm", scope="module")
def _tm() -> ModuleType:
    """torchmetrics, whose import takes longer than these tests: left to the process that runs them."""
    from torchmetrics.functional import classification

    return classification


@given(scored)
def test_auc_is_a_chance(lists: ScoredLists) -> None:
    """Auc is the chance that a fake scores above a real."""
    reals, fakes = lists
    wins = sum((fake > real) + (fake == real) / 2 for fake in fakes for real in reals)

    assert auc(*joined(reals, fakes)) == pytest.approx(wins / (len(reals) * len(fakes)))


@given(scored)
def test_average_precision_is_the_sum_of_its_steps(lists: ScoredLists) -> None:
    labels, scores = joined(*lists)
    expected, recall_before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        called = scores >= threshold
        recall = (labels[called] == 1).sum() / (labels == 1).sum()
        expected += (recall - recall_before) * (labels[called] == 1).mean()
        recall_before = recall

    assert average_precision(labels, scores) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("reals", "fakes", "expected"),
    [
        ([0.1, 0.2, 0.8], [0.3, 0.7, 0.9], 1 / 3),  # one of three wrong on each side
        ([0.1, 0.6], [0.5, 0.7, 0.9], 1 / 3),  # the line from (0, 1/3) to (1/2, 1/3) meets the diagonal at 1/3
        ([0.0, 0.5], [0.5, 1.0], 1 / 4),  # a tie: the line from (0, 1/2) to (1/2, 0)
        ([0.1, 0.2], [0.8, 0.9], 0.0),
        ([0.8, 0.9], [0.1, 0.2], 1.0),
        ([0.5, 0.5], [0.5], 0.5),
    ],
)
def test_equal_error_rate_by_hand(reals: list[float], fakes: list[float], expected: float) -> None:
    assert equal_error_rate(*joined(reals, fakes)) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_equal_error_rate_on_roc(seed: int) -> None:
    """Equal error rate is where the roc meets the diagonal."""
    labels, scores = random_scores(seed)
    false_alarms, hits, _ = sk.roc_curve(labels, scores)
    low, high = 0.0, 1.0
    for _ in range(60):  # bisection: misses fall and false alarms rise
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - np.interp(middle, false_alarms, hits) > middle else (low, middle)

    assert equal_error_rate(labels, scores) == pytest.approx(low, abs=1e-6)


@given(scored)
def test_equal_error_rate_mirrors(lists: ScoredLists) -> None:
    """Equal error rate is a rate and mirrors when labels swap."""
    reals, fakes = lists
    rate = equal_error_rate(*joined(reals, fakes))

    assert 0 <= rate <= 1
    assert equal_error_rate(*joined(fakes, reals)) == pytest.approx(1 - rate)


@given(scored)
def test_equal_error_rate_by_order(lists: ScoredLists) -> None:
    """Equal error rate only sees the order of the scores."""
    labels, scores = joined(*lists)

    assert equal_error_rate(labels, np.exp(3 * scores) - 7) == pytest.approx(equal_error_rate(labels, scores))


@given(scored)
def test_equal_error_rate_is_zero_when_a_cut_separates(lists: ScoredLists) -> None:
    reals, fakes = lists

    assert equal_error_rate(*joined(reals, [score + 2 for score in fakes])) == 0


@given(st.lists(coarse, min_size=1, max_size=60), st.integers(0, 1000).map(lambda thousandths: thousandths / 1000))
def test_threshold_for_a_rate(reals: list[float], rate: float) -> None:
    """Threshold for allows at most the rate and no lower one would."""
    scores = np.asarray(reals)

    threshold = threshold_for(scores, rate)

    assert rate_above(scores, threshold) <= rate + 1e-12
    below = scores[scores < threshold]
    if rate < 1:
        assert rate_above(scores, float(below.max())) > rate - 1e-9


@given(st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=60), st.floats(0, 0.999))
def test_threshold_for_holds_on_any_scores(reals: list[float], rate: float) -> None:
    scores = np.asarray(reals)

    assert rate_above(scores, threshold_for(scores, rate)) <= rate + 1e-12


@given(st.lists(coarse, min_size=1, max_size=60), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_rate_never_raises_the_threshold(reals: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert threshold_for(np.asarray(reals), high) <= threshold_for(np.asarray(reals), low)


@pytest.mark.parametrize("percent", [1, 7, 29, 57, 58])
def test_threshold_for_takes_all_that_the_rate_allows(percent: int) -> None:
    """0.29 * 100, 0.57 * 100 and 0.58 * 100 are a little less than whole in floating point."""
    scores = np.linspace(0, 1, 100)

    assert rate_above(scores, threshold_for(scores, percent / 100)) == pytest.approx(percent / 100)


def test_rate_above_counts_the_threshold_itself() -> None:
    assert rate_above(np.asarray([0.1, 0.5, 0.5, 0.9]), 0.5) == 0.75


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.83])
def test_decisions_are_scored_like_the_libraries_do(tm: ModuleType, seed: int, threshold: float) -> None:
    labels, scores = random_chances(seed)
    called = (scores >= threshold).astype(int)
    tensors = torch.from_numpy(called), torch.from_numpy(labels)

    assert accuracy(labels, scores, threshold) == pytest.approx(sk.accuracy_score(labels, called))
    assert accuracy(labels, scores, threshold) == pytest.approx(float(tm.binary_accuracy(*tensors)))
    assert balanced_accuracy(labels, scores, threshold) == pytest.approx(sk.balanced_accuracy_score(labels, called))
    assert f1_fake(labels, scores, threshold) == pytest.approx(sk.f1_score(labels, called))
    assert f1_fake(labels, scores, threshold) == pytest.approx(float(tm.binary_f1_score(*tensors)))
    assert f1_real(labels, scores, threshold) == pytest.approx(sk.f1_score(labels, called, pos_label=0))
    assert hit_rate(labels, scores, threshold) == pytest.approx(float(tm.binary_recall(*tensors)))
    assert false_alarm_rate(labels, scores, threshold) == pytest.approx(1 - float(tm.binary_specificity(*tensors)), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_ranks_are_scored_like_torchmetrics_does(tm: ModuleType, seed: int) -> None:
    labels, scores = random_chances(seed)
    chances, truth = torch.from_numpy(scores), torch.from_numpy(labels)

    assert auc(labels, scores) == pytest.approx(float(tm.binary_auroc(chances, truth)), abs=1e-6)
    assert average_precision(labels, scores) == pytest.approx(float(tm.binary_average_precision(chances, truth)), abs=1e-6)
    # torchmetrics does not interpolate: it is off by half a step of the ROC at most.
    step = 1 / min((labels == 0).sum(), (labels == 1).sum())
    assert equal_error_rate(labels, scores) == pytest.approx(float(tm.binary_eer(chances, truth)), abs=step / 2)
    for rate in (0.01, 0.05, 0.2):
        sensitivity, _ = tm.binary_sensitivity_at_specificity(chances, truth, min_specificity=1 - rate)
        assert hit_rate_at(labels, scores, rate) == pytest.approx(float(sensitivity), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_calibration_error_is_that_of_torchmetrics(tm: ModuleType, seed: int) -> None:
    labels, scores = random_chances(seed)

    theirs = tm.binary_calibration_error(torch.from_numpy(scores), torch.from_numpy(labels), n_bins=15, norm="l1")

    assert expected_calibration_error(labels, scores) == pytest.approx(float(theirs), abs=1e-6)


def test_calibration_error_by_hand() -> None:
    # (0, 1/15] holds 0 and 1/15; 1 is in the last bin.
    """Calibration error by hand and at the ends of bins."""
    labels, scores = np.asarray([0, 1, 1]), np.asarray([0.0, 1 / 15, 1.0])
    assert expected_calibration_error(labels, scores) == pytest.approx(abs(1 - 1 / 15) / 3)

    # Two bins: what the one says too much does not make up for what the other says too little.
    assert expected_calibration_error(np.asarray([1, 0]), np.asarray([0.05, 0.1])) == pytest.approx((0.95 + 0.1) / 2)


def test_a_score_on_the_threshold_is_called_fake() -> None:
    labels, scores = np.asarray([0, 1]), np.asarray([0.5, 0.5])

    assert (hit_rate(labels, scores, 0.5), false_alarm_rate(labels, scores, 0.5), accuracy(labels, scores, 0.5)) == (1, 1, 0.5)
    assert f1_fake(labels, scores, 0.5) == pytest.approx(2 / 3)
    assert f1_real(labels, scores, 0.5) == 0


def test_calibration_error_of_overconfidence() -> None:
    """Scores that mean what they say have a small calibration error and overconfident ones not."""
    rng = np.random.default_rng(0)
    scores = rng.random(50_000)
    labels = (rng.random(50_000) < scores).astype(np.int64)

    assert expected_calibration_error(labels, scores) < 0.01
    assert expected_calibration_error(labels, np.clip(3 * scores - 1, 0, 1)) > 0.1


@given(scored)
def test_rank_metrics_only_see_the_order_of_the_scores(lists: ScoredLists) -> None:
    labels, scores = joined(*lists)
    other = np.exp(3 * scores) - 7

    for metric in (auc, average_precision):
        assert metric(labels, other) == pytest.approx(metric(labels, scores))
    assert minimal_dcf(labels, other, Costs()) == pytest.approx(minimal_dcf(labels, scores, Costs()))
    assert hit_rate_at(labels, other, 0.1) == hit_rate_at(labels, scores, 0.1)


@given(scored, st.floats(0, 1), st.floats(0, 1))
def test_hit_rate_at_a_rate(lists: ScoredLists, one: float, other: float) -> None:
    """The hit rate at a rate is that of a threshold that holds it."""
    labels, scores = joined(*lists)
    low, high = sorted((one, other))
    cuts = [cut for cut in [*scores, np.inf] if np.mean(scores[labels == 0] >= cut) <= low + 1e-12]

    assert hit_rate_at(labels, scores, low) == max(float(np.mean(scores[labels == 1] >= cut)) for cut in cuts)
    assert hit_rate_at(labels, scores, low) <= hit_rate_at(labels, scores, high)


@given(scored, st.floats(0.1, 5), st.floats(-3, 3))
def test_equal_error_threshold(lists: ScoredLists, scale: float, shift: float) -> None:
    """The equal error threshold moves with the scores and stays among them."""
    labels, scores = joined(*lists)
    threshold = equal_error_threshold(labels, scores)

    assert scores.min() <= threshold <= scores.max()
    assert equal_error_threshold(labels, scale * scores + shift) == pytest.approx(scale * threshold + shift)


@pytest.mark.parametrize("seed", range(3))
def test_at_the_equal_error_threshold_errors_are_equal(seed: int) -> None:
    labels, scores = random_scores(seed, size=4000)
    threshold, rate = equal_error_threshold(labels, scores), equal_error_rate(labels, scores)

    assert false_alarm_rate(labels, scores, threshold) == pytest.approx(rate, abs=1e-3)
    assert 1 - hit_rate(labels, scores, threshold) == pytest.approx(rate, abs=1e-3)
