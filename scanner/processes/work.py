"""What a limited process is asked to do, and what can become of it beside an answer."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Any

from .replies import Answer, Made, read_plainly, tell_plainly


class Died(Exception):
    """The process died at its work; `code` is negative for a signal."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the process died: {code}")
        self.code = code


@dataclass(frozen=True)
class Follows:
    """Stands for an argument of so many bytes, which follow what a work is asked with."""

    size: int


@dataclass(frozen=True)
class Work:
    """A function of an importable module with its `arguments`; `tell` makes of its result what goes over the channel.

    `read` makes of that what the `future` gives. It raises Refused and MemoryError as the function did, Died, OutOfTime,
    BadReply, BrokenProcessPool (no fault of the work's), OSError (it cannot be opened). `open` gives a file that is handed to the
    process as the last argument. It is `count` works in one, where a process is replaced after so many.
    """

    function: Callable[..., Any]
    arguments: Sequence[Any]
    seconds: float
    tell: Callable[[Any], Made] = tell_plainly
    read: Callable[[Answer], Any] = read_plainly
    open: Callable[[], BufferedReader] | None = None
    count: int = 1
    future: "Future[Any]" = field(default_factory=Future, compare=False)
