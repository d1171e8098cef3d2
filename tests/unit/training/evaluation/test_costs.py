import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from training.evaluation.metrics import (
    Costs,
    actual_dcf,
    balanced_accuracy,
    cllr,
    equal_error_rate,
    minimal_dcf,
)

from .scores import ScoredLists, coarse, joined, random_chances, scored


@pytest.mark.parametrize("prior", [0.1, 0.5, 0.8])
def test_cllr_is_balanced_log_loss(prior: float) -> None:
    """Cllr is the balanced log loss in bits with the prior taken out."""
    labels, scores = random_chances(0)
    odds = scores / (1 - scores) / (prior / (1 - prior))
    balanced = np.where(labels == 1, 1 / (labels == 1).sum(), 1 / (labels == 0).sum())

    loss = sk.log_loss(labels, odds / (1 + odds), sample_weight=balanced)

    assert cllr(labels, scores, prior) == pytest.approx(loss / math.log(2))


def test_cllr_at_its_ends() -> None:
    """Cllr of no evidence is one bit and of sure scores finite."""
    labels = np.asarray([0, 1, 1])

    assert cllr(labels, np.full(3, 0.25), 0.25) == pytest.approx(1)
    assert cllr(labels, np.asarray([0.0, 1.0, 1.0]), 0.5) == pytest.approx(0, abs=1e-9)
    assert cllr(labels, np.asarray([1.0, 1.0, 1.0]), 0.5) == pytest.approx(26)


@given(scored, st.floats(0.1, 10), st.floats(0.1, 10), st.floats(0.01, 0.99), coarse)
def test_minimal_cost_is_the_lowest_of_all_cuts(
    lists: ScoredLists, miss: float, false_alarm: float, p_fake: float, threshold: float
) -> None:
    labels, scores = joined(*lists)
    costs = Costs(miss, false_alarm, p_fake)
    cuts = [*scores, np.inf]
    expected = min(
        miss * p_fake * float(np.mean(scores[labels == 1] < cut))
        + false_alarm * (1 - p_fake) * float(np.mean(scores[labels == 0] >= cut))
        for cut in cuts
    )

    lowest = minimal_dcf(labels, scores, costs)

    assert lowest == pytest.approx(expected)
    assert lowest <= costs.blind + 1e-12
    assert lowest <= actual_dcf(labels, scores, threshold, costs) + 1e-12


@given(scored)
def test_bounds_of_minimal_cost(lists: ScoredLists) -> None:
    """Minimal cost lies between half the equal error rate and all of it."""
    labels, scores = joined(*lists)
    rate = equal_error_rate(labels, scores)

    assert rate / 2 - 1e-12 <= minimal_dcf(labels, scores, Costs()) <= rate + 1e-12


@given(scored, coarse)
def test_even_costs_are_what_balanced_accuracy_lacks(lists: ScoredLists, threshold: float) -> None:
    labels, scores = joined(*lists)

    assert actual_dcf(labels, scores, threshold, Costs()) == pytest.approx(1 - balanced_accuracy(labels, scores, threshold))


@pytest.mark.parametrize("costs", [(0, 1, 0.5), (1, -1, 0.5), (1, 1, 0), (1, 1, 1)])
def test_costs_that_make_no_sense_are_refused(costs: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="costs must be positive"):
        Costs(*costs)
