"""Where there is no fork server, limited processes are started one by one: the same works, the same answers."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from scanner.processes import pool as module
from scanner.processes.limits import limit_process
from scanner.processes.pool import ProcessPool
from scanner.processes.replies import Refused
from scanner.processes.work import Died, Work


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessPool]:
    """One process, as on macOS; what confines on Linux does so here, too."""
    monkeypatch.setattr(module, "sys", SimpleNamespace(platform="darwin"))
    made = ProcessPool(1, partial(limit_process, 2048), modules=[__name__], most_works=100, most_bytes=1 << 20)
    yield made
    made.close()


def add(one: int, other: int) -> int:
    return one + other


def read(path: str, file: object = None) -> str:
    return getattr(file, "read", Path(path).read_bytes)().decode()


def refuse() -> None:
    raise Refused("no picture")


def die() -> None:
    os._exit(3)


def test_it_works_reads_what_it_is_handed_and_is_started_anew(pool: ProcessPool, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("handed over")
    assert pool.schedule(Work(add, [1, 2], 60)).result() == 3
    handed = Work(read, [str(tmp_path / "a")], 60, open=partial((tmp_path / "a").open, "rb"))
    assert pool.schedule(handed).result() == "handed over"
    with pytest.raises(Refused, match="no picture"):
        pool.schedule(Work(refuse, [], 60)).result()
    with pytest.raises(Died, match="3"):
        pool.schedule(Work(die, [], 60)).result()
    assert pool.schedule(Work(add, [3, 4], 60)).result() == 7
