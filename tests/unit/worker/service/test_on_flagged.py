"""The command of the setting `on_flagged`: what it is told, and that nothing it does is the worker's trouble."""

import json
import logging
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.base.settings import HANDED_DOWN, Settings, SettingsError
from scanner.domain.claims import Claimed
from scanner.domain.recorded import Recorded
from scanner.domain.states import Label, State
from worker.service import on_flagged as module
from worker.service.on_flagged import on_flagged

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a POSIX system")
TELLS = """
import json, os, sys
seen = {name: value for name, value in os.environ.items() if name.startswith("DFSCAN_") and "TEST" not in name}
seen |= {"arguments": sys.argv[2:], "stdin": sys.stdin.read(), "own session": os.getsid(0) == os.getpid()}
open(sys.argv[1], "a").write(json.dumps(seen) + chr(10))
"""


def flagged(path: str = "/a.jpg", label: Label = Label.FAKE) -> Recorded:
    return Recorded(Claimed(1, path, 1, 1), State.SCORED, "lite", "ab" * 32, label, 0.875)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the last command however busy the machine is."""
    monkeypatch.setattr(module, "CLOSE_SECONDS", 60.0)


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """`settings(words...)`: with a command of these words."""
    return lambda *words, **more: Settings(tmp_path, on_flagged=shlex.join(map(str, words)), **more)


@pytest.fixture
def told(tmp_path: Path) -> Callable[[], list[dict[str, object]]]:
    """What the command was told, one call after the other."""
    out = tmp_path / "told"
    return lambda: [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def test_the_command_is_told_what_was_flagged(settings, told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HANDED_DOWN, "{}")
    monkeypatch.setenv("DFSCAN_DEVICE", "cpu")
    name = os.fsdecode(b"/srv/with, comma\nand line \xff.jpg")
    command = settings(sys.executable, "-c", TELLS, tmp_path / "told", "; touch $HOME", "a b", path_map=("/srv=/mnt",))
    with on_flagged(command) as tell:
        tell([flagged(name), flagged("/real.jpg", Label.REAL), Recorded(Claimed(2, "/b", 1, 1), State.FAILED, "lite")])
        tell([flagged("/b.jpg", Label.UNCERTAIN)])
    first, second = told()
    assert first == {
        "DFSCAN_DEVICE": "cpu",
        "DFSCAN_FLAGGED_PATH": name.replace("/srv", "/mnt"),
        "DFSCAN_FLAGGED_LABEL": "fake",
        "DFSCAN_FLAGGED_SCORE": "0.875",
        "DFSCAN_FLAGGED_SHA256": "ab" * 32,
        "DFSCAN_FLAGGED_MODEL": "lite",
        "arguments": ["; touch $HOME", "a b"],
        "stdin": "",
        "own session": True,
    }
    assert (second["DFSCAN_FLAGGED_PATH"], second["DFSCAN_FLAGGED_LABEL"]) == ("/b.jpg", "uncertain")


def test_a_failing_command_is_in_the_log_once_until_it_works_again(
    settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    program = "import os, sys; sys.exit('a reason' if os.environ['DFSCAN_FLAGGED_PATH'] == '/fails' else 0)"
    with on_flagged(settings(sys.executable, "-c", program)) as tell:
        tell([flagged(path) for path in ("/works", "/fails", "/fails", "/works", "/works", "/fails")])
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", FAILS + "it ended with status 1: a reason (said once, until it works again)"),
        ("INFO", "the command of the setting on_flagged works again"),
        ("WARNING", FAILS + "it ended with status 1: a reason (said once, until it works again)"),
    ]


FAILS = "the command of the setting on_flagged fails: "


def test_a_command_that_is_not_there(settings, caplog: pytest.LogCaptureFixture) -> None:
    with on_flagged(settings("/no such/command")) as tell:
        tell([flagged(), flagged("/\ud800 is no file name anywhere")])
    assert [record.getMessage().startswith(FAILS + "[Errno 2]") for record in caplog.records] == [True]


@pytest.mark.usefixtures("soon")
def test_a_command_that_hangs_is_ended_with_what_it_started(
    settings, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, wait_until
) -> None:
    child = tmp_path / "child"
    script = f"sleep 1000 & echo $! > {child}; wait"
    wait = subprocess.Popen.wait

    def wait_for_its_own(process: "subprocess.Popen[bytes]", timeout: float | None = None) -> int:
        """Its time begins when it has started its own, however long a busy machine takes for that."""
        wait_until(lambda: child.exists() and child.read_text().endswith("\n"), 60, "what it starts")
        return wait(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", wait_for_its_own)
    with on_flagged(settings("/bin/sh", "-c", script, on_flagged_seconds=0.1)) as tell:
        tell([flagged()])
    assert [record.getMessage() for record in caplog.records] == [
        FAILS + "it took longer than 0.1 s (setting on_flagged_seconds) (said once, until it works again)"
    ]
    wait_until(lambda: not _lives(int(child.read_text())), 20, "the end of the child")


@pytest.mark.usefixtures("soon")
def test_a_hanging_command_keeps_no_one_waiting_for_long(
    settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.1)
    with on_flagged(settings("sleep", "1000", on_flagged_seconds=1.0)) as tell:
        tell([flagged()] * 1000)  # once it is known to hang, what finds no room is left out
    assert len([record for record in caplog.records if record.getMessage().startswith(FAILS)]) == 1
    assert "is not run for" in caplog.records[-1].getMessage()


def test_no_command_and_an_unreadable_one(settings) -> None:
    with on_flagged(Settings(Path("/"), on_flagged=" ")) as tell:
        tell([flagged()])
    with pytest.raises(SettingsError, match="on_flagged"), on_flagged(Settings(Path("/"), on_flagged="a 'b")):
        pass


def _lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2] if sys.platform == "linux" else not os.kill(pid, 0)
    except OSError:
        return False
