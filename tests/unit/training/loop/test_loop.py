"""The loop on a network of a few dozen weights."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from training.config.recipes.reader import recipe_named
from training.data.augmentation import Augmentation
from training.data.manifest import ManifestError, Row
from training.evaluation.metrics import auc
from training.evaluation.weighted_metrics import NotFinite
from training.loop import loop, run_state
from training.loop.optimiser import learning_rate, training_step
from training.loop.progress import Progress
from training.loop.schedule import fake_weight, schedule_of, without_unknown_repeats
from worker.detector.model.network import FusionDetector

from .small_runs import ALONE, PLAN, detector, run, same_weights

GOLDEN = [
    0.41493,
    0.28159,
    0.24901,
    0.34416,
    0.14102,
    0.09768,
    0.37692,
    0.23258,
    0.36185,
    0.20321,
    0.07327,
    0.07392,
    0.29954,
    0.31361,
    0.30429,
    0.19449,
    0.43498,
    0.29356,
    0.30331,
    0.19659,
]


def test_loss_falls(rows: Sequence[Row], tmp_path: Path) -> None:
    """The loss falls on a set that is easy to separate."""
    reports: list[Progress] = []

    trained = run(rows, tmp_path / "run", replace(PLAN, epochs=12), report=reports.append).detector

    assert [progress.step for progress in reports] == list(range(1, 37))
    assert {progress.steps for progress in reports} == {36}
    assert [progress.epoch for progress in reports] == [step // 3 for step in range(36)]
    assert reports[-1].loss < 0.6 * reports[0].loss
    assert all(progress.images_per_second > 0 for progress in reports)
    assert reports[-1].seconds_left == 0
    assert all(progress.seconds_left > 0 for progress in reports[:-1])
    logits_B = trained(torch.stack([torch.full((3, 16, 16), value) for value in (-0.45, 0.45)]))
    assert logits_B[0] < 0 < logits_B[1]
    assert not trained.training


def test_seed_gives_the_weights(rows: Sequence[Row], tmp_path: Path) -> None:
    """The same seed gives the same weights and another one others."""
    first = run(rows, tmp_path / "first", dropout=0.4).detector

    assert same_weights(run(rows, tmp_path / "second", dropout=0.4).detector, first)
    assert not same_weights(run(rows, tmp_path / "third", replace(PLAN, seed=1), dropout=0.4).detector, first)


def test_after_each_epoch_a_finished_copy_is_measured(rows: Sequence[Row], tmp_path: Path) -> None:
    shown: list[tuple[int, FusionDetector]] = []

    def measure(epoch: int, averaged: FusionDetector) -> float:
        shown.append((epoch, averaged))
        return 0.5

    trained = run(rows, tmp_path / "run", measure=measure).detector

    assert [epoch for epoch, _ in shown] == [0, 1]
    assert not any(copy.training for _, copy in shown)
    assert same_weights(shown[-1][1], trained)
    assert not same_weights(shown[0][1], trained)


def test_size_of_each_epoch(rows: Sequence[Row], tmp_path: Path) -> None:
    """Each epoch has its own size and runs in training mode."""
    seen: list[tuple[int, bool]] = []
    watched = detector().eval()
    watched.register_forward_pre_hook(lambda module, inputs: seen.append((inputs[0].shape[-1], module.training)))

    run(rows, tmp_path / "run", replace(PLAN, sizes=(8, 24)), network=watched)

    assert seen == [(8, True)] * 3 + [(24, True)] * 3


def test_without_averaging_the_last_weights_are_returned(rows: Sequence[Row], tmp_path: Path) -> None:
    trained = run(rows, tmp_path / "run", replace(PLAN, ema_decay=0.0)).detector
    averaged = run(rows, tmp_path / "averaged").detector

    last = torch.load(tmp_path / "run" / "resume.pt", weights_only=True)["detector"]
    assert all(torch.equal(tensor, last[name]) for name, tensor in trained.state_dict().items())
    assert not same_weights(averaged, trained)


@pytest.mark.parametrize(("clip_norm", "length"), [(1.0, 1.0), (0.0, None)])
def test_gradient_clipping(clip_norm: float, length: float | None) -> None:
    """A step clips the gradient where the plan says so."""
    steep = detector()
    nn.init.constant_(steep.head[-1].weight, 100)
    images_BCHW = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    plan = replace(PLAN, clip_norm=clip_norm)

    training_step(steep, torch.optim.SGD(steep.parameters()), images_BCHW, torch.arange(8.0) % 2, plan, 1.0, 0.0)

    found = float(torch.cat([parameter.grad.flatten() for parameter in steep.parameters()]).norm())
    assert found == pytest.approx(length, abs=1e-3) if length else found > 2


def test_frozen_weights_do_not_move(rows: Sequence[Row], tmp_path: Path) -> None:
    frozen = detector()
    frozen.branches["patches"].mix.requires_grad_(False)
    before = frozen.branches["patches"].mix.weight.clone()

    trained = run(rows, tmp_path / "run", network=frozen).detector

    torch.testing.assert_close(trained.branches["patches"].mix.weight, before, rtol=0, atol=0)


def test_learning_rate_schedule() -> None:
    """The learning rate warms up then falls on a cosine."""
    plan = replace(PLAN, learning_rate=1.0, warmup_steps=4)

    rates = [learning_rate(plan, step, 24) for step in range(24)]

    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == pytest.approx(1.0)
    assert rates[14] == pytest.approx(0.505)
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert 0.01 < rates[-1] < 0.03


@pytest.mark.parametrize("steps", [1, 5, 40])
def test_a_short_run_is_warm_after_a_quarter_of_it(steps: int) -> None:
    plan = replace(PLAN, learning_rate=1.0, warmup_steps=300)

    rates = [learning_rate(plan, step, steps) for step in range(steps)]

    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) <= steps // 4


@pytest.mark.parametrize(("reals", "fakes"), [(2, 10), (10, 2), (6, 6)])
def test_balance_weighs_both_labels_alike(rows: Sequence[Row], reals: int, fakes: int) -> None:
    some = [*[row for row in rows if not row.label][:reals], *[row for row in rows if row.label][:fakes]]

    def weight(**changes: Any) -> float:
        plan = replace(PLAN, **changes)
        return fake_weight(some, schedule_of(some, plan, ALONE), plan)

    assert weight() == 1
    assert weight(balance=True) * fakes == pytest.approx(reals)
    # A quarter of the reals is shown as forgeries.
    forging = weight(balance=True, augmentation=Augmentation(forge=0.25))
    assert forging * (fakes + reals / 4) == pytest.approx(reals * 3 / 4)


def test_twenty_steps_reproduce_recorded_losses(rows: Sequence[Row], tmp_path: Path) -> None:
    """Recorded on 2026-11-26 with torch 2.15; in float32, so that the processor hardly matters."""
    losses: list[float] = []
    plan = replace(PLAN, epochs=7, autocast=False, augmentation=Augmentation(forge=0.3), balance=True)

    def note(progress: Progress) -> None:
        # `loss` is a mean over the steps so far.
        losses.append(progress.loss * progress.step - sum(losses))

    run(rows, tmp_path / "run", plan, report=note)

    assert losses[:20] == pytest.approx(GOLDEN, rel=2e-3)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_loss_that_is_no_number_stops_the_run(
    rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    """The step and the last finite figures are said, and what was saved is from before."""
    monkeypatch.setattr(run_state, "SAVE_SECONDS", 0.0)
    losses = iter([0.7, 0.6, 0.5125, value])
    monkeypatch.setattr(loop, "training_step", lambda *_: torch.tensor(next(losses)))

    with pytest.raises(NotFinite, match=r"step 4 is (nan|inf): the one before was 0\.5125; the last AUC measured was 0\.5000"):
        run(rows, tmp_path / "run")

    assert torch.load(tmp_path / "run" / "resume.pt", weights_only=True)["step"] == 3


def test_logits_that_are_no_numbers_stop_the_run(rows: Sequence[Row], tmp_path: Path) -> None:
    def measure(epoch: int, averaged: FusionDetector) -> float:
        return auc(np.asarray([0, 1]), np.asarray([0.5, np.nan]))

    with pytest.raises(NotFinite, match="1 of 2 scores are no numbers"):
        run(rows, tmp_path / "run", measure=measure)


@pytest.mark.parametrize(("source", "said"), [("source2", "did you mean 'source"), ("webcam", "there are source0, source1")])
def test_repeating_a_source_that_is_not_there_is_refused(rows: Sequence[Row], source: str, said: str) -> None:
    known, unknown = replace(PLAN, repeat={"source1": 2}), replace(PLAN, repeat={"source1": 2, source: 2})
    assert without_unknown_repeats(rows, known, print, own=True) == known
    with pytest.raises(ManifestError, match=f"repeats source '{source}'.*{said}"):
        without_unknown_repeats(rows, unknown, print, own=True)


def test_a_bundled_recipe_repeats_what_is_there(rows: Sequence[Row]) -> None:
    """Its sources are of the set that it was made for: `lite` trains on any other, too."""
    said: list[str] = []
    plan = recipe_named("lite").plan

    assert without_unknown_repeats(rows, plan, said.append, own=False) == replace(plan, repeat={})
    assert said == ["note: the recipe repeats ffhq_realorfake, basemax_fakefaces, which the manifest does not have"]
