"""A database that is too new, locked or away, and what is said of it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from archives import Archive, Opened
from sqlalchemy import text

from scanner.base.errors import KnownError

Open = Callable[..., Opened]


def test_a_newer_database_is_named_and_another_try_helps(five: Archive, open_window: Open) -> None:
    with five.database.write() as session:
        before = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    opened = open_window(ready=False)
    trouble = opened.window._trouble
    opened.until(lambda: opened.window._pages.currentWidget() is trouble)
    assert "newer dfscan" in trouble.words.text()
    with five.database.write() as session:
        session.execute(text(f"UPDATE alembic_version SET version_num = '{before}'"))
    trouble.button.click()
    opened.until(lambda: opened.window.view is not None)
    opened.shows("a", "b", "c", "d")


def test_a_database_out_of_reach_is_named(tmp_path: Path, open_window: Open) -> None:
    opened = open_window(tmp_path / "other", ready=False, url="postgresql://anna:secret@127.0.0.1:1/x")
    opened.until(lambda: opened.window._pages.currentWidget() is opened.window._trouble)
    assert "127.0.0.1" in opened.window._trouble.words.text()
    assert "secret" not in opened.window._trouble.words.text()


def test_a_locked_database_is_waited_for(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    holder = sqlite3.connect(five.data_dir / "dfscan.sqlite")
    holder.execute("BEGIN IMMEDIATE")
    opened.press("f")
    opened.press("j")  # the window goes on meanwhile
    opened.bot.wait(300)
    assert opened.names == ["a", "b", "c", "d"]  # not shown as made
    holder.rollback()
    holder.close()
    opened.shows("b", "c", "d")


def test_the_database_goes_away_and_comes_back(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    with five.database.write() as session:
        session.execute(text("ALTER TABLE files RENAME TO away"))
    opened.until(opened.window.banner.isVisible)
    said = opened.window.banner.text()
    assert said.count("cannot be used") == 1
    assert said.endswith("Trying again\N{HORIZONTAL ELLIPSIS}")
    opened.press("j")  # further questions that fail are the same trouble
    opened.bot.wait(300)
    assert opened.window.banner.text() == said
    with five.database.write() as session:
        session.execute(text("ALTER TABLE away RENAME TO files"))
    opened.until(lambda: not opened.window.banner.isVisible())
    opened.shows("a", "b", "c", "d")


def test_complaint_beside_trouble(five: Archive, open_window: Open) -> None:
    """A complaint and a trouble do not hide each other."""
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    banner = opened.window.banner
    opened.presenter.ask(lambda: failing(KnownError("no such thing")), lambda _: None)
    opened.until(banner.isVisible)
    with five.database.write() as session:
        session.execute(text("ALTER TABLE reviews RENAME TO away"))
    opened.until(lambda: "Trying again" in banner.text())
    assert banner.text().endswith("no such thing")
    with five.database.write() as session:
        session.execute(text("ALTER TABLE away RENAME TO reviews"))
    opened.until(lambda: banner.text() == "no such thing")
    banner.dismiss.click()
    assert not banner.isVisible()


def failing(error: KnownError) -> None:
    raise error
