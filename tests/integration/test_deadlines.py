"""What a worker leaves behind when a deadline ends it: the guilty are charged, and come one by one."""

import logging
import os
from collections.abc import Callable

import pytest

from scanner.database.engine import Database
from scanner.domain.claims import Claimed
from scanner.jobs.exit_codes import EXIT_HUNG
from worker.service.process import _expire

Lease = Callable[..., list[Claimed]]


class Ended(Exception):
    """Instead of the end of the test run."""


@pytest.fixture
def expire(database: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[[Claimed | None], None]:
    """`expire(file)`: a deadline passes."""

    def end(status: int) -> None:
        assert status == EXIT_HUNG
        raise Ended

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(logging, "shutdown", lambda: None)

    def call(file: Claimed | None) -> None:
        with pytest.raises(Ended):
            _expire(database, "worker", file, 100.0)

    return call


def test_slow_read_is_charged_alone(pend, row, lease: Lease, expire) -> None:
    """A file that is read for too long is charged alone."""
    pend("/a", "/b", "/hangs")
    expire(next(file for file in lease() if file.path == "/hangs"))
    assert {path: (row(path).attempts, row(path).lease_owner) for path in ("/a", "/b", "/hangs")} == {
        "/a": (0, None),
        "/b": (0, None),
        "/hangs": (1, None),
    }


def test_hanging_batch_is_taken_apart(pend, row, lease: Lease, expire) -> None:
    """A batch that hangs again and again is taken apart."""
    pend("/a", "/b", "/hangs")
    in_hand = []
    while claimed := lease():  # three tries at most
        in_hand.append({file.path for file in claimed})
        if "/hangs" in in_hand[-1]:
            expire(None)
        assert len(in_hand) < 20
    assert in_hand[0] == {"/a", "/b", "/hangs"}
    assert all(len(files) == 1 for files in in_hand[2:])
    assert row("/hangs").state == "failed"
    assert "given up" in str(row("/hangs").error)
    assert row("/a").state == row("/b").state == "pending"  # leased, and on their way
