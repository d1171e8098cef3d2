"""What workers write, and what they may not write."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from scanner.database.engine import Database, DatabaseChanged
from scanner.database.models import Content, Detection, File, Model
from scanner.domain.claims import Claimed
from scanner.domain.labels import label_for
from scanner.domain.outcomes import ActiveModel, Changed, ContentFacts, Failed, Reused, Scored, Unreachable, Vanished
from scanner.domain.recorded import Recorded
from scanner.domain.states import Label, State
from scanner.results.record import record, register_model, scored_among

Lease = Callable[..., list[Claimed]]
Pend = Callable[..., None]
Row = Callable[[str], File]
FACTS = ContentFacts("aa" * 32, 1234, "JPEG", 640, 480)


def test_a_scored_file(
    database: Database, pend: Pend, lease: Lease, row: Row, model: ActiveModel, write: Callable[..., None], now: datetime
) -> None:
    pend("/a.jpg")
    [file] = lease()
    assert FACTS.sha256 not in scored_among(database, model, [FACTS.sha256])
    write(Scored(file, FACTS, 0.876543210987, 0.25))
    scored = row("/a.jpg")
    assert (scored.state, scored.error, scored.error_kind) == ("scored", None, None)
    assert scored.finished_at == now + timedelta(seconds=1)
    assert scored.lease_owner is scored.lease_expires_at is None
    assert FACTS.sha256 in scored_among(database, model, [FACTS.sha256])
    with database.read() as session:
        content = session.scalars(select(Content)).one()
        assert (content.sha256, content.size, content.format, content.width, content.height) == (
            FACTS.sha256,
            1234,
            "JPEG",
            640,
            480,
        )
        detection = session.scalars(select(Detection)).one()
        assert detection.id == scored.detection_id
        assert detection.content_id == scored.content_id == content.id
        assert (detection.score, detection.threshold, detection.band_low) == (0.876543210987, 0.75, 0.5)
        assert (detection.label, detection.device, detection.seconds) == ("fake", "cpu", 0.25)
        assert detection.scanned_at == now + timedelta(seconds=1)


def test_a_known_content_is_reused(
    pend: Pend, lease: Lease, row: Row, write: Callable[..., None], count: Callable[[type], int]
) -> None:
    pend("/a.jpg")
    write(Scored(*lease(), FACTS, 0.9, 0.1))
    pend("/copy.jpg")
    write(Reused(*lease(), FACTS.sha256))
    assert row("/copy.jpg").state == "scored"
    assert row("/copy.jpg").detection_id == row("/a.jpg").detection_id
    assert count(Detection) == 1


@pytest.mark.parametrize("facts", [None, ContentFacts("bb" * 32, 7)])
def test_a_failed_file(
    database: Database, pend: Pend, lease: Lease, row: Row, write: Callable[..., None], facts: ContentFacts | None, now: datetime
) -> None:
    pend("/a.jpg")
    write(Failed(*lease(), "undecodable", "cannot be decoded", facts))
    failed = row("/a.jpg")
    assert (failed.state, failed.error_kind, failed.detection_id) == ("failed", "undecodable", None)
    assert failed.finished_at == now + timedelta(seconds=1)
    assert failed.lease_owner is None
    assert (failed.content_id is None) == (facts is None)


@pytest.mark.parametrize("reason", ["a zero \0 byte", "half a character \udcff", "x" * 5000])
def test_a_reason_may_hold_what_a_decoder_says(
    pend: Pend, lease: Lease, row: Row, write: Callable[..., None], reason: str
) -> None:
    """Decoders quote the bytes that they stumble over."""
    pend("/a.jpg")
    write(Failed(*lease(), "undecodable", reason))
    assert row("/a.jpg").state == "failed"
    assert (row("/a.jpg").error or "").startswith(reason[:4])


def test_all_kinds_in_one_batch(pend: Pend, lease: Lease, row: Row, write: Callable[..., None]) -> None:
    pend("/scored", "/reused", "/failed", "/changed", "/vanished")
    by_path = {file.path: file for file in lease()}
    write(
        Scored(by_path["/scored"], FACTS, 0.1, 0.1),
        Reused(by_path["/reused"], FACTS.sha256),
        Failed(by_path["/failed"], "empty", "empty: the file has 0 bytes", ContentFacts("ee" * 32, 0)),
        Changed(by_path["/changed"], 1, 1),
        Vanished(by_path["/vanished"]),
    )
    states = {path: row(path).state for path in by_path}
    assert states == {
        "/scored": "scored",
        "/reused": "scored",
        "/failed": "failed",
        "/changed": "pending",
        "/vanished": "pending",
    }


def test_the_same_content_in_two_files_is_one_detection(
    pend: Pend, lease: Lease, row: Row, write: Callable[..., None], count: Callable[[type], int]
) -> None:
    pend("/a", "/b")
    first, second = lease()
    write(Scored(first, FACTS, 0.9, 0.1), Scored(second, FACTS, 0.9, 0.1))
    assert count(Detection) == count(Content) == 1
    assert row("/a").detection_id == row("/b").detection_id
    assert row("/a").state == row("/b").state == "scored"


def test_another_model_gives_another_detection(
    database: Database,
    pend: Pend,
    lease: Lease,
    row: Row,
    model: ActiveModel,
    write: Callable[..., None],
    count: Callable[[type], int],
    now: datetime,
) -> None:
    other = register_model(database, sha256="22" * 32, name="paper", card={"a": 1}, threshold=0.95, band_low=0.9, now=now)
    pend("/a", "/b")
    first, second = lease()
    write(Scored(first, FACTS, 0.9, 0.1))
    assert FACTS.sha256 not in scored_among(database, other, [FACTS.sha256])
    write(Scored(second, FACTS, 0.92, 0.1), model=other)
    assert count(Content) == 1
    assert count(Detection) == 2
    with database.read() as session:
        labels = session.execute(select(Model.name, Detection.label).join(Detection).order_by(Model.name)).all()
    assert [tuple(label) for label in labels] == [("lite", "fake"), ("paper", "uncertain")]


def test_a_content_that_failed_may_be_scored_later(
    pend: Pend, lease: Lease, row: Row, write: Callable[..., None], database: Database
) -> None:
    """A limit was raised, or a decoder installed: now more is known of the same bytes."""
    pend("/a")
    write(Failed(*lease(), "undecodable", "too large", ContentFacts(FACTS.sha256, FACTS.size)))
    pend("/a", mtime_ns=2)
    write(Scored(*lease(), FACTS, 0.9, 0.1))
    assert row("/a").state == "scored"
    with database.read() as session:
        content = session.scalars(select(Content)).one()
    assert (content.format, content.width, content.height) == ("JPEG", 640, 480)


def test_nothing_to_record(write: Callable[..., None], count: Callable[[type], int]) -> None:
    write()
    assert count(Content) == 0


def test_registering_a_model_again_is_the_same_model(database: Database, model: ActiveModel, now: datetime) -> None:
    again = register_model(database, sha256="11" * 32, name="lite", card={}, threshold=0.9, band_low=0.8, now=now)
    assert again == ActiveModel(model.id, "lite", 0.9, 0.8, sha256="11" * 32)


@pytest.mark.parametrize(
    ("score", "label"),
    [
        (0.0, Label.REAL),
        (0.4999999, Label.REAL),
        (0.5, Label.UNCERTAIN),
        (0.7499999, Label.UNCERTAIN),
        (0.75, Label.FAKE),
        (1.0, Label.FAKE),
    ],
)
def test_labels_at_the_borders(score: float, label: Label) -> None:
    assert label_for(score, threshold=0.75, band_low=0.5) is label


def test_without_a_band_there_is_nothing_uncertain() -> None:
    assert label_for(0.7499999, threshold=0.75, band_low=0.75) is Label.REAL
    assert label_for(0.75, threshold=0.75, band_low=0.75) is Label.FAKE


def test_what_was_recorded_is_told(database: Database, pend: Pend, lease: Lease, model: ActiveModel, now: datetime) -> None:
    pend("/a.jpg", "/b.jpg", "/c.jpg", "/d.jpg", "/e.jpg", "/f.jpg")
    first, copy, broken, growing, gone, away = lease(limit=6)
    other = ContentFacts("bb" * 32, 5)
    outcomes = [
        Scored(first, FACTS, 0.9, 0.1),
        Failed(broken, "undecodable", "because", other),
        Changed(growing, 9, 9),
        Vanished(gone),
        Unreachable(away, "not mounted"),
    ]
    told = record(database, "worker", outcomes, model, device="cpu", now=now)
    assert told == [
        Recorded(first, State.SCORED, model.name, FACTS.sha256, Label.FAKE, 0.9),
        Recorded(broken, State.FAILED, model.name, other.sha256, reason="because"),
        Recorded(growing, State.PENDING, model.name),
        Recorded(gone, State.PENDING, model.name, reason="it is not there on the worker's machine"),
        Recorded(away, State.PENDING, model.name, reason="not mounted"),
    ]
    assert [one.is_flagged for one in told] == [True, False, False, False, False]
    # A copy has the verdict that is there, not what a second look would give.
    assert record(database, "worker", [Reused(copy, FACTS.sha256)], model, device="cpu", now=now) == [
        Recorded(copy, State.SCORED, model.name, FACTS.sha256, Label.FAKE, 0.9)
    ]
    # What is no longer in the worker's hands was not recorded.
    assert record(database, "worker", [Scored(first, FACTS, 0.9, 0.1)], model, device="cpu", now=now) == []


def test_a_content_has_a_verdict_for_each_way_of_looking(
    database: Database, pend: Pend, lease: Lease, row: Row, write: Callable[..., None], model: ActiveModel
) -> None:
    pend("/a.jpg", "/b.jpg")
    first, second = lease()
    write(Scored(first, FACTS, 0.9, 0.1), Scored(second, FACTS, 0.1, 0.1, made_with="whole"))
    assert scored_among(database, model, {FACTS.sha256}, "whole") == scored_among(database, model, {FACTS.sha256})
    assert scored_among(database, model, {FACTS.sha256}, "whole, 16 frames") == set()
    assert row(first.path).detection_id != row(second.path).detection_id
    pend("/c.jpg")
    [third] = lease()
    write(Reused(third, FACTS.sha256, "whole"))
    assert row("/c.jpg").detection_id == row(second.path).detection_id


def test_a_model_that_the_database_does_not_know_under_its_number_gives_no_verdict(
    database: Database, pend: Pend, lease: Lease, row: Row, model: ActiveModel, now: datetime
) -> None:
    """As when the database was dropped and made anew: under that number there may be another model."""
    pend("/a.jpg")
    [file] = lease()
    other = replace(model, sha256="77" * 32)
    for stranger in (other, replace(model, id=model.id + 1)):
        with pytest.raises(DatabaseChanged):
            record(database, "worker", [Scored(file, FACTS, 0.9, 0.1)], stranger, device="cpu", now=now)
    assert (row("/a.jpg").state, row("/a.jpg").attempts) == ("pending", 1)
