"""Many new folders at once, in each other and beside each other: no flood of lines, and little memory."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import psutil
import pytest
from files.watched import ledger, states

from scanner.database.engine import Database

WaitUntil = Callable[[Callable[[], bool], float, str], None]
Start = Callable[..., object]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts what the watcher of Linux says")
DEPTH = 400


class Watcher:
    """A watcher process, and all that it wrote."""

    def __init__(self, root: Path, errors: Path) -> None:
        with errors.open("wb") as stderr:
            command = [sys.executable, "-m", "scanner.discovery.watcher"]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True)
        self.lines: list[str] = []
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"roots": [str(root)]}) + "\n")
        self.process.stdin.flush()
        self._listener = Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.lines.append(line)

    def has_said(self, text: str) -> bool:
        return any(text in line for line in list(self.lines))

    def hints(self) -> list[str]:
        return [path for line in list(self.lines) for path in json.loads(line).get("hints", ())]

    def memory(self) -> int:
        return psutil.Process(self.process.pid).memory_info().rss

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)
        self._listener.join(60)


@pytest.fixture
def errors(tmp_path: Path) -> Path:
    return tmp_path / "errors"


@pytest.fixture
def watcher(root: Path, errors: Path, wait_until: WaitUntil) -> Iterator[Watcher]:
    for number in range(500):
        (root / str(number)).mkdir()
    watcher = Watcher(root, errors)
    wait_until(lambda: watcher.has_said("ready"), 60, "the watches")
    yield watcher
    watcher.stop()


def _in_each_other(top: Path) -> list[Path]:
    folder = top
    folders = []
    for _ in range(DEPTH):
        folder /= "f"
        folders.append(folder)
    folder.mkdir(parents=True)
    return folders


def _beside_each_other(top: Path) -> list[Path]:
    folders = [top / str(number) / "f" for number in range(DEPTH)]
    for folder in folders:
        folder.mkdir(parents=True)
    return folders


@pytest.mark.parametrize("make", [_in_each_other, _beside_each_other])
def test_many_new_folders_cost_little(
    watcher: Watcher, root: Path, errors: Path, tmp_path: Path, wait_until: WaitUntil, make: Callable[[Path], list[Path]]
) -> None:
    before = watcher.memory()
    for number in range(5):
        folders = make(root / f"new {number}")
        # Each is watched: what is written in the first and the last one, and after they were moved, is named.
        for folder in (folders[0], folders[-1]):
            (folder / "a.jpg").write_bytes(b"x")
        moved = root / f"moved {number}"
        (root / f"new {number}").rename(moved)
        last = moved / folders[-1].relative_to(root / f"new {number}") / "b.jpg"
        wait_until(lambda moved=moved: str(moved) in watcher.hints(), 60, "the folder")
        last.write_bytes(b"x")
        wait_until(lambda last=last: str(last) in watcher.hints(), 60, "the hint from the last folder")
        shutil.rmtree(moved)
    assert len(watcher.hints()) < 5 * (2 * DEPTH + 10)
    assert watcher.memory() < 1.5 * before
    watcher.stop()
    assert errors.read_text() == ""


def test_a_file_in_many_new_folders_is_found(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    start()
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the first sweep")
    (_in_each_other(root)[-1] / "deep.jpg").write_bytes(b"x")
    (_beside_each_other(root / "beside")[-1] / "beside.jpg").write_bytes(b"x")
    wait_until(lambda: set(states(local)) == {"deep.jpg", "beside.jpg"}, 60, "the files")
    assert ledger(local).found_by_sweep == 0
