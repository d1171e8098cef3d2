import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import brentq
from sklearn.metrics import roc_curve

from training.metrics import (
    Labels,
    Scores,
    auc,
    average_precision,
    bootstrap_interval,
    equal_error_rate,
    rate_above,
    threshold_for,
)

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


@given(scored)
def test_auc_is_the_chance_that_a_fake_scores_above_a_real(lists: ScoredLists) -> None:
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
def test_equal_error_rate_is_where_the_roc_meets_the_diagonal(seed: int) -> None:
    labels, scores = random_scores(seed)
    false_alarms, hits, _ = roc_curve(labels, scores)

    crossing = brentq(lambda rate: 1 - rate - np.interp(rate, false_alarms, hits), 0, 1)

    assert equal_error_rate(labels, scores) == pytest.approx(crossing, abs=1e-6)


@given(scored)
def test_equal_error_rate_is_a_rate_and_mirrors_when_labels_swap(lists: ScoredLists) -> None:
    reals, fakes = lists
    rate = equal_error_rate(*joined(reals, fakes))

    assert 0 <= rate <= 1
    assert equal_error_rate(*joined(fakes, reals)) == pytest.approx(1 - rate)


@given(scored)
def test_equal_error_rate_only_sees_the_order_of_the_scores(lists: ScoredLists) -> None:
    labels, scores = joined(*lists)

    assert equal_error_rate(labels, np.exp(3 * scores) - 7) == pytest.approx(equal_error_rate(labels, scores))


@given(scored)
def test_equal_error_rate_is_zero_when_a_cut_separates(lists: ScoredLists) -> None:
    reals, fakes = lists

    assert equal_error_rate(*joined(reals, [score + 2 for score in fakes])) == 0


@given(st.lists(coarse, min_size=1, max_size=60), st.integers(0, 1000).map(lambda thousandths: thousandths / 1000))
def test_threshold_for_allows_at_most_the_rate_and_no_lower_one_would(reals: list[float], rate: float) -> None:
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


def test_rate_above_counts_the_threshold_itself() -> None:
    assert rate_above(np.asarray([0.1, 0.5, 0.5, 0.9]), 0.5) == 0.75


def test_bootstrap_interval_holds_the_figure_and_repeats_with_its_seed() -> None:
    labels, scores = random_scores(0)
    groups = [str(index) for index in range(len(labels))]

    def figure(indices: NDArray[np.int64]) -> float:
        return auc(labels[indices], scores[indices])

    low, high = bootstrap_interval(figure, groups, draws=100, seed=1)

    assert low < auc(labels, scores) < high
    assert bootstrap_interval(figure, groups, draws=100, seed=1) == (low, high)
    assert bootstrap_interval(figure, groups, draws=100, seed=2) != (low, high)


def test_bootstrap_interval_of_a_mean_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(0).normal(0, 1, 400)

    low, high = bootstrap_interval(lambda i: float(values[i].mean()), [str(n) for n in range(400)], draws=2000, seed=0)

    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.07)


def test_fewer_groups_give_a_wider_interval() -> None:
    rng = np.random.default_rng(0)
    shift = np.repeat(rng.normal(0, 1, 20), 20)  # what images of one group share
    values = shift + rng.normal(0, 0.1, 400)

    def width(groups: list[str]) -> float:
        low, high = bootstrap_interval(lambda i: float(values[i].mean()), groups, draws=300, seed=0)
        return high - low

    assert width([str(n // 20) for n in range(400)]) > 2 * width([str(n) for n in range(400)])


def test_bootstrap_resamples_whole_groups() -> None:
    groups = ["a", "a", "b", "c", "c", "c"]
    seen = []

    def figure(indices: NDArray[np.int64]) -> float:
        seen.append([groups[index] for index in indices])
        return 0.0

    bootstrap_interval(figure, groups, draws=30, seed=0)

    for draw in seen:
        assert draw.count("a") % 2 == 0
        assert draw.count("c") % 3 == 0
        assert draw.count("a") // 2 + draw.count("b") + draw.count("c") // 3 == 3


def test_draws_without_a_figure_are_left_out() -> None:
    labels, scores = joined([0.1], [0.9])

    def figure(indices: NDArray[np.int64]) -> float:
        return auc(labels[indices], scores[indices]) if len(set(labels[indices])) == 2 else math.nan

    assert bootstrap_interval(figure, ["a", "b"], draws=20, seed=0) == (1.0, 1.0)
    assert all(map(math.isnan, bootstrap_interval(lambda _: math.nan, ["a"], draws=3, seed=0)))
