"""Pieces of SQL that several modules need."""

import os
from collections.abc import Collection, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Boolean, ColumnElement, Executable, Row, Table, and_, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from ..domain.asked import Asked
from ..domain.prediction import Prediction
from ..domain.states import Decision
from ..media.formats import is_promised
from .models import Base, Detection, EvidenceWord, File, Review

T = TypeVar("T")

# The columns of a detection that `prediction_of` reads: whatever a prediction has is read everywhere, or nowhere.
PREDICTION_COLUMNS: tuple[InstrumentedAttribute[Any], ...] = tuple(getattr(Detection, field.name) for field in fields(Prediction))


def prediction_of(row: Detection | Row[*tuple[Any, ...]]) -> Prediction:
    """What a detection's score rests on; `row` is one, or has its PREDICTION_COLUMNS."""
    return Prediction.from_json({column.key: getattr(row, column.key) for column in PREDICTION_COLUMNS})


# The latest decision on a detection's content; None where no one has said anything.
LATEST_DECISION = (
    select(Review.decision)
    .where(Review.content_id == Detection.content_id)
    .order_by(Review.id.desc())
    .limit(1)
    .correlate(Detection)
    .scalar_subquery()
)


def standing(decision: str | None) -> str:
    """What `Detection.decision` says where this is the latest decision on its content."""
    return "" if decision in (None, Decision.WITHDRAWN) else str(decision)


def asked_values(asked: Asked) -> dict[str, str | bool | None]:
    """The columns of a file that say what is asked of it."""
    return {"asked_model": asked.model, "asked_faces": asked.faces, "asked_videos": asked.videos}


def insert_or_ignore(session: Session, table: type[Base], rows: Sequence[dict[str, Any]]) -> int:
    """Insert `rows`, leaving those alone that would break a unique constraint: someone else was quicker.

    Give them in an order that all agree on: Postgres waits for whoever is inserting the same, and two may wait for each other.
    Each has the same columns: what the first one lacks would be left out of all. Returns how many were new.
    """
    assert all(row.keys() == rows[0].keys() for row in rows)
    return len(session.connection().execute(_insert_or_ignore(table, session.get_bind().dialect.name), list(rows)).all())


@cache
def _insert_or_ignore(table: type[Base], dialect: str) -> Executable:
    """Made once: that takes longer than to have it executed."""
    # Imported here: each takes its time, and only one is needed, if any.
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    columns = table_of(table)
    return insert(columns).on_conflict_do_nothing().returning(columns.c.id)


def table_of(model: type[Base]) -> Table:
    """Its table: statements on that go by no session's objects, which takes a third of the time."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def under(path: str) -> ColumnElement[bool]:
    """The file `path` itself, or everything below it if it is a folder: two looks into the unique index."""
    below = and_(*below_folder(path))
    return below if path.endswith(os.sep) else or_(File.path == path, below)


def below_folder(
    path: str, column: ColumnElement[str] | InstrumentedAttribute[str] = File.path
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Everything below the folder `path`: one range of the unique index."""
    begin, end = ends_below(path)
    return column >= begin, column < end


def ends_below(path: str) -> tuple[str, str]:
    """Where the paths below the folder `path` begin, and before what they end."""
    inside = os.path.join(path, "")
    return inside, inside[:-1] + chr(ord(os.sep) + 1)


def of_no_root_in(root_ids: Collection[int]) -> ColumnElement[bool]:
    """Files of none of these roots."""
    return or_(File.root_id.is_(None), File.root_id.not_in(root_ids))


def of_this_machine(host: str) -> ColumnElement[bool]:
    """Files of a root, and those of none that `host` took in, or that came from before machines were noted."""
    return or_(File.root_id.is_not(None), File.host.is_(None), File.host == host)


class _Unindexed(FunctionElement[Any]):
    """A column that leads into no index of SQLite; Postgres knows distributions, and this would hide them."""

    name = "unindexed"
    inherit_cache = True


@compiles(_Unindexed)
def _with_plus(element: _Unindexed, compiler: SQLCompiler, **words: Any) -> str:
    column = compiler.process(element.clauses, **words)
    return f"+{column}"


@compiles(_Unindexed, "postgresql")
def _as_it_is(element: _Unindexed, compiler: SQLCompiler, **words: Any) -> str:
    return compiler.process(element.clauses, **words)


def unindexed(column: ColumnElement[T] | InstrumentedAttribute[T]) -> ColumnElement[T]:
    """A column that SQLite, knowing no distributions, must not choose as the way in: most rows may be so. It may be null."""
    element = _Unindexed(column)
    element.type = column.type
    return element


class _Checked(FunctionElement[bool]):
    """A condition that Postgres cannot look into: it leads into no index, and half of all rows are expected to pass it."""

    name = "checked"
    type = Boolean()
    inherit_cache = True


@compiles(_Checked)
def _in_brackets(element: _Checked, compiler: SQLCompiler, **words: Any) -> str:
    return f"({compiler.process(element.clauses, **words)})"


@compiles(_Checked, "postgresql")
def _coalesced(element: _Checked, compiler: SQLCompiler, **words: Any) -> str:
    return f"coalesce({compiler.process(element.clauses, **words)}, false)"


def checked(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """A condition on `unindexed` columns that must not be the way in, whatever Postgres expects of it: where another is known to
    lead to few rows. Of a column hidden in a function it would expect to find one row in 200, and read all for those."""
    return _Checked(condition)


def any_of(paths: Sequence[str]) -> ColumnElement[bool]:
    """`under` for several paths; those that are plain files go into one IN, so that thousands may be named."""
    # What is not there now (a drive that is not plugged in) was a folder, unless its name says otherwise.
    files = sorted(
        {path for path in paths if not os.path.isdir(path) and (os.path.isfile(path) or is_promised(path, videos=True))}
    )
    ranges = [under(path) for path in sorted(set(paths) - set(files))]
    if len(ranges) > 100:
        # SQLite's parser limits how deep one OR may be; IS TRUE keeps SQLAlchemy from making one of all.
        ranges = [or_(*ranges[start : start + 100]).is_(True) for start in range(0, len(ranges), 100)]
    if files or not ranges:
        ranges.append(File.path.in_(files))
    return or_(*ranges)


def knows_any(session: Session, path: str) -> bool:
    """Whether there is a row of `path` or of anything below it."""
    return session.scalar(select(File.id).where(any_of([path])).limit(1)) is not None


def has_evidence(word: str) -> ColumnElement[bool]:
    """Files whose content is filed under `word` (`scanner.domain.evidence.FILTERS`)."""
    return File.content_id.in_(select(EvidenceWord.content_id).where(EvidenceWord.word == word))
