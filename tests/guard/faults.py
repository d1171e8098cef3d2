"""Faults that no file brings about by itself, put into the program's own processes by marks in a file's bytes or name.

Only where the environment says DFSCAN_TEST_FAULTS, and only in what imports the modules that decode and read files.
"""

import ctypes
import os
import sys
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

SEGFAULT, HANG, EAT = b"dfscan-test:segfault", b"dfscan-test:hang", b"dfscan-test:eat"
KILLS_WORKER, HANGS_WORKER, LEAKS = "kills the worker", "hangs the worker", "leaks"
# Read only when this lies beside the folder that it is in.
HELD, GO_ON = "held back", "go on"
_leaked: list[bytes] = []


def install() -> None:
    """Have the modules changed as soon as they are imported."""
    from changing import Changing  # beside this file, as all that runs at the start of a process

    changes: dict[str, Callable[[Any], None]] = {
        "worker.decoding.decoder_pool": _change_decoding,
        "scanner.processes.fork_server": _change_environment,
        "worker.pipeline.read": _change_reading,
    }
    sys.meta_path.insert(0, Changing(changes))


def _change_environment(module: Any) -> None:
    """Decoders have none: what installs this module is handed on."""
    module.KEPT += ("PYTHONPATH", "DFSCAN_TEST_FAULTS")


def _change_decoding(module: Any) -> None:
    original = module.look_for

    @wraps(original)
    def look_for(content: bytes, *arguments: Any, **more: Any) -> Any:
        if SEGFAULT in content:
            ctypes.string_at(0)
        while HANG in content:
            time.sleep(1)
        eaten = []
        while EAT in content:
            eaten.append(bytearray(b"x") * (64 << 20))
        return original(content, *arguments, **more)

    module.look_for = look_for


def _change_reading(module: Any) -> None:
    original = module.read_image

    @wraps(original)
    def read_image(file: Any, *arguments: Any, **more: Any) -> Any:
        if KILLS_WORKER in file.path:
            ctypes.string_at(0)
        while HANGS_WORKER in file.path:
            time.sleep(1)
        while HELD in file.path and not os.path.exists(f"{os.path.dirname(file.path)}/../{GO_ON}"):
            time.sleep(0.05)
        if LEAKS in file.path:
            _leaked.append(bytes(bytearray(b"x") * (512 << 20)))
        return original(file, *arguments, **more)

    module.read_image = read_image
