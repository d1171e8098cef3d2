"""Two processes that train both stages together over Gloo, as `torchrun` starts them."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from training.data.manifest import Row
from training.loop.distributed import joined

if __name__ == "__main__":
    from small_stages import CNN, PLAN, asked, trained
else:
    from .small_stages import CNN, PLAN


def started_by_torchrun(rows_file: Path, folder: Path) -> None:
    """What each of the two processes runs."""
    torch.set_num_threads(1)
    rows = [
        Row(Path(line), number % 2, "s", "f", "", line, ("train", "val")[number >= 16])
        for number, line in enumerate(rows_file.read_text().split())
    ]
    with joined("cpu") as team:
        found = trained(asked(rows, folder, replace(PLAN, accumulate=2), cache=folder / "cache", team=team))
        weights = found[0].detector.state_dict() if found else {}
        save_file(team.agree(dict(weights)), folder / f"told{team.rank}.safetensors")


@pytest.mark.slow
def test_both_go_on_with_the_cnn_of_the_leader(rows: Sequence[Row], tmp_path: Path) -> None:
    """Statistics of batch normalisation differ in each, as each sees its own half: they share one file of embeddings."""
    rows_file, folder = tmp_path / "rows.txt", tmp_path / "run"
    folder.mkdir()
    rows_file.write_text("\n".join(str(row.path) for row in rows))

    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", __file__]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(
        [*command, str(rows_file), str(folder)], env=environment, capture_output=True, text=True, timeout=300, check=False
    )

    assert ended.returncode == 0, ended.stderr[-3000:]
    kept = torch.load(folder / "first" / "resume.pt", weights_only=True)["detector"]
    found = load_file(folder / "told0.safetensors")
    assert all(torch.equal(found[name], kept[name]) for name in kept if name.startswith(f"branches.{CNN}."))
    assert len(list((folder / "cache").iterdir())) == 2  # of `train` and of `val`


if __name__ == "__main__":
    started_by_torchrun(Path(sys.argv[1]), Path(sys.argv[2]))
