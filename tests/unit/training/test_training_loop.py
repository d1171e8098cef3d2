"""The loop on a network of a few dozen weights."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from training import loop
from training.loop import Progress, train
from training.manifest import Row
from training.plan import TrainingPlan, plan_for
from worker.detector.network import Branch, FusionDetector
from worker.detector.preprocess import Preprocessing
from worker.detector.recipes import recipes

PREPROCESSING = Preprocessing(16, (0.5,) * 3, (0.5,) * 3)
# 20 rows in batches of 8: 3 steps an epoch, the last of 4 images.
PLAN = TrainingPlan((16, 16), 8, 0.05, 0.01, 2, 0.9)


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
    resume_file: Path,
    plan: TrainingPlan = PLAN,
    *,
    dropout: float = 0.0,
    report: Callable[[Progress], None] = lambda _: None,
    after_epoch: Callable[[int, FusionDetector], None] = lambda *_: None,
) -> FusionDetector:
    return train(
        detector(dropout),
        rows,
        plan,
        PREPROCESSING,
        resume_file=resume_file,
        device=torch.device("cpu"),
        loader_processes=0,
        report=report,
        after_epoch=after_epoch,
    )


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    others = other.state_dict()
    return all(torch.equal(tensor, others[name]) for name, tensor in one.state_dict().items())


def kill_at(step: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.step == step:
            raise Killed

    return report


def test_the_loss_falls_on_a_set_that_is_easy_to_separate(
    rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 1)
    reports: list[Progress] = []

    trained = run(rows, tmp_path / "resume.pt", replace(PLAN, sizes=(16,) * 12), report=reports.append)

    assert [progress.step for progress in reports] == list(range(1, 37))
    assert {progress.steps for progress in reports} == {36}
    assert [progress.epoch for progress in reports] == [step // 3 for step in range(36)]
    assert reports[-1].loss < 0.6 * reports[0].loss
    assert all(progress.images_per_second > 0 for progress in reports)
    logits_B = trained(torch.stack([torch.full((3, 16, 16), value) for value in (-0.45, 0.45)]))
    assert logits_B[0] < 0 < logits_B[1]
    assert not trained.training


def test_the_same_seed_gives_the_same_weights_and_another_one_others(rows: Sequence[Row], tmp_path: Path) -> None:
    first = run(rows, tmp_path / "first.pt", dropout=0.4)

    assert same_weights(run(rows, tmp_path / "second.pt", dropout=0.4), first)
    assert not same_weights(run(rows, tmp_path / "third.pt", replace(PLAN, seed=1), dropout=0.4), first)


@pytest.mark.parametrize("step", [2, 4])
@pytest.mark.parametrize("optimiser", ["adamw", "adam"])
def test_a_killed_run_goes_on_and_ends_with_the_same_weights(
    rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, optimiser: str
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    plan = replace(PLAN, optimiser=optimiser)
    straight = run(rows, tmp_path / "straight.pt", plan)

    with pytest.raises(Killed):
        run(rows, tmp_path / "killed.pt", plan, report=kill_at(step))
    steps: list[int] = []
    resumed = run(rows, tmp_path / "killed.pt", plan, report=lambda progress: steps.append(progress.step))

    assert same_weights(resumed, straight)
    assert steps == [number for number in (2, 4, 6) if number > step]


def test_a_killed_run_with_dropout_ends_with_the_same_weights(
    rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    straight = run(rows, tmp_path / "straight.pt", dropout=0.4)

    with pytest.raises(Killed):
        run(rows, tmp_path / "killed.pt", dropout=0.4, report=kill_at(2))

    assert same_weights(run(rows, tmp_path / "killed.pt", dropout=0.4), straight)


def test_a_run_killed_while_an_epoch_is_measured_keeps_the_epoch(rows: Sequence[Row], tmp_path: Path) -> None:
    straight = run(rows, tmp_path / "straight.pt", dropout=0.4)

    def die(epoch: int, averaged: FusionDetector) -> None:
        raise Killed

    with pytest.raises(Killed):
        run(rows, tmp_path / "killed.pt", dropout=0.4, after_epoch=die)
    epochs: list[int] = []
    resumed = run(rows, tmp_path / "killed.pt", dropout=0.4, after_epoch=lambda epoch, _: epochs.append(epoch))

    assert same_weights(resumed, straight)
    assert epochs == [1]


def test_a_finished_run_stays_finished(rows: Sequence[Row], tmp_path: Path) -> None:
    finished = run(rows, tmp_path / "resume.pt")

    def never(*_: object) -> None:
        raise AssertionError("nothing is left to do")

    assert same_weights(run(rows, tmp_path / "resume.pt", report=never, after_epoch=never), finished)


def test_the_state_is_replaced_whole(rows: Sequence[Row], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()

    run(rows, folder / "resume.pt")

    assert list(folder.iterdir()) == [folder / "resume.pt"]


def test_a_state_of_another_plan_is_refused(rows: Sequence[Row], tmp_path: Path) -> None:
    run(rows, tmp_path / "resume.pt")

    with pytest.raises(Exception, match=r"resume\.pt"):
        run(rows, tmp_path / "resume.pt", replace(PLAN, learning_rate=1e-5, seed=1))


def test_after_each_epoch_a_finished_copy_is_shown(rows: Sequence[Row], tmp_path: Path) -> None:
    shown: list[tuple[int, FusionDetector]] = []

    trained = run(rows, tmp_path / "resume.pt", after_epoch=lambda epoch, averaged: shown.append((epoch, averaged)))

    assert [epoch for epoch, _ in shown] == [0, 1]
    assert not any(copy.training for _, copy in shown)
    assert same_weights(shown[-1][1], trained)
    assert not same_weights(shown[0][1], trained)


def test_each_epoch_has_its_own_size_and_runs_in_training_mode(rows: Sequence[Row], tmp_path: Path) -> None:
    seen: list[tuple[int, bool]] = []
    watched = detector().eval()
    watched.register_forward_pre_hook(lambda module, inputs: seen.append((inputs[0].shape[-1], module.training)))

    train(
        watched,
        rows,
        replace(PLAN, sizes=(8, 24)),
        PREPROCESSING,
        resume_file=tmp_path / "resume.pt",
        device=torch.device("cpu"),
        loader_processes=0,
        report=lambda _: None,
        after_epoch=lambda *_: None,
    )

    assert seen == [(8, True)] * 3 + [(24, True)] * 3


def test_without_averaging_the_last_weights_are_returned(rows: Sequence[Row], tmp_path: Path) -> None:
    trained = run(rows, tmp_path / "resume.pt", replace(PLAN, ema_decay=0.0))
    averaged = run(rows, tmp_path / "averaged.pt")

    last = torch.load(tmp_path / "resume.pt", weights_only=True)["detector"]
    assert all(torch.equal(tensor, last[name]) for name, tensor in trained.state_dict().items())
    assert not same_weights(averaged, trained)


def test_a_step_clips_the_gradient_to_length_1() -> None:
    steep = detector()
    nn.init.constant_(steep.head[-1].weight, 100)
    images_BCHW = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))

    loop._step(steep, torch.optim.SGD(steep.parameters(), lr=0.0), images_BCHW, torch.arange(8.0) % 2)

    gradients = torch.cat([parameter.grad.flatten() for parameter in steep.parameters()])
    assert float(gradients.norm()) == pytest.approx(1, abs=1e-3)


def test_frozen_weights_do_not_move(rows: Sequence[Row], tmp_path: Path) -> None:
    frozen = detector()
    frozen.branches["patches"].mix.requires_grad_(False)
    before = frozen.branches["patches"].mix.weight.clone()

    trained = train(
        frozen,
        rows,
        PLAN,
        PREPROCESSING,
        resume_file=tmp_path / "resume.pt",
        device=torch.device("cpu"),
        loader_processes=0,
        report=lambda _: None,
        after_epoch=lambda *_: None,
    )

    torch.testing.assert_close(trained.branches["patches"].mix.weight, before, rtol=0, atol=0)


def test_the_learning_rate_warms_up_then_falls_on_a_cosine() -> None:
    plan = TrainingPlan((16,), 8, 1.0, 0.0, warmup_steps=4, ema_decay=0.0)

    rates = [loop._learning_rate(plan, step, 24) for step in range(24)]

    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == pytest.approx(1.0)
    assert rates[14] == pytest.approx(0.505)
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert 0.01 < rates[-1] < 0.03


@pytest.mark.parametrize("recipe", ["paper", "paper-clip-image", "paper-resnet"])
def test_the_paper_is_trained_as_published(recipe: str) -> None:
    plan = plan_for(recipe)

    assert (plan.batch_size, plan.learning_rate, len(plan.sizes), plan.optimiser) == (64, 1e-4, 30, "adam")
    assert set(plan.sizes) == {recipes()[recipe].preprocessing.size}
    assert {loop._learning_rate(plan, step, 1000) for step in range(1000)} == {1e-4}
    optimiser = loop._optimiser(detector(), plan)
    assert type(optimiser) is torch.optim.Adam
    assert {group["weight_decay"] for group in optimiser.param_groups} == {0}


def test_lite_ends_at_the_size_it_is_used_at() -> None:
    assert plan_for("lite").sizes[-1] == recipes()["lite"].preprocessing.size
    assert loop._optimiser(detector(), plan_for("lite")).param_groups[1]["weight_decay"] == 0
