import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.bootstrap import group_draws, intervals
from training.evaluation.metrics import (
    auc,
    false_alarm_rate,
    rate_above,
)

from .scores import joined, random_scores


def test_intervals_repeat() -> None:
    """Intervals hold the figure and repeat with their seed."""
    labels, scores = random_scores(0)
    groups = [str(index) for index in range(len(labels))]

    def of(seed: int) -> tuple[float, float]:
        return intervals({"auc": auc.draws}, labels, scores, groups, draws=100, seed=seed)["auc"]

    low, high = of(1)
    assert low < auc(labels, scores) < high
    assert of(1) == (low, high)
    assert of(2) != (low, high)


def test_width_of_an_interval() -> None:
    """The interval of a rate is as wide as theory says."""
    scores = np.random.default_rng(0).random(400)
    measure = {"rate": lambda sample: false_alarm_rate.draws(sample, 0.7)}

    low, high = intervals(measure, np.zeros(400, int), scores, [str(n) for n in range(400)], draws=4000, seed=0)["rate"]

    rate = rate_above(scores, 0.7)
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(rate * (1 - rate) / 400), rel=0.07)


def test_fewer_groups_give_a_wider_interval() -> None:
    rng = np.random.default_rng(0)
    scores = np.repeat(rng.random(20), 20)  # images of one group are alike
    measure = {"rate": lambda sample: false_alarm_rate.draws(sample, 0.5)}

    def width(groups: list[str]) -> float:
        low, high = intervals(measure, np.zeros(400, int), scores, groups, draws=300, seed=0)["rate"]
        return high - low

    assert width([str(n // 20) for n in range(400)]) > 2 * width([str(n) for n in range(400)])


def test_one_group_tells_nothing_of_certainty() -> None:
    labels, scores = random_scores(1)
    found = intervals({"auc": auc.draws}, labels, scores, ["one"] * len(labels), draws=5, seed=0)
    assert all(map(math.isnan, found["auc"]))


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=40), st.integers(1, 50))
def test_whole_groups_are_drawn_as_many_as_there_are(groups: list[str], draws: int) -> None:
    weights_DN = np.concatenate(list(group_draws(groups, draws=draws, seed=0)))

    assert weights_DN.shape == (draws, len(groups))
    first = [groups.index(group) for group in groups]
    assert np.array_equal(weights_DN, weights_DN[:, first])  # all images of a group are drawn equally often
    assert (weights_DN[:, sorted(set(first))].sum(axis=1) == len(set(groups))).all()


def test_many_images_are_drawn_in_blocks() -> None:
    blocks = list(group_draws([str(n) for n in range(50_000)], draws=5, seed=0))

    assert [len(block) for block in blocks] == [2, 2, 1]
    assert (np.concatenate(blocks).sum(axis=1) == 50_000).all()


def test_draws_without_a_figure_are_left_out() -> None:
    labels, scores = joined([0.1], [0.9])

    found = intervals({"auc": auc.draws}, labels, scores, ["a", "b"], draws=20, seed=0)
    assert found == {"auc": (1.0, 1.0)}
    only_real = intervals({"auc": auc.draws}, np.zeros(2, int), scores, ["a", "b"], draws=3, seed=0)
    assert all(map(math.isnan, only_real["auc"]))
