"""Several small works asked of a process at once: being asked costs more than some of them take.

Nothing depends on that: what does not end well for a work that is done with others is done again, alone.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any, TypeVar

from .replies import Answer, BadReply, Made, Refused, answer_of, reply_of
from .work import Work

T = TypeVar("T")
_KEYS = {"kind", "document", "blobs"}


def together(
    function: Callable[..., Any],
    contents: Sequence[bytes],
    shared: Sequence[Any],
    seconds: float,
    tell: Callable[[Any], Made],
    read: Callable[[Answer], Any],
) -> Work:
    """`function(content, *shared)` for each of `contents`, within `seconds` in all; `apart` makes single ones of it again."""
    arguments = [function, tell, shared, *contents]
    count = len(contents)
    return Work(do_each, arguments, seconds, _as_made, partial(_read_each, count=count, read=read), count=count)


def do_each(function: Callable[..., Any], tell: Callable[[Any], Made], shared: Sequence[Any], *contents: bytes) -> Made:
    """In the process: `function(content, *shared)` for each of `contents`; a reply for each, all as one."""
    replies = [reply_of(partial(function, content, *shared), tell) for content in contents]
    parts = [{"kind": each.kind, "document": each.document, "blobs": [len(blob) for blob in each.blobs]} for each in replies]
    return Made(parts, tuple(blob for each in replies for blob in each.blobs))


def _as_made(made: Made) -> Made:
    """What `do_each` gives is told as it is."""
    return made


def _read_each(answer: Answer, *, count: int, read: Callable[[Answer], T]) -> list[T | Refused | None]:
    """What each of `count` works gave, was refused with, or None for one that is to be done alone. Raises BadReply."""
    parts = answer.document
    if not isinstance(parts, list) or len(parts) != count or not all(_is_part(part) for part in parts):
        raise BadReply("not as many answers as works")
    if [size for part in parts for size in part["blobs"]] != list(answer.sizes):
        raise BadReply("blobs of other sizes than was said")
    return [_read(part, answer, read) for part in parts]


def apart(together: "Future[list[T | Refused | None]]", alone: Sequence[Callable[[], "Future[Any]"]]) -> "list[Future[Any]]":
    """A future for each work that is done `together`. `alone` begin one by itself: where it, or all, did not end well.

    Where the processes have ended, its future raises BrokenProcessPool.
    """
    told: list[Future[Any]] = [Future() for _ in alone]

    def tell(done: "Future[list[T | Refused | None]]") -> None:
        failed = done.cancelled() or done.exception() is not None
        found = [None] * len(alone) if failed else done.result()
        for future, begin, one in zip(told, alone, found, strict=True):
            if isinstance(one, Refused):
                future.set_exception(one)
            elif one is not None:
                future.set_result(one)
            else:
                _hand_on(begin, future)

    together.add_done_callback(tell)
    return told


def _hand_on(begin: Callable[[], "Future[Any]"], told: "Future[Any]") -> None:
    def tell(done: "Future[Any]") -> None:
        error = done.exception()
        if error is None:
            told.set_result(done.result())
        else:
            told.set_exception(error)

    try:
        begin().add_done_callback(tell)
    except RuntimeError as error:
        told.set_exception(BrokenProcessPool(str(error)))


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict) or set(part) != _KEYS or not isinstance(part["kind"], str):
        return False
    return isinstance(part["blobs"], list) and (part["kind"] == "made" or not part["blobs"])


def _read(part: dict[str, Any], answer: Answer, read: Callable[[Answer], T]) -> T | Refused | None:
    try:
        return read(answer_of(part["kind"], part["document"], part["blobs"], answer.receive))
    except Refused as error:
        return error
    except MemoryError:
        return None
