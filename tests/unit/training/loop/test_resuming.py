"""Runs that are killed go on; the state of another run, or a broken one, is refused."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest
import torch

from training.config.hyperparameters import TrainingPlan
from training.data.augmentation import Augmentation
from training.data.manifest import Row
from training.loop import run_state
from training.loop.run_state import AnotherRun, StateUnwritable, run_key
from worker.detector.model.network import FusionDetector

from .small_runs import PLAN, PREPROCESSING, Killed, Patches, kill_at, run, same_weights


@pytest.mark.parametrize("step", [2, 4])
@pytest.mark.parametrize(
    "plan",
    [
        PLAN,
        replace(PLAN, optimiser="adam"),
        replace(PLAN, patience=2),
        replace(PLAN, augmentation=Augmentation(forge=0.5), balance=True),
    ],
    ids=["adamw", "adam", "patience", "augmented"],
)
def test_killed_run_resumes(
    rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, plan: TrainingPlan
) -> None:
    """A killed run goes on and ends with the same weights."""
    monkeypatch.setattr(run_state, "SAVE_SECONDS", 0.0)
    straight = run(rows, tmp_path / "straight", plan, dropout=0.4)

    with pytest.raises(Killed):
        run(rows, tmp_path / "killed", plan, dropout=0.4, report=kill_at(step))
    steps: list[int] = []
    resumed = run(rows, tmp_path / "killed", plan, dropout=0.4, report=lambda progress: steps.append(progress.step))

    assert same_weights(resumed.detector, straight.detector)
    assert (resumed.aucs, resumed.epoch) == (straight.aucs, straight.epoch)
    assert steps == list(range(step + 1, 7))


def test_killed_while_measuring(rows: Sequence[Row], tmp_path: Path) -> None:
    """A run killed while an epoch is measured keeps the epoch and measures again."""
    straight = run(rows, tmp_path / "straight", dropout=0.4)

    def die(epoch: int, averaged: FusionDetector) -> float:
        raise Killed

    with pytest.raises(Killed):
        run(rows, tmp_path / "killed", dropout=0.4, measure=die)
    measured: list[int] = []
    trained: list[int] = []

    def measure(epoch: int, averaged: FusionDetector) -> float:
        measured.append(epoch)
        return 0.5

    resumed = run(rows, tmp_path / "killed", dropout=0.4, measure=measure, report=lambda progress: trained.append(progress.step))

    assert same_weights(resumed.detector, straight.detector)
    assert measured == [0, 1]
    assert trained == [4, 5, 6]


def test_a_finished_run_stays_finished(rows: Sequence[Row], tmp_path: Path) -> None:
    finished = run(rows, tmp_path / "run").detector

    def never(*_: object) -> NoReturn:
        raise AssertionError("nothing is left to do")

    assert same_weights(run(rows, tmp_path / "run", report=never, measure=never).detector, finished)


def test_the_state_is_replaced_whole(rows: Sequence[Row], tmp_path: Path) -> None:
    run(rows, tmp_path / "run")

    assert list((tmp_path / "run").iterdir()) == [tmp_path / "run" / "resume.pt"]


def test_foreign_state_is_refused(rows: Sequence[Row], tmp_path: Path) -> None:
    """A state of another plan or other pictures is refused."""
    run(rows, tmp_path / "run")

    with pytest.raises(AnotherRun, match=r"resume\.pt"):
        run(rows, tmp_path / "run", replace(PLAN, learning_rate=1e-5))
    with pytest.raises(AnotherRun, match=r"resume\.pt"):
        run(rows[2:], tmp_path / "run")
    wider = FusionDetector({"patches": Patches()}, (16,), 0.0)
    with pytest.raises(AnotherRun, match=r"resume\.pt"):
        run(rows, tmp_path / "run", network=wider)


def test_key_of_a_run(rows: Sequence[Row]) -> None:
    """The key of a run is of everything that decides its result."""
    relabelled = [replace(rows[0], label=1 - rows[0].label), *rows[1:]]
    keys = [
        run_key(PLAN, PREPROCESSING, rows, 1),
        run_key(replace(PLAN, seed=1), PREPROCESSING, rows, 1),
        run_key(PLAN, replace(PREPROCESSING, std=(0.25,) * 3), rows, 1),
        run_key(PLAN, PREPROCESSING, relabelled, 1),
        run_key(PLAN, PREPROCESSING, rows, 2),
    ]

    assert len(set(keys)) == len(keys)
    assert run_key(PLAN, PREPROCESSING, list(rows), 1) == keys[0]


def test_a_state_that_is_broken_is_named(rows: Sequence[Row], tmp_path: Path) -> None:
    run(rows, tmp_path / "run")
    (tmp_path / "run" / "resume.pt").write_bytes(b"half a file")

    with pytest.raises(AnotherRun, match=r"resume\.pt cannot be read"):
        run(rows, tmp_path / "run")


@pytest.mark.parametrize(
    ("error", "free", "said"),
    [
        (OSError(28, "No space left on device"), 0, "No space left on device"),
        (RuntimeError("[enforce fail at inline_container.cc:671] . unexpected pos 20 vs 10"), 4096, "No space left on device"),
        (RuntimeError("PytorchStreamWriter failed\nat x"), 1 << 30, "PytorchStreamWriter failed"),
    ],
)
def test_full_disk_is_said(
    rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, free: int, said: str
) -> None:
    """In one line, as the system says it, and nothing half-written stays."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=free))

    def full(content: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(torch, "save", full)

    with pytest.raises(StateUnwritable, match=rf"resume\.pt cannot be written: {said}\. .*--resume"):
        run(rows, tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []
