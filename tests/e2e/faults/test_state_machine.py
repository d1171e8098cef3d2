"""Settle, intake and leases under every order of events that hypothesis thinks of: never early, exactly once, nothing lost.

The files, the clock and the workers are the test's; the settling, the intake, the leases, the verdicts and the database are
the program's.
"""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from scanner.database import schema
from scanner.database.engine import open_database
from scanner.database.models import Content, Detection, File
from scanner.discovery.intake import take_in
from scanner.discovery.settle import Settling, is_fresh
from scanner.discovery.walk import Entry, Found
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import Changed, ContentFacts, Outcome, Reused, Scored, Vanished
from scanner.jobs.leases import claim, release
from scanner.results.record import record, register_model, scored_among

SETTLE, LEASE = 2.0, 60.0
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
STEPS_PER_RUN = 50
NAMES = st.sampled_from([f"/root/{name}.jpg" for name in "abcd"])
WORKERS = st.sampled_from(["anna", "bert", "cleo"])


@dataclass(frozen=True)
class Version:
    """What is in a file. `content` is as good as its bytes; `mtime` is in seconds of the machine's clock."""

    content: int
    size: int
    mtime: float


class Scanning(RuleBasedStateMachine):
    """Files come, grow, change, move and go, while a service with its sweeps and three workers do their work or die."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.template, self.folder / "test.sqlite")
        self.database = open_database(f"sqlite:///{self.folder / 'test.sqlite'}")
        self.seconds = 0.0  # of the monotonic clock
        self.offset = 0.0  # of the time of day, that may be set
        self.files: dict[str, Version] = {}
        self.written_at: dict[str, float] = {}
        self.versions = 0
        self.settling = Settling(SETTLE, lambda: self.seconds)
        self.in_hand: dict[str, list[Claimed]] = {}
        self.computed: Counter[int] = Counter()

    @property
    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.seconds + self.offset)

    @initialize()
    def begin(self) -> None:
        self.model = register_model(
            self.database, sha256="11" * 32, name="lite", card={}, threshold=0.75, band_low=0.5, now=self.now
        )

    @rule(name=NAMES, grows=st.booleans())
    def write(self, name: str, grows: bool) -> None:
        """Write a new file, or some more to one that is there: another content each time."""
        self.versions += 1
        size = (self.files[name].size if name in self.files and grows else 0) + 10
        self.files[name] = Version(self.versions, size, self.now.timestamp())
        self.written_at[name] = self.seconds

    @rule(source=NAMES, name=NAMES)
    def copy_with_its_time(self, source: str, name: str) -> None:
        """A file of old is renamed into place: complete, and its mtime is long ago."""
        if source in self.files and source != name and self.seconds - self.written_at[source] > SETTLE:
            self.files[name] = self.files[source]
            self.written_at[name] = self.written_at[source]

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.files.pop(name, None)

    @rule(seconds=st.sampled_from([0.1, 1.0, 2.5, 30.0, 61.0]))
    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    @rule(seconds=st.sampled_from([-7200.0, -30.0, 30.0, 7200.0]))
    def set_the_clock(self, seconds: float) -> None:
        self.offset += seconds

    @rule(name=NAMES)
    def event(self, name: str) -> None:
        """The system hints at a file, rightly or not."""
        if (entry := self._look(name)) is not None:
            self.settling.watch_over(entry)

    @rule()
    def settle(self) -> None:
        self._take_in(self.settling.settled(self._look))

    @rule()
    def sweep(self) -> None:
        ready: list[Entry] = []
        for name in self.files:
            entry = self._look(name)
            assert entry is not None
            if name in self.settling:
                continue
            if is_fresh(entry, SETTLE, self.now):
                self.settling.watch_over(entry)
            else:
                ready.append(entry)
        self._take_in(ready)

    @rule()
    def restart_the_service(self) -> None:
        self.settling = Settling(SETTLE, lambda: self.seconds)

    @rule(worker=WORKERS, limit=st.integers(1, 4))
    def work_begins(self, worker: str, limit: int) -> None:
        claimed = claim(self.database, worker, limit, now=self.now, lease_seconds=LEASE, max_attempts=1000)
        self.in_hand.setdefault(worker, []).extend(claimed)

    @rule(worker=WORKERS)
    def work_ends(self, worker: str) -> None:
        files = self.in_hand.pop(worker, [])
        if files:
            outcomes = [self._outcome(file) for file in files]
            record(self.database, worker, outcomes, self.model, device="cpu", now=self.now)

    @rule(worker=WORKERS, noticed=st.booleans())
    def worker_dies(self, worker: str, noticed: bool) -> None:
        """With a supervisor that gives its leases back, or with no one to notice."""
        self.in_hand.pop(worker, None)
        if noticed:
            release(self.database, worker, charge=True)

    @invariant()
    def never_two_verdicts(self) -> None:
        """One per content and model is what the schema promises; here, that each is of the content it says."""
        with self.database.read() as session:
            found = session.execute(select(Content.sha256, Detection.score).join(Detection)).all()
        assert len(found) == len({sha256 for sha256, _ in found})
        for sha256, score in found:
            assert score == _score(int(sha256, 16))

    def teardown(self) -> None:
        """Time passes, everyone does what is theirs to do: then every file has the verdict on what is in it."""
        self.seconds += 10_000
        self.offset += 20_000
        for _ in range(2):
            self.sweep()
            self.seconds += SETTLE + 1
            self.settle()
        for _ in range(200):
            self.work_begins("last", 4)
            if not self.in_hand["last"]:
                break
            self.work_ends("last")
            # Less than what has gone is put off for, until a sweep says that it is missing: none is made here.
            self.seconds += 1
        with self.database.read() as session:
            rows = session.execute(
                select(File.path, File.state, Content.sha256, File.lease_owner).outerjoin(Content, File.content_id == Content.id)
            ).all()
        self.database.close()
        shutil.rmtree(self.folder)
        verdicts = {path: int(sha256, 16) for path, state, sha256, _ in rows if state == "scored"}
        for name, version in self.files.items():
            assert verdicts.get(name) == version.content, (name, rows)
        assert all(owner is None for *_, owner in rows)

    def _look(self, name: str) -> Found | None:
        version = self.files.get(name)
        return None if version is None else Found(name, version.size, round(version.mtime * 1e9))

    def _take_in(self, entries: list[Entry]) -> None:
        for entry in entries:
            # Never early: nothing becomes pending that was written a moment ago, unless the time of day was set ahead meanwhile:
            # then its mtime, all that a sweep has to judge by, looks old. (The worker reads it in any case only if it stays so.)
            assert isinstance(entry, Found)
            quiet = self.seconds - self.written_at[entry.path]
            by_clock = self.now.timestamp() - entry.mtime_ns / 1e9
            assert quiet >= SETTLE or by_clock >= SETTLE, entry
        take_in(self.database, entries, root_id=None, now=self.now)

    def _outcome(self, file: Claimed) -> Outcome:
        version = self.files.get(file.path)
        if version is None:
            return Vanished(file)
        if (version.size, round(version.mtime * 1e9)) != (file.size, file.mtime_ns):
            return Changed(file, version.size, round(version.mtime * 1e9))
        sha256 = f"{version.content:064x}"
        if scored_among(self.database, self.model, [sha256]):
            return Reused(file, sha256)
        return Scored(file, ContentFacts(sha256, version.size), _score(version.content), 0.1)


def _score(content: int) -> float:
    return (content % 97) / 97


def test_never_early_exactly_once_nothing_lost(tmp_path: Path, scaled: Callable[[int, int], int]) -> None:
    Scanning.template = tmp_path / "empty.sqlite"
    database = open_database(f"sqlite:///{Scanning.template}")
    schema.upgrade(database)
    database.close()
    runs = scaled(10_000 // STEPS_PER_RUN, 4)
    run_state_machine_as_test(
        Scanning,
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS_PER_RUN,
            deadline=None,
            database=None,
            derandomize=os.environ.get("DFSCAN_TEST_SCALE") is None,  # the same ones in every everyday run
            suppress_health_check=list(HealthCheck),
        ),
    )
