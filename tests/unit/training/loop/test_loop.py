"""The loop on a network of a few dozen weights."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from training.config.hyperparameters import Plateau, TrainingPlan
from training.config.recipes.reader import recipe_named
from training.data.augmentation import Augmentation
from training.data.manifest import ManifestError, Row
from training.evaluation.metrics import auc
from training.evaluation.weighted_metrics import NotFinite
from training.loop import loop, run_state
from training.loop.distributed import Team
from training.loop.loop import Trained, train
from training.loop.optimiser import learning_rate, training_step
from training.loop.progress import Progress
from training.loop.run_state import AnotherRun, StateUnwritable, run_key
from training.loop.schedule import fake_weight, schedule_of, without_unknown_repeats
from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.branch import Branch
from worker.detector.model.network import FusionDetector

PREPROCESSING = Preprocessing(16, (0.5,) * 3, (0.5,) * 3)
# 20 rows in batches of 8: 3 steps an epoch, the last of 4 images.
PLAN = TrainingPlan((16,), 2, 8, "adamw", 0.05, weight_decay=0.01, warmup_steps=2, cosine=True, clip_norm=1.0, ema_decay=0.9)
ALONE = Team(torch.device("cpu"))
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


class Patches(Branch):
    """Colour means of 2 x 2 patches, normalised and mixed: a branch with weights and running statistics."""

    width = 6

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(12, self.width)
        self.norm = nn.BatchNorm1d(self.width)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        means_BD = nn.functional.adaptive_avg_pool2d(images_BCHW, 2).flatten(1)
        mixed_BD: Tensor = self.norm(self.mix(means_BD))
        return mixed_BD


def detector(dropout: float = 0.0) -> FusionDetector:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FusionDetector({"patches": Patches()}, (8,), dropout)


class Killed(Exception):
    """Stands for the end of the process."""


def run(
    rows: Sequence[Row],
    folder: Path,
    plan: TrainingPlan = PLAN,
    *,
    dropout: float = 0.0,
    network: FusionDetector | None = None,
    report: Callable[[Progress], None] = lambda _: None,
    measure: Callable[[int, FusionDetector], float] = lambda *_: 0.5,
) -> Trained:
    """`measure` gives the AUC; the DCF is what is missing to 1."""

    def figures(epoch: int, averaged: FusionDetector) -> dict[str, float]:
        auc = measure(epoch, averaged)
        return {"auc": auc, "dcf": 1 - auc}

    folder.mkdir(exist_ok=True)
    return train(
        network or detector(dropout),
        rows,
        plan,
        PREPROCESSING,
        folder=folder,
        team=ALONE,
        loader_processes=0,
        report=report,
        measure=figures,
    )


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    others = other.state_dict()
    return all(torch.equal(tensor, others[name]) for name, tensor in one.state_dict().items())


def kill_at(step: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.step == step:
            raise Killed

    return report


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
