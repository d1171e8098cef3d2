"""Exported networks, kept in a cache, so that a worker needs no torch to start. The cache may be emptied at any time.

A network is a program: none is run that another user has put there. The bytes that are run are compared with their sha256, which
is in the file's name where only this user writes the cache, and where others can, also in `sums`, a folder of this user's.
"""

import hashlib
import logging
import os
import time
from contextlib import suppress
from pathlib import Path

from scanner.base.access.private import NotPrivate, make_missing, own_text, private_folder, why_not_own
from scanner.base.files import open_regular, write_whole

from ..checkpoints.card import file_sha256

# Goes up when the same checkpoint would be exported as something else.
_VERSION = 2
# Nothing takes so long to be written.
_LEFT_SECONDS = 3600.0

log = logging.getLogger(__name__)


def kept_network(checkpoint: Path, folder: Path, runtime: str = "onnxruntime", *, sums: Path | None = None) -> bytes | None:
    """The network in `folder` that `keep_network` wrote for `checkpoint`, if it is the one; a damaged file is removed."""
    prefix = _prefix(checkpoint, runtime)
    for path in _candidates(folder, prefix, sums):
        try:
            with open_regular(path, follow=False) as file:
                if sums is None and why_not_own(os.fstat(file.fileno())):
                    continue
                network = file.read()
        except OSError:
            continue
        if hashlib.sha256(network).hexdigest() == path.stem.removeprefix(prefix):
            return network
        log.warning("%s is damaged and is made anew", path)
        with suppress(OSError):
            path.unlink()
    return None


def _candidates(folder: Path, prefix: str, sums: Path | None) -> list[Path]:
    if sums is None:
        return list(folder.glob(f"{prefix}*.onnx"))
    try:
        return [folder / f"{prefix}{own_text(_sum_file(sums, prefix)).strip()}.onnx"]
    except (OSError, ValueError, NotPrivate):
        return []


def keep_network(
    checkpoint: Path, folder: Path, network: bytes, runtime: str = "onnxruntime", *, sums: Path | None = None
) -> bool:
    """Keep the exported `network` of `checkpoint` in `folder`, with its sha256; whether that could be done."""
    prefix = _prefix(checkpoint, runtime)
    sha256 = hashlib.sha256(network).hexdigest()
    path = folder / f"{prefix}{sha256}.onnx"
    try:
        make_missing(folder)
        _clear_away(folder)
        write_whole(path, network)
        if sums is not None:
            private_folder(sums)
            write_whole(_sum_file(sums, prefix), f"{sha256}\n")
    except (OSError, NotPrivate) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        log.warning("%s cannot be kept (%s): each start of a worker will take some seconds more", path, reason)
        return False
    return True


def _sum_file(sums: Path, prefix: str) -> Path:
    return sums / f"{prefix.rstrip('-')}.sha256"


def _prefix(checkpoint: Path, runtime: str) -> str:
    kind = runtime.removeprefix("onnxruntime").removeprefix("-")
    return f"{file_sha256(checkpoint)[:32]}-{kind}{_VERSION}-"


def _clear_away(folder: Path) -> None:
    """What processes that died while they wrote have left."""
    for partial in folder.glob("*.partial"):
        with suppress(OSError):
            if time.time() - partial.stat().st_mtime > _LEFT_SECONDS:
                partial.unlink()
