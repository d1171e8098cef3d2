"""Another model: what becomes stale, and what it judges otherwise."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from scanner.database.engine import Database
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import ActiveModel, ContentFacts, Failed, Scored
from scanner.results import problems
from scanner.results.model_comparison import Opinion, compare_models
from scanner.results.problems import count_stale, rescan_stale
from scanner.results.record import record, register_model

OLD, NEW = "11" * 32, "22" * 32
Judge = Callable[..., None]


@pytest.fixture
def new_model(database: Database, now: datetime) -> ActiveModel:
    return register_model(database, sha256=NEW, name="newer", card={}, threshold=0.75, band_low=0.5, now=now)


@pytest.fixture
def judge(database: Database, lease: Callable[..., list[Claimed]]) -> Judge:
    """`judge(model, now, content=score, ...)`: the model scores all that is pending; a file's content is the end of its name."""

    def call(model: ActiveModel, now: datetime, **scores: float) -> None:
        outcomes = [
            Scored(file, ContentFacts(f"{ord(file.path[-1]):064x}", 10), scores[file.path[-1]], 0.1) for file in lease(now=now)
        ]
        record(database, "worker", outcomes, model, device="cpu", now=now)

    return call


def test_rescan_takes_what_others_judged(
    database: Database, pend, row, judge: Judge, lease, model: ActiveModel, new_model: ActiveModel, now: datetime
) -> None:
    """Only what other models judged becomes pending and only where asked."""
    pend("/a/x", "/a/y", "/ab/z")
    judge(model, now, x=0.9, y=0.1, z=0.6)
    pend("/a/failed", "/a/w")
    [failed] = [file for file in lease() if file.path == "/a/failed"]
    record(database, "worker", [Failed(failed, "empty", "empty", None)], model, device="cpu", now=now)
    assert rescan_stale(database, OLD, now) == 0
    assert count_stale(database, NEW) == 3
    assert rescan_stale(database, NEW, now, paths=["/a"]) == 2
    assert {path: row(path).state for path in ("/a/x", "/ab/z", "/a/failed")} == {
        "/a/x": "pending",
        "/ab/z": "scored",
        "/a/failed": "failed",
    }
    assert (row("/a/x").attempts, row("/a/x").pending_since) == (0, now)
    assert rescan_stale(database, NEW, now) == 1


def test_flips_are_named_with_both_verdicts(
    database: Database, pend, judge: Judge, model: ActiveModel, new_model: ActiveModel, now: datetime
) -> None:
    pend("/x", "/copy of x", "/y", "/z", "/only old o")
    judge(model, now, x=0.9, y=0.1, z=0.6, o=0.9)
    assert compare_models(database, NEW).compared == 0
    rescan_stale(database, NEW, now, paths=["/x", "/copy of x", "/y", "/z"])
    judge(new_model, now + timedelta(hours=1), x=0.2, y=0.3, z=0.95)
    pend("/only new n")
    judge(new_model, now, n=0.9)

    found = compare_models(database, NEW)
    assert (found.compared, found.counts) == (3, {("fake", "real"): 1, ("real", "real"): 1, ("uncertain", "fake"): 1})
    first, second = found.flips
    assert (first.paths, first.before, first.after) == (
        ("/copy of x", "/x"),
        Opinion("lite", "fake", 0.9),
        Opinion("newer", "real", 0.2),
    )
    assert (second.paths, second.sha256) == (("/z",), f"{ord('z'):064x}")
    assert [flip.paths for flip in compare_models(database, NEW, paths=["/z"]).flips] == [("/z",)]
    # Asked the other way round, it is the other way round.
    assert compare_models(database, OLD).counts == {("real", "fake"): 1, ("real", "real"): 1, ("fake", "uncertain"): 1}


def test_the_latest_of_several_other_models_counts(
    database: Database, pend, judge: Judge, model: ActiveModel, new_model: ActiveModel, now: datetime
) -> None:
    third = register_model(database, sha256="33" * 32, name="third", card={}, threshold=0.75, band_low=0.5, now=now)
    pend("/x")
    for hours, (judging, score) in enumerate([(model, 0.9), (third, 0.1), (new_model, 0.8)]):
        judge(judging, now + timedelta(hours=hours), x=score)
        rescan_stale(database, "", now)
    [flip] = compare_models(database, NEW).flips
    assert flip.before == Opinion("third", "real", 0.1)


def test_a_large_archive_is_rescanned_in_stretches(
    database: Database, pend, row, judge: Judge, model: ActiveModel, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each in a transaction of its own, so that workers can write in between; the outcome is the same."""
    pend(*(f"/p/{name}" for name in "abcdefg"))
    judge(model, now, **dict.fromkeys("abcdefg", 0.9))
    monkeypatch.setattr(problems, "STRETCH", 2)
    commits: list[object] = []
    event.listen(database.engine, "commit", commits.append)
    assert rescan_stale(database, NEW, now) == 7
    assert len(commits) == 4
    assert {row(f"/p/{name}").asked_model for name in "abcdefg"} == {NEW}
    assert rescan_stale(database, NEW, now) == 0
