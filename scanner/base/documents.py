"""JSON documents that the program writes and reads again: one converter, so that both directions agree.

Unknown keys are left alone (a newer version wrote them), and a missing key means its default (an older one did). What a person
or a stranger may have written is read with `from_strict_document`: it refuses unknown keys and values of another type.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin

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
    return _structured(_converter(), kind, document, "document")


def from_strict_document(kind: type[T], document: Any, *, path: str = "document") -> T:
    """Like `from_document`, but each value must be of its type and each key known: "no" is not True, and 1.5 no whole number.

    Raises DocumentError, which names each place, beginning with `path`.
    """
    return _structured(_strict_converter(), kind, document, path)


def demand_plain(document: Any, *, deepest: int = 16) -> None:
    """Raise DocumentError for a number that is not finite, or for lists and objects nested deeper than `deepest`."""
    if document is None or isinstance(document, str | int):
        return
    if isinstance(document, float) and not math.isfinite(document):
        raise DocumentError(f"{document} is no finite number")
    if isinstance(document, Mapping | list):
        if deepest == 0:
            raise DocumentError("nested too deeply")
        for part in document.values() if isinstance(document, Mapping) else document:
            demand_plain(part, deepest=deepest - 1)


def _structured(converter: "Converter", kind: type[T], document: Any, path: str) -> T:
    try:
        if is_dataclass(kind) and not isinstance(document, Mapping):
            raise TypeError("not an object")
        return converter.structure(document, kind)
    except Exception as error:  # cattrs raises groups of whatever its hooks raised
        from cattrs import transform_error

        raise DocumentError("; ".join(transform_error(error, path=path, format_exception=_said))) from None


@cache
def _converter() -> "Converter":
    from cattrs import Converter  # 20 ms, and few commands read documents

    converter = Converter(unstruct_collection_overrides={tuple: list})
    converter.register_unstructure_hook(datetime, lambda moment: moment.isoformat())
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    return converter


@cache
def _strict_converter() -> "Converter":
    from cattrs import Converter

    converter = Converter(forbid_extra_keys=True)
    for kind in (bool, int, str):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(float, lambda value, _: float(_exactly(value, int if type(value) is int else float)))
    converter.register_structure_hook_func(lambda kind: _origin(kind) is Literal, _one_of)
    lenient = converter.copy()

    def of_list(kind: Any) -> Callable[[Any, Any], Any]:
        structured = lenient.get_structure_hook(kind)

        def strictly(value: Any, _: Any) -> Any:
            if not isinstance(value, list | tuple):  # a text would be taken for a list of its letters
                raise TypeError(f"{value!r} is no list")
            return structured(value, kind)

        return strictly

    converter.register_structure_hook_factory(lambda kind: _origin(kind) is tuple, of_list)
    return converter


def _said(error: BaseException, kind: type | None) -> str:
    # What our own checks say of a value is better than "invalid value".
    if type(error) in (TypeError, ValueError):
        return str(error)
    from cattrs.v import format_exception

    return format_exception(error, kind)


def _origin(kind: Any) -> Any:
    return get_origin(kind)


def _one_of(value: Any, kind: Any) -> Any:
    choices = get_args(kind)
    if value not in choices:
        raise ValueError(f"{value!r} is none of {', '.join(map(str, choices))}")
    return value


def _exactly(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is not of type {kind.__name__}")
    return value
