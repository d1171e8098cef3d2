"""Processes that load pictures end with the run, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from torch.utils.data import Dataset

from training.data.loading import loader_of
from training.data.manifest import ManifestError

# A run that is slower than its loaders: what they have made fills the pipe, in which the feeder of each then waits.
RUN = """
import sys, time
import numpy as np
from training.data.loading import loader_of

class Large:
    def __len__(self):
        return 1000
    def __getitem__(self, index):
        return np.zeros((1500, 1500), np.uint8)

if __name__ == "__main__":
    for batch in loader_of(Large(), processes=2, collate=list, batch_size=int(sys.argv[1])):
        print("ready", flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("batch_size", [1, 4])
def test_no_loader_outlives_a_killed_run(tmp_path: Path, batch_size: int) -> None:
    script = tmp_path / "run.py"
    script.write_text(RUN)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, str(script), str(batch_size)], env=environment, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"ready\n"
        loaders = psutil.Process(run.pid).children(recursive=True)
        assert len(loaders) >= 2
        run.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while any(_lives(loader) for loader in loaders) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [loader for loader in loaders if _lives(loader)]


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class _Broken(Dataset[int]):
    """The third sample is an error that a user can mend."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> int:
        if index == 3:
            raise ManifestError("gone.png: No such file or directory")
        return index


@pytest.mark.parametrize("processes", [0, 1])
def test_what_a_user_can_mend_comes_without_a_traceback(processes: int) -> None:
    """Also out of another process, after the batches before it."""
    batches = loader_of(_Broken(), processes=processes, collate=list, batch_size=2)

    assert next(batches) == [0, 1]
    with pytest.raises(ManifestError) as caught:
        next(batches)
    assert str(caught.value) == "gone.png: No such file or directory"
