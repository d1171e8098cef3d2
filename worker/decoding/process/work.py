"""What a decoder process is asked to do, and what can become of it beside an answer."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Any


class Died(Exception):
    """The process died at its work; `code` is negative for a signal."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the process died: {code}")
        self.code = code


@dataclass(frozen=True)
class Work:
    """A function of an importable module with its `arguments`, and what may come back: `kinds` of replies, inputs of `size`.

    `open` gives a file that is handed to the process as the last argument. The `future` gives what `read_reply` does, or raises
    Died, OutOfTime, BadReply, BrokenProcessPool (no fault of the work's), OSError (it cannot be opened).
    """

    function: Callable[..., Any]
    arguments: Sequence[Any]
    seconds: float
    kinds: tuple[str, ...]
    size: int = 0
    open: Callable[[], BufferedReader] | None = None
    future: "Future[Any]" = field(default_factory=Future, compare=False)
