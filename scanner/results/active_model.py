"""Which checkpoint scans now. Only the worker's package knows, and it brings PyTorch: it is asked in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from ..base.errors import KnownError
from ..base.settings import Settings
from ..domain.asked import Asked
from ..jobs.supervisor import as_environment


class ModelUnknown(KnownError):
    """The configured checkpoint cannot be told."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint by its name here and the sha256 (hex) of its file."""

    name: str
    sha256: str


def active_checkpoint(settings: Settings) -> Checkpoint:
    """The checkpoint that the setting `model` names. Takes seconds. Raises ModelUnknown with what `dfscan model show` says."""
    command = [sys.executable, "-m", "scanner", "model", "show", "--json"]
    environment = {**os.environ, **as_environment(settings)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"`dfscan model show` ended with {done.returncode}"]
        raise ModelUnknown(words[-1].removeprefix("dfscan: "))
    shown = json.loads(done.stdout)
    return Checkpoint(os.path.splitext(os.path.basename(shown["path"]))[0], shown["sha256"])


def asked_of(settings: Settings, *, with_worker: bool) -> Callable[[], Asked]:
    """What is asked of files that these settings are to judge; found out once, when it is first called. Raises ModelUnknown.

    Where other workers do the work, they have the model, unless the settings name one.
    """

    @cache
    def asked() -> Asked:
        is_known = with_worker or bool(settings.model)
        return Asked(active_checkpoint(settings).sha256 if is_known else None, settings.faces, settings.videos)

    return asked
