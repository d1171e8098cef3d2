"""Files of one size and date that are others than they were: exchanged names, content written under the old date."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.database.models import Content, File
from scanner.discovery.intake import Taken
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import ActiveModel, ContentFacts, Failed, Outcome, Same, Scored, Unreachable
from scanner.jobs.leases import claim
from scanner.results.problems import retry_failed
from scanner.results.record import record
from scanner.services.scan import take_in_paths
from scanner.services.verify import prove

Row = Callable[[str], File]
DATE = 1_700_000_000_000_000_000
SHA256 = {"a": "aa" * 32, "b": "bb" * 32}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of one size and date."""
    (tmp_path / "pics").mkdir()
    for name in "ab":
        write(tmp_path / "pics" / f"{name}.jpg", name)
    return tmp_path / "pics"


def write(path: Path, content: str) -> None:
    with open(path, "r+b" if path.exists() else "wb") as file:  # in place
        file.write(content.encode() * 100)
    os.utime(path, ns=(DATE, DATE))


@pytest.fixture
def scan(database: Database, tmp_path: Path, folder: Path, now) -> Callable[[], Taken]:
    """`scan()`: an intake of the folder."""
    settings = Settings(tmp_path / "data", settle_seconds=0.01)
    return lambda: take_in_paths(settings, database, [str(folder)], lambda: now)


@pytest.fixture
def work(database: Database, model: ActiveModel, now) -> Callable[..., list[Claimed]]:
    """`work(outcome)`: do what a worker does; by default a file's content is what is in it."""

    def judge(file: Claimed) -> Outcome:
        name = Path(file.path).read_text()[0]
        sha256 = SHA256[name]
        return Same(file) if sha256 == file.sha256 else Scored(file, ContentFacts(sha256, 100), 0.9 if name == "a" else 0.1, 0.1)

    def call(outcome: Callable[[Claimed], Outcome] = judge) -> list[Claimed]:
        claimed = claim(database, "worker", 100, now=now, lease_seconds=60, max_attempts=3)
        record(database, "worker", [outcome(file) for file in claimed], model, device="cpu", now=now)
        return claimed

    return call


@pytest.fixture
def judged(folder: Path, scan: Callable[[], Taken], work: Callable[..., list[Claimed]]) -> Path:
    """The folder, scanned."""
    assert scan() == Taken(new=2)
    work()
    assert scan() == Taken(known=2)
    return folder


def sha256_of(database: Database, row: Row, path: Path) -> str:
    with database.read() as session:
        return session.get_one(Content, row(str(path)).content_id).sha256


def test_names_that_were_exchanged(judged: Path, scan, work, row: Row, database: Database) -> None:
    (judged / "a.jpg").rename(judged / "c")
    (judged / "b.jpg").rename(judged / "a.jpg")
    (judged / "c").rename(judged / "b.jpg")
    assert prove(database, [str(judged)], roots=[], ignore=()).changed == 2
    assert scan() == Taken(known=2, compared=2)
    assert {row(str(judged / f"{name}.jpg")).state for name in "ab"} == {"pending"}
    assert all(row(str(judged / f"{name}.jpg")).detection_id for name in "ab")  # shown until it is known better
    assert {file.sha256 for file in work()} == set(SHA256.values())
    assert [sha256_of(database, row, judged / f"{name}.jpg") for name in "ab"] == [SHA256["b"], SHA256["a"]]
    assert scan() == Taken(known=2)


def test_content_that_was_written_under_the_old_date(judged: Path, scan, work, row: Row, database: Database) -> None:
    write(judged / "a.jpg", "b")
    assert scan() == Taken(known=2, compared=1)
    work()
    assert sha256_of(database, row, judged / "a.jpg") == SHA256["b"]


@pytest.mark.parametrize("change", [lambda path: path.chmod(0o600), lambda path: os.link(path, path.parent.parent / "other")])
def test_other_rights_and_another_hard_link_are_no_other_content(
    judged: Path, scan, work, row: Row, change: Callable[[Path], None]
) -> None:
    before = row(str(judged / "a.jpg"))
    change(judged / "a.jpg")
    assert scan() == Taken(known=2, compared=1)
    work()
    after = row(str(judged / "a.jpg"))
    assert after.state == "scored"
    assert (after.detection_id, after.finished_at) == (before.detection_id, before.finished_at)
    assert scan() == Taken(known=2)


def test_a_failed_file_stays_failed_where_its_content_is_the_same(folder: Path, scan, work, row: Row) -> None:
    scan()
    work(lambda file: Failed(file, "undecodable", "it is broken", ContentFacts(SHA256[Path(file.path).stem], 100)))
    (folder / "a.jpg").chmod(0o600)
    assert scan() == Taken(known=2, compared=1)
    work()
    assert (row(str(folder / "a.jpg")).state, row(str(folder / "a.jpg")).error) == ("failed", "it is broken")


def test_one_that_cannot_be_reached_meanwhile_keeps_its_verdict(judged: Path, scan, work, row: Row, database: Database) -> None:
    (judged / "a.jpg").chmod(0o600)
    scan()
    work(lambda file: Unreachable(file, "the share is away"))
    with database.write() as session:
        session.execute(update(File).values(lease_expires_at=None))
    work()
    assert (row(str(judged / "a.jpg")).state, row(str(judged / "a.jpg")).error) == ("scored", None)


def test_a_retry_judges_anew(folder: Path, scan, work, database: Database, now) -> None:
    scan()
    work(lambda file: Failed(file, "undecodable", "it is broken", ContentFacts(SHA256[Path(file.path).stem], 100)))
    (folder / "a.jpg").chmod(0o600)
    scan()
    work()
    retry_failed(database, paths=[], kind=None, now=now)
    assert {file.sha256 for file in work()} == {None}


def test_rows_of_older_databases_are_filled_in_without_reading_a_file(
    judged: Path, scan, work, row: Row, database: Database
) -> None:
    with database.write() as session:
        session.execute(update(File).values(inode=None, ctime_ns=None))
    assert prove(database, [str(judged)], roots=[], ignore=()).changed == 0
    assert scan() == Taken(known=2)
    assert work() == []
    assert {row(str(judged / f"{name}.jpg")).inode for name in "ab"} == {(judged / f"{name}.jpg").stat().st_ino for name in "ab"}


def test_a_file_system_that_numbers_its_files_anew_is_believed_by_size_and_date(
    judged: Path, scan, row: Row, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = judged.stat().st_dev
    monkeypatch.setattr("scanner.roots.file_identity._kinds_by_device", lambda: {device: "exfat"})
    (judged / "a.jpg").chmod(0o600)
    assert scan() == Taken(known=2)


def test_a_file_that_became_another_while_a_worker_had_it_is_read_again(folder: Path, scan, work, row: Row) -> None:
    scan()

    def judge_after_a_change(file: Claimed) -> Outcome:
        if file.path.endswith("a.jpg"):
            write(folder / "a.jpg", "b")
            scan()
        return Scored(file, ContentFacts(SHA256[Path(file.path).stem], 100), 0.9, 0.1)

    work(judge_after_a_change)
    assert row(str(folder / "a.jpg")).state == "pending"
    assert [Path(file.path).name for file in work()] == ["a.jpg"]
