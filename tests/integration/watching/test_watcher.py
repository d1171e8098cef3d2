"""The watcher process: what it tells of, what it admits to have missed, and how it is kept going."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from files.watched import Heard

from scanner.discovery import watcher_supervisor
from scanner.discovery.watcher_supervisor import Hint, Overflowed, Restarted, Unwatched, Watching

WaitUntil = Callable[[Callable[[], bool], float, str], None]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stops and limits the process as Linux does")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "deep").mkdir(parents=True)
    return tmp_path / "root"


def test_complete_files_and_what_is_moved_is_hinted_at(
    watched: Watching, root: Path, tmp_path: Path, heard: Heard, wait_until: WaitUntil
) -> None:
    (root / "deep" / "written.jpg").write_bytes(b"x")
    (tmp_path / "outside.jpg").write_bytes(b"x")
    (tmp_path / "outside.jpg").rename(root / "moved in.jpg")
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "folder").rename(root / "folder")
    strange = os.fsdecode(os.fsencode(root) + b"/\xff\n.jpg")
    Path(strange).touch()
    expected = {str(root / "deep" / "written.jpg"), str(root / "moved in.jpg"), str(root / "folder"), strange}
    wait_until(lambda: expected <= heard.paths(), 60, "the hints")
    # What is moved in is watched, too; and what is moved out is told of.
    (root / "folder" / "inner" / "later.jpg").write_bytes(b"x")
    (root / "deep" / "written.jpg").rename(tmp_path / "away.jpg")
    wait_until(lambda: str(root / "folder" / "inner" / "later.jpg") in heard.paths(), 60, "the hint from a folder moved in")


def test_reading_hints_at_nothing(watched: Watching, root: Path, heard: Heard, wait_until: WaitUntil) -> None:
    (root / "first.jpg").write_bytes(b"x")
    wait_until(lambda: str(root / "first.jpg") in heard.paths(), 60, "the first hint")
    before = len(heard.all())
    (root / "first.jpg").read_bytes()
    (root / "last.jpg").write_bytes(b"x")
    wait_until(lambda: str(root / "last.jpg") in heard.paths(), 60, "the last hint")
    assert {notice.path for notice in heard.all()[before:] if isinstance(notice, Hint)} == {str(root / "last.jpg")}


def test_dropped_events_are_admitted(watched: Watching, root: Path, heard: Heard, wait_until: WaitUntil) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    assert watched.pid is not None
    os.kill(watched.pid, signal.SIGSTOP)
    wait_until(lambda: psutil.Process(watched.pid).status() == psutil.STATUS_STOPPED, 60, "it to stop")
    for number in range(limit):  # more than enough: each is created and closed
        (root / f"{number}.jpg").touch()
    os.kill(watched.pid, signal.SIGCONT)
    wait_until(lambda: Overflowed() in heard.all(), 60, "the overflow")


def test_a_watcher_that_dies_is_started_again(watched: Watching, root: Path, heard: Heard, wait_until: WaitUntil) -> None:
    assert watched.pid is not None
    first = watched.pid
    os.kill(first, signal.SIGKILL)

    def is_restarted() -> bool:
        watched.look_after()
        return Restarted() in heard.all()

    wait_until(is_restarted, 60, "the restart")
    assert watched.pid != first
    wait_until(lambda: watched.is_set_up, 60, "the watches")
    (root / "a.jpg").write_bytes(b"x")
    wait_until(lambda: str(root / "a.jpg") in heard.paths(), 60, "a hint from the second watcher")


def test_a_watcher_that_hangs_is_started_again(
    watched: Watching, heard: Heard, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert watched.pid is not None
    os.kill(watched.pid, signal.SIGSTOP)
    monkeypatch.setattr(watcher_supervisor, "SILENT_SECONDS", 5.0)

    def is_restarted() -> bool:
        watched.look_after()
        return Restarted() in heard.all()

    wait_until(is_restarted, 60, "the restart")


def changed_watcher(change: str, root: Path) -> subprocess.Popen[str]:
    """The watcher's process with a line of Python run in it before it begins."""
    imports = (
        "import sys, time, pathlib, scanner.discovery.watcher as w\nfrom scanner.discovery.watching.follow import Follower\n"
    )
    program = f"{imports}from scanner.discovery.watching.tree import Tree\n{change}\nw.os._exit(w.main())"
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(f'{{"roots": ["{root}"]}}\n')
    process.stdin.flush()
    return process


def test_watcher_lives_during_setup(root: Path, tmp_path: Path) -> None:
    """Or it would be taken for one that hangs, killed in the middle, and never come to an end."""
    go_on = tmp_path / "go on"
    slow = f"def slow(*all):\n    while not pathlib.Path({str(go_on)!r}).exists(): time.sleep(0.05)\n    return look(*all)\n"
    process = changed_watcher(f"look = Tree.look_at_top\n{slow}Tree.look_at_top = slow", root)
    assert process.stdout is not None
    assert process.stdin is not None
    with process.stdout, process.stdin:
        assert json.loads(process.stdout.readline()) == {"alive": True}
        go_on.touch()
        while "ready" not in json.loads(process.stdout.readline()):
            pass
        (root / "a.jpg").touch()
        while json.loads(process.stdout.readline()) != {"hints": [str(root / "a.jpg")]}:
            pass
        process.stdin.close()
        assert process.wait(60) == 0


@pytest.mark.parametrize("thread", ["_read", "_follow"])
def test_watcher_ends_with_its_threads(root: Path, thread: str) -> None:
    """Then it is started again (above)."""
    process = changed_watcher(f"Follower.{thread} = lambda self: None", root)
    assert process.stdout is not None
    assert process.stdin is not None
    with process.stdout, process.stdin:
        assert process.wait(60) == 1


def test_the_watcher_ends_with_its_service(root: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "scanner.discovery.watcher"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(f'{{"roots": ["{root}"]}}\n')
    process.stdin.close()
    assert process.wait(60) == 0
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.parametrize(
    ("limit", "named"), [("max_inotify_watches", "max_user_watches"), ("max_inotify_instances", "max_user_i")]
)
def test_the_limit_of_watches_is_named(
    root: Path, heard: Heard, wait_until: WaitUntil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, named: str
) -> None:
    """A user namespace of its own has limits of its own."""
    for number in range(5):
        (root / "deep" / str(number)).mkdir()
    allowed = 3 if limit == "max_inotify_watches" else 0
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\necho {allowed} > /proc/sys/user/{limit} && exec {sys.executable} "$@"\n')
    script.chmod(0o755)
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-Ur", script, "-c", ""], capture_output=True).returncode:
        pytest.skip("no user namespace can be made here")
    wrapper = tmp_path / "wrapped"
    wrapper.write_text(f'#!/bin/sh\nexec {unshare} -Ur {script} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(wrapper))
    with Watching(heard.queue) as watching:
        watching.watch([str(root)])
        wait_until(lambda: any(isinstance(notice, Unwatched) for notice in heard.all()), 60, "the complaint")
    [first, *_] = [notice for notice in heard.all() if isinstance(notice, Unwatched)]
    assert first.path.startswith(str(root))
    assert f"sysctl fs.inotify.{named}" in first.reason
