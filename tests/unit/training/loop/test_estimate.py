"""What a run costs, and what it chooses by that."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from training.config.hyperparameters import TrainingPlan
from training.data.manifest import Row
from training.loop import estimate
from training.loop.distributed import Team
from training.loop.estimate import Costs, costs_of, quicker_precision, seconds_for
from training.loop.optimiser import optimiser_for
from training.loop.schedule import Schedule, schedule_of
from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.branch import Branch
from worker.detector.model.network import FusionDetector

PREPROCESSING = Preprocessing(16, (0.5,) * 3, (0.5,) * 3)
PLAN = TrainingPlan((16, 24), 3, 8, "adamw", 0.05)
ALONE = Team(torch.device("cpu"))


class Mean(Branch):
    """The mean colour."""

    width = 3

    def forward(self, images_BCHW: Tensor) -> Tensor:
        return images_BCHW.mean(dim=(2, 3))


def detector() -> FusionDetector:
    return FusionDetector({"mean": Mean()}, (), 0.0)


@pytest.mark.parametrize(
    ("costs", "device", "cores", "loaders"),
    [
        (Costs(loading=0.1, computing=1.0), "cpu", 2, 1),
        (Costs(loading=5.0, computing=1.0), "cpu", 4, 3),
        (Costs(loading=2.5, computing=1.0), "cpu", 16, 3),
        (Costs(loading=0.4, computing=0.1), "cuda", 16, 5),
        (Costs(loading=9.0, computing=0.1), "cuda", 8, 8),
        (Costs(loading=0.01, computing=0.1), "cuda", 1, 1),
    ],
)
def test_as_many_processes_load_as_keep_up(costs: Costs, device: str, cores: int, loaders: int) -> None:
    assert costs.loaders(device, cores) == loaders


def test_what_bounds_a_run_is_said() -> None:
    slow, quick = Costs(loading=4.0, computing=0.5), Costs(loading=0.2, computing=0.5)

    assert slow.bound(2).startswith("bound by loading: loading a batch takes 4 s of a process of 2")
    assert slow.bound(8).startswith("bound by computing, 0.5 s a step")
    assert quick.bound(1).startswith("bound by computing")
    assert (slow.per_step(2), slow.per_step(0), quick.per_step(1)) == (2.0, 4.5, 0.5)


def test_seconds_are_those_of_all_steps(rows: Sequence[Row]) -> None:
    """Each size has its own costs; missing embeddings are computed once, shared by the processes of a team."""
    schedule = schedule_of(rows, PLAN, ALONE)
    costs = {16: Costs(1.0, 2.0, 0.5), 24: Costs(5.0, 3.0)}

    assert schedule.starts == [0, 3, 6, 9]
    assert seconds_for(costs, PLAN, schedule, ALONE, 1) == 3 * 2.0 + 6 * 5.0
    assert seconds_for(costs, PLAN, schedule, ALONE, 0) == 3 * 3.0 + 6 * 8.0
    assert seconds_for(costs, PLAN, schedule, Team(torch.device("cpu"), size=2), 1, missing=10) == 36.0 + 2.5


class Counting(Mean):
    """Keeps how many pictures it was shown at a time."""

    def __init__(self, *, is_frozen: bool = False) -> None:
        super().__init__()
        self.counts: list[int] = []
        self.is_frozen = is_frozen

    def forward(self, images_BCHW: Tensor) -> Tensor:
        self.counts.append(len(images_BCHW))
        return super().forward(images_BCHW)


def test_trial_steps_on_a_processor_are_small(rows: Sequence[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    """A few pictures stand for a batch: whole ones at the largest size took most of a run's start, and twice its memory."""
    network = FusionDetector({"mean": Mean(), "frozen": Counting(is_frozen=True)}, (), 0.0)
    plan = TrainingPlan((24, 16), 2, 16, "adamw", 0.05)
    copied: list[FusionDetector] = []
    monkeypatch.setattr(estimate, "optimiser_for", lambda trial, plan: copied.append(trial) or optimiser_for(trial, plan))

    found = costs_of(network, rows, plan, PREPROCESSING, schedule_of(rows, plan, ALONE), ALONE)

    branch = network.parts["frozen"]
    assert isinstance(branch, Counting)
    assert set(branch.counts) == {8}
    assert copied[0].parts["frozen"] is branch  # hundreds of MB in `paper`
    assert copied[0].head is not network.head
    assert found[16].computing == pytest.approx(found[24].computing * (16 / 24) ** 2)
    assert found[16].loading == found[24].loading


def test_the_order_of_an_epoch_is_no_part_of_loading(rows: Sequence[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made once an epoch: of a large set it took longer than the pictures of a step, and more processes were started."""
    slow, known, clock, added = 1000.0, Schedule.order, time.perf_counter, [0.0]

    def order(schedule: Schedule, epoch: int) -> list[int]:
        added[0] += slow
        return known(schedule, epoch)

    monkeypatch.setattr(Schedule, "order", order)
    monkeypatch.setattr(time, "perf_counter", lambda: clock() + added[0])
    found = costs_of(detector(), rows, PLAN, PREPROCESSING, schedule_of(rows, PLAN, ALONE), ALONE)

    assert added[0] >= slow
    assert found[24].loading < slow


def test_costs_are_told_for_each_size(rows: Sequence[Row]) -> None:
    network = detector()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    random = torch.get_rng_state()

    found = costs_of(network, rows, PLAN, PREPROCESSING, schedule_of(rows, PLAN, ALONE), ALONE)

    assert found.keys() == {16, 24}
    assert all(cost.loading > 0 and cost.computing > 0 for cost in found.values())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize("quicker", ["float32", "bfloat16"])
def test_the_quicker_precision_is_chosen_once(
    rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quicker: str
) -> None:
    """What was measured is said and kept: a run that goes on computes as it began."""
    took: Iterator[float] = iter([1.5, 1.9] if quicker == "float32" else [1.9, 0.5])
    monkeypatch.setattr(estimate, "_costs", lambda *_: Costs(0.1, next(took)))
    asked = (nn.Module(), rows, PLAN, PREPROCESSING, schedule_of(rows, PLAN, ALONE), ALONE, tmp_path)

    chosen, why = quicker_precision(*asked)  # type: ignore[arg-type]

    assert chosen is (quicker == "bfloat16")
    assert why is not None
    assert why.startswith(f"computes in {quicker}: ")
    assert json.loads((tmp_path / "precision.json").read_text())["autocast"] is chosen
    assert quicker_precision(*asked) == (chosen, None)  # type: ignore[arg-type]


def test_precision_is_not_measured_where_it_is_said(rows: Sequence[Row], tmp_path: Path) -> None:
    schedule = schedule_of(rows, PLAN, ALONE)
    plan = replace(PLAN, autocast=False)

    assert quicker_precision(detector(), rows, plan, PREPROCESSING, schedule, ALONE, tmp_path) == (False, None)
    gpu = Team(torch.device("cuda"))
    assert quicker_precision(detector(), rows, PLAN, PREPROCESSING, schedule, gpu, tmp_path) == (True, None)
    assert not (tmp_path / "precision.json").exists()
