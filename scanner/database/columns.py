"""Column types that the database lacks: file names that are not Unicode, and times that know their zone."""

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Text, TypeDecorator

_ESCAPED = re.compile(r"\\(?:\\|u([0-9a-f]{4}))")
_NEEDS_ESCAPE = re.compile(r"[\\\ud800-\udfff]")


def encode_path(path: str) -> str:
    r"""A path as text that every database can store.

    Bytes that are not UTF-8 reach Python as lone surrogates (PEP 383), which no database takes: they are written as `\udcXX`,
    and a backslash is doubled. Other names stay as they are and can be searched.
    """
    return _NEEDS_ESCAPE.sub(lambda match: "\\\\" if match[0] == "\\" else f"\\u{ord(match[0]):04x}", path)


def decode_path(stored: str) -> str:
    """The inverse of `encode_path`."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)) if match[1] else "\\", stored)


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

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Database -> Python."""
        return None if value is None else decode_path(value)


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

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Database -> Python."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
