"""Exported networks, kept in a cache, so that a worker needs no torch to start. The cache may be emptied at any time."""

import hashlib
import logging
import time
from contextlib import suppress
from pathlib import Path

from scanner.base.files import write_whole

from ..checkpoints.card import file_sha256

# Goes up when the same checkpoint would be exported as something else.
_VERSION = 1
# Nothing takes so long to be written.
_LEFT_SECONDS = 3600.0

log = logging.getLogger(__name__)


def kept_network(checkpoint: Path, folder: Path) -> Path | None:
    """The file in `folder` that `keep_network` wrote for `checkpoint`, if it is whole.

    The name holds the sha256 of the content: a file that has changed since is not used, and removed.
    """
    prefix = _prefix(checkpoint)
    for path in folder.glob(f"{prefix}*.onnx"):
        if path.stem.removeprefix(prefix) == file_sha256(path):
            return path
        log.warning("%s is damaged and is made anew", path)
        with suppress(OSError):
            path.unlink()
    return None


def keep_network(checkpoint: Path, folder: Path, network: bytes) -> bytes | Path:
    """Keep the exported `network` of `checkpoint` in `folder` and return the file; `network` itself where it cannot be kept."""
    prefix = _prefix(checkpoint)
    path = folder / f"{prefix}{hashlib.sha256(network).hexdigest()}.onnx"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _clear_away(folder)
        write_whole(path, network)
    except OSError as error:
        log.warning("%s cannot be kept (%s): each start of a worker will take some seconds more", path, error.strerror)
        return network
    return path


def _prefix(checkpoint: Path) -> str:
    return f"{file_sha256(checkpoint)[:32]}-{_VERSION}-"


def _clear_away(folder: Path) -> None:
    """What processes that died while they wrote have left."""
    for partial in folder.glob("*.partial"):
        with suppress(OSError):
            if time.time() - partial.stat().st_mtime > _LEFT_SECONDS:
                partial.unlink()
