"""Two processes that train together over Gloo, as `torchrun` starts them."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from training.config.hyperparameters import TrainingPlan
from training.data.manifest import Row
from training.loop.distributed import Team, joined
from training.loop.loop import train
from training.loop.schedule import UnevenTeam, schedule_of
from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.branch import Branch
from worker.detector.model.network import FusionDetector

PLAN = TrainingPlan((16,), 2, 8, "adamw", 0.02, warmup_steps=2, cosine=True, clip_norm=1.0, ema_decay=0.9, autocast=False)


class Patches(Branch):
    """Colour means of 2 x 2 patches: no statistics over a batch, so that two half batches are one whole."""

    width = 12

    def forward(self, images_BCHW: Tensor) -> Tensor:
        return nn.functional.adaptive_avg_pool2d(images_BCHW, 2).flatten(1)


def trained(rows: Sequence[Row], folder: Path, team: Team, plan: TrainingPlan = PLAN) -> dict[str, Tensor]:
    torch.manual_seed(0)
    detector = FusionDetector({"patches": Patches()}, (8,), 0.0)
    result = train(
        detector,
        rows,
        plan,
        Preprocessing(16, (0.5,) * 3, (0.5,) * 3),
        folder=folder,
        team=team,
        loader_processes=0,
        report=lambda _: None,
        measure=lambda epoch, _: {"auc": 0.5 + epoch / 10, "dcf": 0.3},
    )
    assert result.aucs == (0.5, 0.6)  # measured by the leader, known to all
    return result.detector.state_dict()


def started_by_torchrun(rows_file: Path, folder: Path) -> None:
    """What each of the two processes runs."""
    torch.set_num_threads(1)
    rows = [Row(Path(line), number % 2, "s", "f", "", line, "train") for number, line in enumerate(rows_file.read_text().split())]
    with joined("cpu") as team:
        save_file(trained(rows, folder, team, replace(PLAN, accumulate=2)), folder / f"rank{team.rank}.safetensors")


@pytest.mark.slow
def test_two_processes_train_what_one_trains(rows: Sequence[Row], tmp_path: Path) -> None:
    """They learn from each batch in two parts, and the one from all of it."""
    rows = [replace(row, label=number % 2) for number, row in enumerate(rows)]
    rows_file, folder = tmp_path / "rows.txt", tmp_path / "run"
    folder.mkdir()
    rows_file.write_text("\n".join(str(row.path) for row in rows))
    (tmp_path / "alone").mkdir()
    alone = trained(rows, tmp_path / "alone", Team(torch.device("cpu")))

    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", __file__]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(
        [*command, str(rows_file), str(folder)], env=environment, capture_output=True, text=True, timeout=300, check=False
    )

    assert ended.returncode == 0, ended.stderr[-3000:]
    first, second = (load_file(folder / f"rank{rank}.safetensors") for rank in (0, 1))
    for name, tensor in alone.items():
        torch.testing.assert_close(first[name], second[name], rtol=0, atol=0)
        torch.testing.assert_close(first[name], tensor, rtol=1e-4, atol=1e-6)
    assert (folder / "resume.pt").exists()


def test_a_batch_that_cannot_be_divided_is_refused(rows: Sequence[Row]) -> None:
    with pytest.raises(UnevenTeam, match=r"batch of 8 .* 3 processes"):
        schedule_of(rows, PLAN, Team(torch.device("cpu"), 0, 3))
    with pytest.raises(UnevenTeam, match="leaves each of 8 processes a single picture"):
        schedule_of(rows, PLAN, Team(torch.device("cpu"), 0, 8))


@pytest.mark.parametrize(("size", "count"), [(1, 19), (2, 16), (4, 16)])
def test_processes_share_batches(rows: Sequence[Row], size: int, count: int) -> None:
    """The processes share each batch evenly and show no picture twice."""
    schedule = schedule_of(rows[:19], PLAN, Team(torch.device("cpu"), 0, size))

    for order in map(schedule.order, range(PLAN.epochs)):
        shares = [[order[first : first + 8][rank::size] for first in range(0, len(order), 8)] for rank in range(size)]
        assert all(len(set(map(len, parts))) == 1 for parts in zip(*shares, strict=True))
        shown = sorted(index for share in shares for part in share for index in part)
        assert len(shown) == len(set(shown)) == count


@pytest.mark.parametrize(
    ("rows_there", "size", "count"), [(17, 1, 16), (18, 1, 18), (18, 2, 16), (20, 2, 20), (2, 1, 2), (3, 2, 2)]
)
def test_no_process_gets_a_picture_alone(rows: Sequence[Row], rows_there: int, size: int, count: int) -> None:
    """Unless there is nothing else to learn from."""
    schedule = schedule_of(rows[:rows_there], PLAN, Team(torch.device("cpu"), 0, size))

    assert [len(order) for order in map(schedule.order, range(PLAN.epochs))] == [count] * PLAN.epochs


if __name__ == "__main__":
    started_by_torchrun(Path(sys.argv[1]), Path(sys.argv[2]))
