"""A short test of this machine by faults: a watch on a temporary folder, and what must not harm it."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import psutil
from PIL import Image
from sqlalchemy import func, select

from ..base.addresses.sqlite_urls import sqlite_url
from ..base.settings import HANDED_DOWN, PREFIX, Settings
from ..database.engine import Database, open_database
from ..database.models import Detection, File
from ..database.schema import prepare_schema
from ..domain.states import State
from ..services.verify import prove

PICTURES = 200
LIMIT_SECONDS = 300.0
LOCK_SECONDS = 3.0


@dataclass(frozen=True)
class Trial:
    """One fault, and whether nothing was lost by it."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class _Bench:
    """What the trials work on: a watched folder, the database of the watch, and the watch itself."""

    folder: Path
    database: Database
    watch: "subprocess.Popen[bytes]"


def self_test() -> Iterator[Trial]:
    """Run all trials, one after the other, in a temporary folder that is removed afterwards. Nothing else is touched."""
    with (
        tempfile.TemporaryDirectory(prefix="dfscan-selftest-", ignore_cleanup_errors=True) as temporary,
        _bench(Path(temporary)) as bench,
    ):
        for trial in (_burst_and_kill, _corrupt_image, _locked_database, _completeness, _originals):
            yield from trial(bench)


@contextmanager
def _bench(home: Path) -> Iterator[_Bench]:
    folder, data_dir = home / "pictures", home / "data"
    folder.mkdir()
    database = open_database(sqlite_url(data_dir / "dfscan.sqlite"))
    prepare_schema(database)
    set_by_user = {HANDED_DOWN, *(PREFIX + field.name.upper() for field in fields(Settings))}
    environment = {name: value for name, value in os.environ.items() if name not in set_by_user}
    environment |= {"DFSCAN_DATA_DIR": str(data_dir), "DFSCAN_SETTLE_SECONDS": "0.5", "XDG_CONFIG_HOME": str(home / "config")}
    with (home / "watch.log").open("wb") as log:
        watch = subprocess.Popen([sys.executable, "-m", "scanner", "watch", str(folder)], env=environment, stdout=log, stderr=log)
    try:
        yield _Bench(folder, database, watch)
    finally:
        watch.terminate()
        try:
            watch.wait(30)
        except subprocess.TimeoutExpired:
            watch.kill()
            watch.wait()
        database.close()


def _burst_and_kill(bench: _Bench) -> Iterator[Trial]:
    for number in range(PICTURES):
        deep = bench.folder / str(number // 50)
        deep.mkdir(exist_ok=True)
        Image.new("RGB", (64, 64), (number % 256, number // 256, 128)).save(deep / f"{number}.png")
    found = _wait(lambda: _count(bench, File) == PICTURES)
    yield Trial("a burst of files in new folders", found, f"{_count(bench, File)} of {PICTURES} taken in")
    _wait(lambda: _count(bench, Detection) > 0)
    workers = [child for child in psutil.Process(bench.watch.pid).children() if "worker" in child.cmdline()]
    for worker in workers:
        worker.kill()
    done = _wait(lambda: _count(bench, File, File.state == State.SCORED) == PICTURES)
    once = _count(bench, Detection) == PICTURES and _count(bench, File, File.lease_owner.is_not(None)) == 0
    detail = f"{_count(bench, File, File.state == State.SCORED)} of {PICTURES} scored, {_count(bench, Detection)} verdicts"
    yield Trial("kill -9 of the worker", bool(workers) and done and once, detail)


def _corrupt_image(bench: _Bench) -> Iterator[Trial]:
    (bench.folder / "corrupt.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4)
    done = _wait(lambda: _count(bench, File, File.state == State.FAILED) == 1)
    with bench.database.read() as session:
        reason = session.scalar(select(File.error).where(File.state == State.FAILED))
    yield Trial("a corrupt image", done and bool(reason), str(reason))


def _locked_database(bench: _Bench) -> Iterator[Trial]:
    path = str(bench.database.engine.url.database)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        Image.new("RGB", (64, 64), (1, 2, 3)).save(bench.folder / "meanwhile.png")
        time.sleep(LOCK_SECONDS)
        other.execute("ROLLBACK")
    done = _wait(lambda: _count(bench, File, File.state == State.SCORED) == PICTURES + 1)
    yield Trial(
        "a locked database",
        done and bench.watch.poll() is None,
        f"locked for {LOCK_SECONDS:g} s; the file that came got its verdict",
    )


def _completeness(bench: _Bench) -> Iterator[Trial]:
    proof = prove(bench.database, [str(bench.folder)], roots=[str(bench.folder)], ignore=())
    yield Trial("completeness", not proof.unexplained, f"{len(proof.unexplained)} of {proof.files} files unexplained")


def _originals(bench: _Bench) -> Iterator[Trial]:
    """They were made by us, so that what is in them is known."""
    changed = [path for path in bench.folder.rglob("*.png") if path.name != "meanwhile.png" and not _is_as_made(path)]
    extra = len(list(bench.folder.rglob("*.*"))) - PICTURES - 2
    yield Trial("originals", not changed and extra == 0, f"{len(changed)} changed, {extra} more than were put there")


def _is_as_made(path: Path) -> bool:
    number = int(path.stem)
    with tempfile.TemporaryFile() as again:
        Image.new("RGB", (64, 64), (number % 256, number // 256, 128)).save(again, "PNG")
        again.seek(0)
        return hashlib.sha256(again.read()).digest() == hashlib.sha256(path.read_bytes()).digest()


def _count(bench: _Bench, table: type, *conditions: object) -> int:
    with bench.database.read() as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0  # type: ignore[arg-type]


def _wait(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + LIMIT_SECONDS
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
