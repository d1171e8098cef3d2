"""Everything a run needs to go on after a kill, in one file that is replaced whole."""

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from scanner.base.errors import KnownError
from scanner.base.files import written_whole
from worker.detector.checkpoints.checkpoint import stored_tensors
from worker.detector.image.preprocess import Preprocessing

from ..config.hyperparameters import TrainingPlan
from ..data.manifest import Row

FILE = "resume.pt"
# The folder, in that of the run, with the state of its first stage.
FIRST = "first"
# Written so often, and after each epoch: 700 MB for `paper`, which take seconds.
SAVE_SECONDS = 600.0


class StateUnwritable(KnownError):
    """The state of a run cannot be written."""


class AnotherRun(KnownError):
    """The folder holds an unfinished run that this one cannot go on from."""


@dataclass
class RunState:
    """A run at one step. `average` are the averaged weights, `best` those of the best epoch, `history` the figures of
    each measured epoch.

    Without averaging (`averages` is False) `average` are the weights of the detector themselves. Frozen backbones are in none of
    them.
    """

    detector: nn.Module
    optimiser: torch.optim.Optimizer
    average: dict[str, Tensor]
    averages: bool = True
    best: dict[str, Tensor] | None = None
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def begun(detector: nn.Module, optimiser: torch.optim.Optimizer, *, averages: bool) -> RunState:
    """The state before the first step."""
    weights = stored_tensors(detector)
    average = {name: tensor.clone() for name, tensor in weights.items()} if averages else weights
    return RunState(detector, optimiser, average, averages)


class StateWriter:
    """Writes the state of a run to `folder` beside the training, atomically, and at most one at a time.

    A block: at its end the last state is on the disk.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._path = folder / FILE
        self._key = key
        self._thread = ThreadPoolExecutor(1, "run-state")
        self._writing: Future[None] | None = None
        self._saved = time.monotonic()

    def __enter__(self) -> "StateWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Raises StateUnwritable, unless the block raised already."""
        self._thread.shutdown()
        if kind is None:
            self._wait()

    @property
    def is_due(self) -> bool:
        """Whether the last state is older than SAVE_SECONDS."""
        return time.monotonic() - self._saved >= SAVE_SECONDS

    def save(self, state: RunState) -> None:
        """Copy `state` and write the copy; training goes on meanwhile. Raises StateUnwritable for an earlier one."""
        self._wait()
        self._writing = self._thread.submit(self._write, _copied(_content(self._key, state)))
        self._saved = time.monotonic()

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()

    def _write(self, content: dict[str, Any]) -> None:
        try:
            with written_whole(self._path) as partial:
                _save(content, partial)
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise StateUnwritable(
                f"{self._path} cannot be written: {reason}. Free space there; --resume goes on from the last state in it"
            ) from None


def _save(content: dict[str, Any], path: Path) -> None:
    """Raises OSError, and RuntimeError."""
    try:
        torch.save(content, path)
    except RuntimeError:
        # What torch says of a full disk names a line of its own code. Once the file is gone the disk is not full any more.
        if shutil.disk_usage(path.parent).free < 1 << 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
        raise


def _content(key: str, state: RunState) -> dict[str, Any]:
    return {
        "key": key,
        "step": state.step,
        "history": list(state.history),
        "detector": stored_tensors(state.detector),
        "optimiser": state.optimiser.state_dict(),
        "average": state.average if state.averages else {},
        "best": state.best,
        "rng": torch.get_rng_state(),
    }


def _copied(content: Any) -> Any:
    """The same with tensors of its own, on the CPU: the next step changes those of the run."""
    if isinstance(content, Tensor):
        return content.detach().to("cpu", copy=True)
    if isinstance(content, dict):
        return {name: _copied(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_copied(value) for value in content]
    return content


def restore_state(folder: Path, key: str, state: RunState) -> None:
    """Fill `state` from `folder` if a run was begun there. Raises AnotherRun when that was another one."""
    path = folder / FILE
    if not path.exists():
        return
    try:
        # Our own file of the same run; still nothing but tensors and text is read from it.
        content = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises many kinds for a file that is not its own
        raise AnotherRun(f"{path} cannot be read ({error}); remove it to start the run again") from None
    shapes = [(name, tensor.shape) for name, tensor in stored_tensors(state.detector).items()]
    if content.get("key") != key or [(name, tensor.shape) for name, tensor in content["detector"].items()] != shapes:
        raise AnotherRun(f"{path} belongs to a run with another recipe, plan or manifest; choose another --out, or remove it")
    state.detector.load_state_dict(content["detector"], strict=False)
    state.optimiser.load_state_dict(content["optimiser"])
    for name, tensor in content["average"].items() if state.averages else ():
        state.average[name].copy_(tensor)
    state.best, state.step, state.history = content["best"], content["step"], content["history"]
    torch.set_rng_state(content["rng"])


def holds_run(folder: Path) -> bool:
    """Whether a run was begun in `folder`, in whichever stage it is."""
    return (folder / FILE).exists() or (folder / FIRST / FILE).exists()


def run_key(
    plan: TrainingPlan, preprocessing: Preprocessing, rows: Sequence[Row], team_size: int, fixed: Mapping[str, str] | None = None
) -> str:
    """What must be the same for a run to go on: plan, preprocessing, the pictures with their labels, the number of processes, and
    the hashes of branches that are `fixed`.
    """
    told = asdict(plan)
    if plan.first is None:
        del told["first"]  # runs from before there was one go on
    parts = [told, asdict(preprocessing), team_size, *([dict(fixed)] if fixed else [])]
    digest = hashlib.sha256(json.dumps(parts).encode())
    for row in rows:  # one at a time: the text of a large manifest takes 100 MB
        digest.update(json.dumps([str(row.path), row.label]).encode())
    return digest.hexdigest()
