"""One `watch` per database, and locks that were left behind."""

import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from scanner.database.engine import Database
from scanner.jobs.lock import SIGN_LIMIT, WATCH, AlreadyHeld, Holder, acquire, current_holder, keep, release, this_process


def test_only_one_has_it(database: Database, now: datetime) -> None:
    me = this_process()
    acquire(database, WATCH, me, now)
    with pytest.raises(AlreadyHeld, match=rf"process {me.pid} on {me.host}"):
        acquire(database, WATCH, replace(me, pid=me.pid + 1), now + timedelta(days=1))
    assert current_holder(database, WATCH, now) == me
    release(database, WATCH, me)
    assert current_holder(database, WATCH, now) is None
    acquire(database, WATCH, replace(me, pid=me.pid + 1), now)


def test_what_a_dead_process_left_is_taken_over(database: Database, now: datetime) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        dead = replace(this_process(), pid=process.pid)
    acquire(database, WATCH, dead, now)
    assert current_holder(database, WATCH, now) is None
    acquire(database, WATCH, this_process(), now)
    with pytest.raises(AlreadyHeld, match="taken over"):
        keep(database, WATCH, dead, now)


def test_a_later_process_with_the_same_pid_is_another(database: Database, now: datetime) -> None:
    me = this_process()
    acquire(database, WATCH, replace(me, process_started=me.process_started - 1000), now)
    acquire(database, WATCH, me, now)
    assert current_holder(database, WATCH, now) == me


def test_lock_owner_elsewhere(database: Database, now: datetime) -> None:
    """An owner on another machine counts as long as it shows itself."""
    other = Holder("another-machine", 1, 0.0)
    acquire(database, WATCH, other, now)
    keep(database, WATCH, other, now + timedelta(seconds=60))
    with pytest.raises(AlreadyHeld, match="another-machine"):
        acquire(database, WATCH, this_process(), now + timedelta(seconds=60) + SIGN_LIMIT)
    acquire(database, WATCH, this_process(), now + timedelta(seconds=61) + SIGN_LIMIT)


def test_releasing_what_another_holds(database: Database, now: datetime) -> None:
    """To release what another took over changes nothing."""
    other = Holder("another-machine", 1, 0.0)
    acquire(database, WATCH, other, now)
    release(database, WATCH, this_process())
    assert current_holder(database, WATCH, now) == other


@pytest.mark.parametrize(
    "elsewhere", [{"namespace": "pid:[1]"}, {"boot": "another start"}, {"boot": None, "namespace": None}, {"host": "other"}]
)
def test_a_number_of_another_space_says_nothing(database: Database, now: datetime, elsewhere: dict[str, str | None]) -> None:
    """A watch in another container, or before a restart, has a pid that means nothing here: its signs count."""
    other = replace(this_process(), pid=2**22 + 1, **elsewhere)
    acquire(database, WATCH, other, now)
    assert current_holder(database, WATCH, now + SIGN_LIMIT) == other
    with pytest.raises(AlreadyHeld):
        acquire(database, WATCH, this_process(), now + SIGN_LIMIT)
    acquire(database, WATCH, this_process(), now + SIGN_LIMIT + timedelta(seconds=1))


def test_another_container_with_the_same_names_does_not_keep_or_release_the_lock(database: Database, now: datetime) -> None:
    me = this_process()
    acquire(database, WATCH, me, now)
    twin = replace(me, namespace="pid:[1]")
    with pytest.raises(AlreadyHeld, match="taken over"):
        keep(database, WATCH, twin, now)
    release(database, WATCH, twin)
    assert current_holder(database, WATCH, now) == me


def test_the_lock_is_taken_again_in_a_database_made_anew(database: Database, now: datetime) -> None:
    me = this_process()
    acquire(database, WATCH, me, now)
    assert keep(database, WATCH, me, now)
    release(database, WATCH, me)
    assert not keep(database, WATCH, me, now)
    assert current_holder(database, WATCH, now) == me
