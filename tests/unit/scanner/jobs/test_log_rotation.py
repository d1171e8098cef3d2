"""The worker's log begins anew while it is written to."""

import subprocess
import sys
from pathlib import Path

from scanner.jobs.supervisor import rotate


def test_a_process_that_writes_goes_on_in_the_new_log(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    script = "import sys\nprint('x' * 2000, flush=True)\nsys.stdin.readline()\nprint('afterwards', flush=True)"
    with log.open("ab") as out, subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=out) as writer:
        while log.stat().st_size < 2001:  # unbuffered Python writes the line and its end one after the other
            pass
        rotate(log, 1000)
        writer.communicate(b"\n")
    assert log.read_text() == "afterwards\n"
    assert (tmp_path / "worker.log.1").read_text() == "x" * 2000 + "\n"


def test_a_short_log_and_none_are_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    rotate(log, 10)
    log.write_text("short")
    rotate(log, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["worker.log"]
