"""What the figures of epochs decide."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import ReduceLROnPlateau

from training.config.hyperparameters import Plateau, TrainingPlan
from training.loop.epochs import best_epoch, epoch_rate, is_over

PLAN = TrainingPlan((16,), 30, 8, "adam", 1e-4)
BY_DCF = replace(PLAN, watched="dcf", patience=2)


def history(*dcfs: float) -> list[dict[str, float]]:
    """The AUC falls all the time."""
    return [{"auc": 0.9 - epoch / 100, "dcf": dcf} for epoch, dcf in enumerate(dcfs)]


@pytest.mark.parametrize(
    ("dcfs", "best", "over"),
    [((0.3,), 0, False), ((0.3, 0.2, 0.25), 1, False), ((0.3, 0.2, 0.2, 0.25), 1, True), ((0.3, 0.3, 0.3), 0, True)],
)
def test_best_epoch_is_of_the_watched_figure(dcfs: tuple[float, ...], best: int, over: bool) -> None:
    assert best_epoch(BY_DCF, history(*dcfs)) == best
    assert is_over(BY_DCF, history(*dcfs)) is over
    assert best_epoch(PLAN, history(*dcfs)) == 0
    assert not is_over(replace(BY_DCF, patience=0), history(*dcfs))
    assert not is_over(BY_DCF, [])


@given(st.lists(st.sampled_from([0.1, 0.2, 0.20001, 0.3]), max_size=30), st.integers(0, 4), st.sampled_from(["auc", "dcf"]))
def test_rate_is_that_of_torchs_scheduler(values: list[float], patience: int, watched: str) -> None:
    """Asked anew after each epoch, as a run that goes on asks, it is what the scheduler says that lived through all of them."""
    plan = replace(PLAN, watched=watched, plateau=Plateau(0.3, patience))
    optimiser = torch.optim.Adam([torch.zeros(1)], lr=1e-4)
    lived = ReduceLROnPlateau(optimiser, "max" if watched == "auc" else "min", factor=0.3, patience=patience)

    for count, value in enumerate(values, start=1):
        lived.step(value)
        assert epoch_rate(plan, [{"auc": each, "dcf": each} for each in values[:count]]) == optimiser.param_groups[0]["lr"]


def test_rate_without_a_plateau_stays() -> None:
    assert epoch_rate(PLAN, history(*[0.3] * 30)) == 1e-4
