"""One detector against another on the same pictures."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from training.data.manifest import Row
from training.reports.model_comparison import auc_difference, compared_with, delong, difference_text
from training.reports.prediction_files import PredictionsError
from training.reports.predictions import Predictions

from .test_predictions import ORIGIN


def drawn(seed: int, count: int = 400, *, better: float = 0.0, coarse: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, and scores of two detectors that see much the same; the first sees more by `better`."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    labels[:4] = 0, 1, 0, 1
    shared = labels + rng.normal(size=count)
    first, second = shared + better * labels + rng.normal(size=count) / 2, shared + rng.normal(size=count) / 2
    return (labels, first.round(), second.round()) if coarse else (labels, first, second)


@given(st.integers(0, 10_000), st.booleans())
def test_the_auc_is_that_of_scikit_learn(seed: int, coarse: bool) -> None:
    labels, first, second = drawn(seed, 60, coarse=coarse)
    one, other, p = delong(labels, first, second)
    assert one == pytest.approx(roc_auc_score(labels, first), abs=1e-12)
    assert other == pytest.approx(roc_auc_score(labels, second), abs=1e-12)
    assert p is not None
    assert 0 <= p <= 1
    assert delong(labels, second, first)[2] == pytest.approx(p, abs=1e-9)


def test_where_there_is_no_difference_p_is_spread_evenly() -> None:
    """Under the hypothesis, one in twenty is below .05, and half are below .5."""
    found = np.asarray([delong(*drawn(seed))[2] for seed in range(400)], np.float64)
    assert 0.02 < (found < 0.05).mean() < 0.09
    assert 0.42 < (found < 0.5).mean() < 0.58


def test_the_same_detector_and_a_better_one() -> None:
    labels, first, second = drawn(1)
    assert delong(labels, first, first * 3 + 2)[2] == 1.0
    labels, first, second = drawn(2, better=1.0)
    groups = [str(number) for number in range(len(labels))]
    found = auc_difference(labels, first, second, groups, draws=300)
    assert found.p is not None
    assert found.p < 1e-4
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.value < found.high


@pytest.mark.parametrize(
    "labels",
    [
        [0, 0, 1, 1],  # each divides them without an error, one of them the wrong way round: no spread
        [0, 0, 0, 1],  # one fake has no spread
        [0, 1, 1, 1],
    ],
)
def test_a_test_that_is_not_defined_has_no_p(labels: list[int]) -> None:
    values = np.arange(4.0)
    assert delong(np.asarray(labels), values, -values)[2] is None


def test_pictures_of_one_group_have_no_interval() -> None:
    labels, first, second = drawn(4, 40, better=0.4)
    found = auc_difference(labels, first, second, ["one"] * 40, draws=20)
    assert (found.low, found.high) == (None, None)
    told = {"checkpoints": {"first": {"name": "a"}, "second": {"name": "b"}}, "value": found.value, **asdict(found)}
    assert "no interval: all pictures are of one group" in difference_text(told)
    assert "is not defined here" in difference_text({**told, "p": None})


def test_pictures_that_are_fake_in_one_file_and_real_in_the_other() -> None:
    one, other = (
        Predictions(
            tuple(Row(Path(name), label, "s", "", "", name, "val") for name, label in zip("abc", labels, strict=True)),
            np.asarray([0.1, 0.5, 0.9]),
            np.asarray([-1.0, 0.0, 1.0]),
            None,
            ORIGIN,
        )
        for labels in ((0, 0, 1), (0, 1, 0))
    )
    with pytest.raises(PredictionsError, match="2 pictures are fake in one"):
        compared_with(one, other)
    assert compared_with(one, one)["p"] is None  # one fake


def test_groups_of_many_pictures_widen_the_interval() -> None:
    labels, first, second = drawn(3, 100, better=0.4)
    repeated = [np.repeat(values, 10) for values in (labels, first, second)]
    apart = auc_difference(*repeated, [str(number) for number in range(1000)], draws=300)
    grouped = auc_difference(*repeated, [str(number // 10) for number in range(1000)], draws=300)
    assert grouped.high - grouped.low > 2 * (apart.high - apart.low)
    assert grouped.p == apart.p  # which is why the interval is to be believed
