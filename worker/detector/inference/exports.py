"""Exported networks, kept in a cache, so that a worker needs no torch to start. The cache may be emptied at any time."""

import hashlib
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..checkpoints.card import file_sha256

# Goes up when the same checkpoint would be exported as something else.
_VERSION = 1
# Nothing takes so long to be written.
_LEFT_SECONDS = 3600.0

log = logging.getLogger(__name__)


def exported_network(checkpoint: Path, folder: Path, export: Callable[[], bytes]) -> bytes | Path:
    """The file in `folder` with what `export` made of `checkpoint`, now or earlier; its bytes where they cannot be kept.

    The name holds the sha256 of the content: a file that has changed since is not used, but made anew.
    """
    name = f"{file_sha256(checkpoint)[:32]}-{_VERSION}-"
    for path in folder.glob(f"{name}*.onnx"):
        if path.stem.removeprefix(name) == file_sha256(path):
            return path
        log.warning("%s is damaged and is made anew", path)
        with suppress(OSError):
            path.unlink()
    model = export()
    path = folder / f"{name}{hashlib.sha256(model).hexdigest()}.onnx"
    partial = folder / f"{name}{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _clear_away(folder)
        partial.write_bytes(model)
        partial.replace(path)
    except OSError as error:
        log.warning("%s cannot be kept (%s): each start of a worker will take some seconds more", path, error.strerror)
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        return model
    return path


def _clear_away(folder: Path) -> None:
    """What processes that died while they wrote have left."""
    for partial in folder.glob("*.partial"):
        with suppress(OSError):
            if time.time() - partial.stat().st_mtime > _LEFT_SECONDS:
                partial.unlink()
