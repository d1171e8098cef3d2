"""JSON documents that the program writes and reads again: one converter, so that both directions agree.

Unknown keys are left alone (a newer version wrote them), and a missing key means its default (an older one did).
"""

from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")


class DocumentError(ValueError):
    """A document that does not hold what it should."""


def to_document(value: Any) -> Any:
    """A dataclass as dicts, lists and plain values; enums by their values, moments in ISO 8601."""
    return _converter().unstructure(value)


def from_document(kind: type[T], document: Any) -> T:
    """The inverse of `to_document`. Raises DocumentError."""
    try:
        if is_dataclass(kind) and not isinstance(document, Mapping):
            raise TypeError("not an object")
        return _converter().structure(document, kind)
    except Exception as error:  # cattrs raises groups of whatever its hooks raised
        from cattrs import transform_error

        raise DocumentError("; ".join(transform_error(error, path="document"))) from None


@cache
def _converter() -> "Converter":
    from cattrs import Converter  # 20 ms, and few commands read documents

    converter = Converter(unstruct_collection_overrides={tuple: list})
    converter.register_unstructure_hook(datetime, lambda moment: moment.isoformat())
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    return converter
