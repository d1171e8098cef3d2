"""`train --recipe lite` on a manifest as large as DFWild-Cup's, up to its first step, without the check for leaks.

The rows name 64 pictures under many folders, which are links to one: every file is there, and few are read.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from training.data.manifest import COLUMNS

from ..measure import Figure, Limit, Sizes
from ..pictures import write_face_sized

ROWS, PICTURES = 262_160, 64
VAL = 3_072


@dataclass(frozen=True)
class _Cost:
    """Seconds on the clock and of processors (all processes), and the most memory of the main process (resident), in GiB."""

    wall: float
    processors: float
    peak: float


def measure(sizes: Sizes) -> Iterator[Figure]:
    """One run, from the start of the process to the line that tells of step 1."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        manifest = _manifest(folder)
        run = folder / "run"
        run.mkdir()
        # What the check for leaks leaves behind when it passed.
        checked = {"manifest": hashlib.sha256(manifest.read_bytes()).hexdigest(), "dropped": []}
        (run / "leaks-checked.json").write_text(json.dumps(checked))
        cost = _until_first_step(folder, manifest, run)
    of = f"of `train` on {ROWS:,} rows, to the first step"
    yield Figure(f"time {of}", cost.wall, "s", None, "", Limit("<", 90))
    yield Figure(f"processor time {of}", cost.processors, "s")
    yield Figure("most memory of its main process", cost.peak, "GiB", None, "", Limit("<", 2.2))


def _manifest(folder: Path) -> Path:
    paths = write_face_sized(folder / "pictures", PICTURES)
    lines = [",".join(COLUMNS)]
    for number in range(ROWS):
        part, picture = divmod(number, PICTURES)
        if picture == 0:
            (folder / f"part{part:04}").symlink_to("pictures")
        split = "val" if number < VAL else "train"
        label = "real" if number % 6 == 0 else "fake"
        source = f"source{number % 8}"
        lines.append(
            f"part{part:04}/{paths[picture].name},{label},{source},faceswap,made,{source}/person{part:04}/{picture // 4},{split}"
        )
    path = folder / "manifest.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def _until_first_step(folder: Path, manifest: Path, run: Path) -> _Cost:
    words = ["--data-dir", str(folder / "data"), "train", "--recipe", "lite", "--device", "cpu"]
    command = [sys.executable, "-m", "scanner", *words, "--data", str(manifest), "--out", str(run)]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder)}
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    seen = _Seen(psutil.Process(process.pid))
    watching = threading.Thread(target=seen.watch, daemon=True)
    watching.start()
    assert process.stderr is not None
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if line.startswith("step "):
                wall = time.perf_counter() - began
                seen.look()
                return _Cost(wall, seen.processors, seen.peak / 2**30)
    finally:
        process.terminate()
        process.wait()
        watching.join()
    raise RuntimeError(f"`train` ended with {process.returncode}:\n{''.join(said)[-2000:]}")


class _Seen:
    """What a process and those that it started have used; looked at often, as some of them end before it does."""

    def __init__(self, main: psutil.Process) -> None:
        self._main = main
        self._used: dict[int, float] = {}
        self.peak = 0

    @property
    def processors(self) -> float:
        """Seconds of processors, of all of them."""
        return sum(self._used.values())

    def watch(self) -> None:
        while self.look():
            time.sleep(0.05)

    def look(self) -> bool:
        """Whether the main process is still there."""
        try:
            for each in (self._main, *self._main.children(recursive=True)):
                times = each.cpu_times()
                self._used[each.pid] = times.user + times.system
            # Not VmHWM: that survives `exec` where `vfork` was used.
            self.peak = max(self.peak, self._main.memory_info().rss)
        except psutil.NoSuchProcess:
            return self._main.is_running() and self._main.status() != psutil.STATUS_ZOMBIE
        return True
