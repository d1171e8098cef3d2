"""When a run ends before its last epoch, and which epoch is kept."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from training.config.hyperparameters import Plateau
from training.data.manifest import Row
from training.loop import run_state
from training.loop.progress import Progress
from worker.detector.model.network import FusionDetector

from .small_runs import PLAN, Killed, kill_at, run, same_weights


def test_without_patience_the_last_epoch_is_kept(rows: Sequence[Row], tmp_path: Path) -> None:
    aucs = [0.9, 0.5, 0.4]

    trained = run(rows, tmp_path / "run", replace(PLAN, epochs=3), measure=lambda epoch, _: aucs[epoch])

    assert (trained.aucs, trained.epoch) == ((0.9, 0.5, 0.4), 3)


def test_patience_ends_the_run_and_keeps_the_best_epoch(rows: Sequence[Row], tmp_path: Path) -> None:
    aucs, shown = [0.6, 0.8, 0.7, 0.7, 0.9], []

    def measure(epoch: int, averaged: FusionDetector) -> float:
        shown.append(averaged)
        return aucs[epoch]

    trained = run(rows, tmp_path / "run", replace(PLAN, epochs=5, patience=2), measure=measure)

    assert (trained.aucs, trained.epoch) == ((0.6, 0.8, 0.7, 0.7), 2)
    assert same_weights(trained.detector, shown[1])
    assert not same_weights(trained.detector, shown[3])


def test_of_epochs_alike_the_first_is_kept(rows: Sequence[Row], tmp_path: Path) -> None:
    """Its weights, too: what the card says of the epoch is of the weights that are stored."""
    shown = []

    def measure(epoch: int, averaged: FusionDetector) -> float:
        shown.append(averaged)
        return 0.8

    trained = run(rows, tmp_path / "run", replace(PLAN, patience=5), measure=measure)

    assert trained.epoch == 1
    assert same_weights(trained.detector, shown[0])


def test_the_rate_falls_on_a_plateau(rows: Sequence[Row], tmp_path: Path) -> None:
    aucs, rates = [0.6, 0.7, 0.7, 0.65, 0.9], []
    plan = replace(PLAN, epochs=5, cosine=False, warmup_steps=0, watched="dcf", plateau=Plateau(0.5, 1))

    run(rows, tmp_path / "run", plan, measure=lambda epoch, _: aucs[epoch], report=lambda now: rates.append(now.learning_rate))

    assert rates == [0.05] * 12 + [0.025] * 3


@pytest.mark.parametrize("step", [4, 7, 8, 11])
def test_run_killed_on_a_plateau_resumes(rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """With the rate that the epochs before it led to, and the same weights bit for bit; in an epoch, and at its end."""
    monkeypatch.setattr(run_state, "SAVE_SECONDS", 0.0)
    plan = replace(PLAN, epochs=4, cosine=False, warmup_steps=0, watched="dcf", plateau=Plateau(0.1, 0))  # from epoch 3 on lower
    rates: dict[int, float] = {}
    straight = run(rows, tmp_path / "straight", plan, dropout=0.4, report=lambda now: rates.update({now.step: now.learning_rate}))

    with pytest.raises(Killed):
        run(rows, tmp_path / "killed", plan, dropout=0.4, report=kill_at(step))
    after: dict[int, float] = {}
    measured: list[int] = []

    def measure(epoch: int, averaged: FusionDetector) -> float:
        measured.append(epoch)
        return 0.5

    def report(now: Progress) -> None:
        after[now.step] = now.learning_rate

    resumed = run(rows, tmp_path / "killed", plan, dropout=0.4, report=report, measure=measure)

    assert [rates[first] for first in (1, 4, 7, 10)] == pytest.approx([0.05, 0.05, 0.005, 0.0005])
    assert after == {number: rate for number, rate in rates.items() if number > step}
    assert measured == list(range((step - 1) // 3, 4))  # what was measured before is known
    assert same_weights(resumed.detector, straight.detector)
