"""In how many bits two fingerprints differ (Hamming distance), in Python and in the SQL of each database."""

from typing import Any

from sqlalchemy import ColumnElement, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_ALL = (1 << 64) - 1


def bits_apart(one: int, other: int) -> int:
    """Of two signed numbers of 64 bits."""
    return ((one ^ other) & _ALL).bit_count()


def bits_apart_or_null(one: int | None, other: int | None) -> int | None:
    """The same as SQL has it: `database.engine` gives it to every connection to SQLite, which can neither XOR nor count bits."""
    return None if one is None or other is None else bits_apart(one, other)


class BitsApart(FunctionElement[int]):
    """The SQL expression; NULL where one of the columns is NULL."""

    name = "bits_apart"
    inherit_cache = True
    type = Integer()

    def __init__(self, *columns: ColumnElement[Any] | InstrumentedAttribute[Any]) -> None:
        super().__init__(*columns)


@compiles(BitsApart, "postgresql")
def _on_postgres(element: BitsApart, compiler: SQLCompiler, **options: Any) -> str:
    one, other = (compiler.process(clause, **options) for clause in element.clauses)
    return f"bit_count(({one} # {other})::bit(64))::integer"


@compiles(BitsApart, "sqlite")
def _on_sqlite(element: BitsApart, compiler: SQLCompiler, **options: Any) -> str:
    one, other = (compiler.process(clause, **options) for clause in element.clauses)
    return f"bits_apart({one}, {other})"
