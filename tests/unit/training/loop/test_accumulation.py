"""A batch that is learned from in parts: the same as at once."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from training.config.hyperparameters import TrainingPlan
from training.data.manifest import Row
from training.loop import run_state
from training.loop.distributed import Team
from training.loop.loop import train
from training.loop.optimiser import optimiser_for, parts_of, training_step
from training.loop.progress import Progress
from training.loop.schedule import UnevenTeam, schedule_of
from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.branch import Branch
from worker.detector.model.network import FusionDetector

from .small_runs import ALONE, Killed

# 20 rows in batches of 8: the last batch of an epoch has 4 pictures.
PLAN = TrainingPlan((16,), 2, 8, "adamw", 0.05, clip_norm=0.5, ema_decay=0.9, autocast=False)


class Patches(Branch):
    """Colour means of 2 x 2 patches, mixed: no statistics over a batch. Keeps how many pictures it was shown at a time."""

    width = 6

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(12, self.width)
        self.counts: list[int] = []

    def forward(self, images_BCHW: Tensor) -> Tensor:
        self.counts.append(len(images_BCHW))
        mixed_BD: Tensor = self.mix(nn.functional.adaptive_avg_pool2d(images_BCHW, 2).flatten(1))
        return mixed_BD


def detector() -> FusionDetector:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FusionDetector({"patches": Patches()}, (8,), 0.0)


def run(rows: Sequence[Row], folder: Path, plan: TrainingPlan, kill_at: int = 0) -> FusionDetector:
    def report(now: Progress) -> None:
        if now.step == kill_at:
            raise Killed

    folder.mkdir(exist_ok=True)
    network = detector()
    train(
        network,
        rows,
        plan,
        Preprocessing(16, (0.5,) * 3, (0.5,) * 3),
        folder=folder,
        team=ALONE,
        loader_processes=0,
        report=report,
        measure=lambda *_: {"auc": 0.5, "dcf": 0.5},
    )
    return network


def counts_of(network: FusionDetector) -> list[int]:
    branch = network.parts["patches"]
    assert isinstance(branch, Patches)
    return branch.counts


@pytest.mark.parametrize("optimiser", ["adam", "adamw"])
@pytest.mark.parametrize("parts", [2, 3, 4])
def test_parts_are_as_good_as_the_whole(rows: Sequence[Row], tmp_path: Path, parts: int, optimiser: str) -> None:
    """The weights after two epochs are equal but for rounding, with the gradient clipped and the last batch smaller."""
    plan = replace(PLAN, optimiser=optimiser)
    whole = run(rows, tmp_path / "whole", plan)

    found = run(rows, tmp_path / "parts", replace(plan, accumulate=parts))

    assert max(counts_of(whole)) == 8
    assert max(counts_of(found)) == -(-8 // parts)
    assert min(counts_of(found)) >= 2
    others = whole.state_dict()
    for name, tensor in found.state_dict().items():
        torch.testing.assert_close(tensor, others[name], rtol=1e-4, atol=1e-5)


def test_the_loss_is_that_of_the_whole() -> None:
    """Parts of unequal size and labels of unequal weight count by their pictures."""
    images_BCHW, labels_B = torch.rand(7, 3, 16, 16), torch.tensor([1.0, 0, 0, 1, 0, 0, 0])
    losses = []
    for parts in (1, 3):
        network, plan = detector(), replace(PLAN, accumulate=parts)
        losses.append(training_step(network, optimiser_for(network, plan), images_BCHW, labels_B, plan, 2.5, 0.1))

    torch.testing.assert_close(losses[0], losses[1])


def test_parts_have_two_pictures() -> None:
    assert parts_of(8, 1) == [slice(0, 8)]
    assert parts_of(7, 3) == [slice(0, 2), slice(2, 4), slice(4, 7)]
    assert parts_of(3, 4) == [slice(0, 3)]
    assert parts_of(1, 4) == [slice(0, 1)]


def test_a_killed_run_goes_on(rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_state, "SAVE_SECONDS", 0.0)
    plan = replace(PLAN, accumulate=3)
    straight = run(rows, tmp_path / "straight", plan).state_dict()
    with pytest.raises(Killed):
        run(rows, tmp_path / "killed", plan, kill_at=2)

    resumed = run(rows, tmp_path / "killed", plan).state_dict()

    assert all(torch.equal(tensor, straight[name]) for name, tensor in resumed.items())


def test_bfloat16_in_parts() -> None:
    """The gradients are added up in float32."""
    images_BCHW, labels_B = torch.rand(8, 3, 16, 16), torch.arange(8) % 2.0
    found = []
    for parts in (1, 4):
        network, plan = detector(), replace(PLAN, accumulate=parts, autocast=True, clip_norm=0.0)
        training_step(network, optimiser_for(network, plan), images_BCHW, labels_B, plan, 1.0, 0.0)
        found.append(torch.cat([parameter.grad.flatten() for parameter in network.parameters() if parameter.grad is not None]))

    assert found[0].dtype == torch.float32
    torch.testing.assert_close(found[0], found[1], rtol=0.05, atol=1e-3)


def test_too_many_parts_are_refused(rows: Sequence[Row]) -> None:
    for parts in (0, 5):
        with pytest.raises(ValueError, match="accumulate must lie from 1 to 4"):
            replace(PLAN, accumulate=parts)
    with pytest.raises(UnevenTeam, match=r"8 in 4 parts \(accumulate\) leaves each of 2 processes"):
        schedule_of(rows, replace(PLAN, accumulate=4), Team(torch.device("cpu"), 0, 2))
