"""What stands of the reviews on a content is written with each of its verdicts, whichever of the two comes first."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

import pytest
from sqlalchemy import select

from scanner.database.engine import Database, open_database
from scanner.database.models import Detection, Review
from scanner.database.queries import standing
from scanner.discovery.intake import take_in
from scanner.discovery.walk import Found
from scanner.domain.outcomes import ContentFacts, Scored
from scanner.domain.states import Decision
from scanner.jobs.leases import claim
from scanner.results import record as recording
from scanner.results.record import record, register_model
from scanner.review.criteria import Criteria, Order, Tab
from scanner.review.decisions import add_note, decide, take_back
from scanner.review.review_queue import count_tabs, queue_page

NOW = datetime.fromisoformat("2026-11-01T12:00:00+00:00")


def judge(database: Database, contents: Sequence[int], model: str = "lite") -> None:
    """A file more of each content, with a verdict of `model`."""
    active = register_model(database, sha256=model, name=model, card={}, threshold=0.75, band_low=0.5, now=NOW)
    found = [Found(f"/r/{model}/{content}.jpg", 10, content) for content in contents]
    take_in(database, found, root_id=None, now=NOW)
    claimed = sorted(
        claim(database, model, len(found), now=NOW, lease_seconds=60, max_attempts=5), key=lambda file: file.mtime_ns
    )
    scored = [Scored(file, ContentFacts(f"{file.mtime_ns:064x}", 10), 0.9, 0.1) for file in claimed]
    record(database, model, scored, active, device="cpu", now=NOW)


def written(database: Database) -> dict[int, set[str]]:
    """What the verdicts of each content say."""
    found: dict[int, set[str]] = {}
    with database.read() as session:
        for content, decision in session.execute(select(Detection.content_id, Detection.decision)):
            found.setdefault(content, set()).add(decision)
    return found


def told(database: Database) -> dict[int, set[str]]:
    """What the latest reviews say."""
    with database.read() as session:
        contents = session.scalars(select(Detection.content_id)).all()
        latest = {row.content_id: row.decision for row in session.scalars(select(Review).order_by(Review.id))}
    return {content: {standing(latest.get(content))} for content in contents}


def test_decisions_notes_and_what_is_taken_back(database: Database) -> None:
    judge(database, range(1, 6))
    one, two, three, four, _five = sorted(written(database))
    decide(database, [one, two], Decision.FAKE, note=None, reviewer="anna", now=NOW)
    assert written(database)[one] == {"fake"}
    [first] = decide(database, [one], Decision.UNSURE, note=None, reviewer="anna", now=NOW)
    assert written(database)[one] == {"unsure"}
    take_back(database, [first], reviewer="anna", now=NOW)
    assert (written(database)[one], written(database)[two]) == ({"fake"}, {"fake"})
    add_note(database, [two, three], "look again", reviewer="anna", now=NOW)
    assert (written(database)[two], written(database)[three]) == ({"fake"}, {""})
    [taken] = decide(database, [four], Decision.REAL, note=None, reviewer="anna", now=NOW)
    take_back(database, [taken], reviewer="anna", now=NOW)
    decide(database, [two], Decision.WITHDRAWN, note=None, reviewer="anna", now=NOW)
    assert (written(database)[four], written(database)[two]) == ({""}, {""})
    assert written(database) == told(database)


def test_a_verdict_on_what_is_decided(database: Database) -> None:
    """Another model judges the same contents later."""
    judge(database, range(1, 4))
    one, two, three = sorted(written(database))
    decide(database, [one], Decision.REAL, note=None, reviewer="anna", now=NOW)
    decide(database, [two], Decision.FAKE, note=None, reviewer="anna", now=NOW)
    decide(database, [two], Decision.WITHDRAWN, note=None, reviewer="anna", now=NOW)
    judge(database, range(1, 4), "other")
    assert written(database) == told(database) == {one: {"real"}, two: {""}, three: {""}}
    decide(database, [one, three], Decision.UNSURE, note=None, reviewer="bo", now=NOW)
    assert written(database)[one] == written(database)[three] == {"unsure"}  # those of both models
    counts = count_tabs(database)
    assert (counts.to_review, counts.real, counts.unsure) == (2, 0, 4)
    for order in Order:
        page = queue_page(database, Criteria(tab=Tab.UNSURE, order=order), after=None, limit=10)
        assert [item.decision for item in page] == ["unsure"] * 4


def test_a_decision_while_a_verdict_is_written(current_postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a server both may come at once: the decision waits for the verdict, and finds it."""
    database = open_database(current_postgres())
    judge(database, [1])
    [content] = written(database)
    store, deciding = recording._store_detections, []

    def stored(*arguments):  # type: ignore[no-untyped-def]
        made = store(*arguments)
        if not deciding:
            asked = {"note": None, "reviewer": "anna", "now": NOW}
            deciding.append(threading.Thread(target=decide, args=(database, [content], Decision.FAKE), kwargs=asked))
            deciding[0].start()
            deciding[0].join(0.5)  # it waits for this transaction; where it did not, it would be over
            assert deciding[0].is_alive()
        return made

    monkeypatch.setattr(recording, "_store_detections", stored)
    judge(database, [1], "other")
    deciding[0].join()
    assert written(database) == told(database) == {content: {"fake"}}
    database.close()
