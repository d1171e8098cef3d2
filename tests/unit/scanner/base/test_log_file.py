"""The worker's log begins anew while it is written to, and no line is lost."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.base.logs import set_aside

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a file that is open keeps its name there")

# A thread writes numbered lines all the while; `write_anew` is called when there are a thousand of them, and once at the end.
WRITER = """
import os, sys, threading
from pathlib import Path
from scanner.base.logs import write_anew

file, begun = Path(sys.argv[1]), threading.Event()

def write():
    for number in range(20_000):
        os.write(1 + number % 2, b"%d\\n" % number)
        if number == 1000:
            begun.set()

writing = threading.Thread(target=write)
writing.start()
begun.wait()
write_anew(file, 1000)
writing.join()
"""
# Writes a line, waits to be asked, looks after the log, and writes another.
PATIENT = """
import sys
from collections.abc import Callable
from pathlib import Path
from scanner.base.logs import write_anew

print("before", flush=True)
sys.stdin.readline()
write_anew(Path(sys.argv[1]), 100)
print("afterwards", flush=True)
"""


def begun(script: str, log: Path, **more: int) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen([sys.executable, "-c", script, str(log)], stdout=out, stderr=out, **more)


def test_no_line_is_lost_while_a_process_writes(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    assert begun(WRITER, log).wait() == 0
    kept = [int(line) for line in (tmp_path / "worker.log.1").read_text().splitlines()]
    assert len(kept) >= 1000
    assert sorted([*kept, *map(int, log.read_text().splitlines())]) == list(range(20_000))


@pytest.mark.parametrize("moved", [True, False])
def test_a_process_goes_on_where_another_one_began_anew(tmp_path: Path, moved: bool, wait_until: Callable[..., None]) -> None:
    """A scan's worker and a watch's write to the same file; and a file may be deleted under its process."""
    log = tmp_path / "worker.log"
    writer = begun(PATIENT, log, stdin=subprocess.PIPE)
    wait_until(lambda: b"before\n" in log.read_bytes(), 60, "the first line")
    if moved:
        set_aside(log, 1)
        log.write_text("of the other\n")
    else:
        log.unlink()
    writer.communicate(b"\n")
    assert log.read_text() == ("of the other\n" if moved else "") + "afterwards\n"


def test_a_short_log_and_none_are_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    set_aside(log, 10)
    log.write_text("short")
    set_aside(log, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["worker.log"]
