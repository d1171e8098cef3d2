"""Column types that the database lacks: file names that are not Unicode, and times that know their zone."""

from collections.abc import Callable
from datetime import UTC, datetime
from sys import intern
from typing import Any

from sqlalchemy import DateTime, Dialect, Text, TypeDecorator

from ..base.addresses.stored_paths import decode_path, encode_path


class PathText(TypeDecorator[str]):
    """A file name of any bytes; compares bytewise, so that a folder's files are one range."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Postgres would compare by the language's rules otherwise; SQLite compares bytes by itself."""
        return dialect.type_descriptor(Text(collation="C") if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Python -> database."""
        return None if value is None else encode_path(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], str | None]:
        """Database -> Python, in one call for each value: a queue has a hundred thousand."""
        return _decoded


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. Stored in UTC, read back with its zone; refuses naive values, which mean nothing."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Python -> database."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """Database -> Python, in one call for each value. SQLite has text."""
        return _from_text if dialect.name == "sqlite" else _in_utc


class Interned(TypeDecorator[str]):
    """One of a few words, which every row has: each is kept once, however many rows there are."""

    impl = Text
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str], str]:
        """Database -> Python."""
        return intern


def _decoded(value: str | None) -> str | None:
    return value if value is None or "\\" not in value else decode_path(value)


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(f"{value}+00:00")


def _in_utc(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
