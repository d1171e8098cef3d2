"""The one setting of the fault tests, and the guard around originals."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCALE = "DFSCAN_TEST_SCALE"
DEFAULT_SCALE = 0.05


@pytest.fixture(scope="session")
def scaled() -> Callable[[int, int], int]:
    """`scaled(full, least)`: the part of `full` that DFSCAN_TEST_SCALE asks for (1: all of it), but at least `least`."""
    scale = float(os.environ.get(SCALE, DEFAULT_SCALE))
    return lambda full, least: max(least, round(full * scale))


@pytest.fixture
def originals(tmp_path: Path) -> Iterator[Path]:
    """A folder whose files, once `seal` has seen them, must be the same at the end of the test: bytes, mtime, mode and names."""
    folder = tmp_path / "originals"
    folder.mkdir()
    yield folder
    sealed = folder.parent / "originals.sealed"
    if sealed.exists():
        assert fingerprint(folder) == sealed.read_text()


@pytest.fixture
def seal(originals: Path) -> Callable[[], None]:
    """Call when all originals are written."""
    return lambda: (originals.parent / "originals.sealed").write_text(fingerprint(originals)) and None


def fingerprint(folder: Path) -> str:
    """Every name under `folder` with what it is: type and mode, mtime (of files), bytes."""
    lines = []
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        is_file = stat.S_ISREG(status.st_mode)
        content = hashlib.sha256(path.read_bytes()).hexdigest() if is_file else ""
        lines.append(f"{str(path)!a} {status.st_mode:o} {status.st_mtime_ns} {content}")
    return "\n".join(lines)
