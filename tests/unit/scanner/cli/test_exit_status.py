"""1 means that something was flagged, and nothing else does."""

import errno
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from files.command import Dfscan, Here
from sqlalchemy import text

PRINTING = (("report",), ("report", "--json"), ("report", "--format", "csv"), ("config", "show"), ("status",), ("--help",))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "scanner", *arguments]


@pytest.mark.parametrize("arguments", PRINTING)
def test_a_closed_pipe(filled: Dfscan, arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(command(*arguments), stdout=closed, stderr=subprocess.PIPE, env=filled.environment, text=True)
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", PRINTING)
def test_a_full_standard_output(filled: Dfscan, arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command(*arguments), stdout=full, stderr=subprocess.PIPE, env=filled.environment, text=True)
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bug(filled: Dfscan) -> None:
    """A table that is not as it must be, at the right revision: nobody foresaw that."""
    broken = "import scanner.cli.main as main; main.load_settings = lambda *_: 1 / 0; main.main()"
    done = subprocess.run([sys.executable, "-c", broken, "status"], env=filled.environment, capture_output=True, text=True)
    assert done.returncode == 70
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize(
    ("number", "file", "said"),
    [
        (errno.ENOSPC, "/a/file", "/a/file cannot be used: what it lacks"),
        (errno.EMFILE, "/a/file", "/a/file cannot be used: what it lacks"),
        (errno.EROFS, None, "standard output or a file cannot be used: what it lacks"),
        (errno.EAGAIN, None, "what it lacks: end other programs"),  # as when no process can be started
    ],
)
def test_what_the_machine_lacks(filled: Dfscan, number: int, file: str | None, said: str) -> None:
    lacking = (
        "import scanner.cli.main as main\n"
        f"def lacks(*_): raise OSError({number}, 'what it lacks', {file!r})\n"
        "main.load_settings = lacks; main.main()"
    )
    done = subprocess.run([sys.executable, "-c", lacking, "status"], env=filled.environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(f"dfscan: {said}")


def test_what_is_no_image_in_a_healthy_folder(filled: Dfscan, here: Here, tmp_path: Path) -> None:
    folder = tmp_path / "healthy"
    (folder / "sub").mkdir(parents=True)
    os.mkfifo(folder / "fifo.jpg")
    (folder / "dangling.jpg").symlink_to("nowhere")
    (folder / "out.jpg").symlink_to("/etc/hostname")
    (folder / "inside").symlink_to("sub")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "outside").symlink_to("/tmp")
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(os.path.relpath(folder / "socket"))  # a socket's path must be short
        done = here("scan", folder)
    assert "skipped" in done.stdout
    items = filled.report(folder)["items"]
    assert len(items) >= 6
    assert all(item["state"] == "skipped" and item["error"] for item in items)


def test_what_is_no_image_named_by_itself(filled: Dfscan, here: Here, tmp_path: Path) -> None:
    """`dfscan scan "$upload"` must not call it unsuspicious."""
    (tmp_path / "notes.txt").write_text("no image")
    os.mkfifo(tmp_path / "fifo")
    for name in ("notes.txt", "fifo"):
        here("scan", tmp_path / name, exit_status=2)


def test_a_limit_below_none_is_bad_usage(filled: Dfscan, here: Here, tmp_path: Path) -> None:
    for arguments in (("report", "--limit", "-1"), ("scan", str(tmp_path), "--limit", "-1")):
        assert "Traceback" not in here(*arguments, exit_status=2).stderr


def test_a_failed_file_is_still_2(filled: Dfscan, here: Here, pictures: Path) -> None:
    os.utime(pictures / "a.jpg", ns=(1, 1))
    assert here("scan", pictures, "--no-worker", exit_status=2)
    with filled.database.write() as session:
        session.execute(text("DELETE FROM files WHERE state = 'failed'"))


@pytest.mark.parametrize(("state", "left"), [("failed", 0), ("pending", 1)])
def test_a_scan_that_is_stopped_says_what_is_left(
    filled: Dfscan, here: Here, pictures: Path, monkeypatch: pytest.MonkeyPatch, state: str, left: int
) -> None:
    def stopped(*_: object, **__: object) -> None:
        with filled.database.write() as session:
            session.execute(text("UPDATE files SET state = :state WHERE path LIKE '%/pics/a.jpg'"), {"state": state})
        raise KeyboardInterrupt

    monkeypatch.setattr("scanner.services.scan.work_until_done", stopped)
    said = here("scan", pictures, "--no-worker", exit_status=130).stderr
    assert f"stopped; verdicts are kept, and {left} files wait" in said
