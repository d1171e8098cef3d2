"""A TMPDIR that is too long for the paths of sockets, is not there or cannot be written to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from scanner.base.addresses.socket_folder import keep_sockets_short
keep_sockets_short()
import tempfile
from multiprocessing.connection import Listener
Listener(family="AF_UNIX").close()
print(tempfile.gettempdir())
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no such sockets")


def run(temporary: Path) -> str:
    environment = {**os.environ, "TMPDIR": str(temporary)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_long_one_holds_other_files_and_no_sockets(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100) / ("y" * 100)
    long.mkdir(parents=True)
    assert run(long) == str(long)
    assert list(long.iterdir()) == []


def test_one_of_few_letters_and_many_bytes(tmp_path: Path) -> None:
    long = tmp_path / ("é" * 50)
    long.mkdir()
    assert run(long) == str(long)


def test_one_that_is_not_there_is_not_used(tmp_path: Path) -> None:
    assert run(tmp_path / ("x" * 100)) != str(tmp_path / ("x" * 100))


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_one_that_cannot_be_written_to_is_not_used(tmp_path: Path) -> None:
    closed = tmp_path / ("x" * 100)
    closed.mkdir(mode=0o500)
    assert run(closed) != str(closed)
