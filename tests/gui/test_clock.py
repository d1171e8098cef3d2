"""Times are those of the database's clock, which all machines share: that of the window may be wrong."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from archives import START, Archive, Opened
from sqlalchemy import select

from scanner.database.models import File, Review, Root
from scanner.jobs.workers import report_in
from scanner.roots.roots import known_roots

Open = Callable[..., Opened]
SOON = timedelta(minutes=10)


def wrong() -> datetime:
    """A clock that is a day ahead."""
    return datetime.now(UTC) + timedelta(days=1)


def test_a_worker_that_lives_is_shown_by_a_window_whose_clock_is_wrong(five: Archive, open_window: Open) -> None:
    report_in(five.database, "anna@desk", device="cpu", model="lite", now=five.database.now())
    opened = open_window(now=wrong)
    opened.until(lambda: "cpu, model lite" in opened.window.view.running.workers.text())


def test_what_is_stored_has_the_time_of_the_database(five: Archive, open_window: Open) -> None:
    five.fail("x.png", "empty: the file has 0 bytes")
    opened = open_window(now=wrong)
    opened.shows("a", "b", "c", "d")
    opened.press("f")
    opened.shows("b", "c", "d")
    view = opened.window.view
    assert view is not None
    view.show_tab(4)
    opened.until(lambda: view.problems.model.rowCount() == 1)
    view.problems.retry_all.click()
    opened.until(lambda: view.problems.model.rowCount() == 0)
    opened.window.service.start = lambda: None
    view.running.add_folder(str(five.folder))
    opened.until(lambda: len(known_roots(five.database)) == 1)
    with five.database.read() as session:
        decided = session.scalars(select(Review.created_at)).one()
        added = session.scalars(select(Root.added_at)).one()
        waits = session.scalars(select(File.pending_since).where(File.path.endswith("x.png"))).one()
    for moment in (decided, waits, added):
        assert START < moment < datetime.now(UTC) + SOON
