"""Several works asked of a process at once: each has its own answer, and what is no such answer is none of any."""

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any

import pytest

from scanner.processes.replies import Answer, BadReply, Made, Refused, read_plainly, tell_plainly
from scanner.processes.together import apart, do_each, together


def shortened(content: bytes, length: int) -> bytes:
    if content == b"refused":
        raise Refused("too short")
    if content == b"memory":
        raise MemoryError
    return content[:length]


WORK = together(shortened, [b"first", b"refused", b"memory", b"second"], [3], 1.0, tell_plainly, read_plainly)


def made_by(made: Made) -> Answer:
    """The answer as it comes over a channel."""
    blobs = iter(bytes(blob) for blob in made.blobs)
    return Answer(made.document, [len(blob) for blob in made.blobs], lambda _: next(blobs))


def test_each_has_its_answer() -> None:
    """Also the one after another that was refused; who ran out of memory is asked again alone, without the others'."""
    answer = made_by(WORK.tell(do_each(*WORK.arguments)))
    first, refused, memory, second = WORK.read(answer)
    assert (first, str(refused), memory, second) == (b"fir", "too short", None, b"sec")
    assert WORK.count == 4


PART: dict[str, Any] = {"kind": "made", "document": None, "blobs": [3]}


@pytest.mark.parametrize(
    ("document", "sizes"),
    [
        (None, []),
        ([PART] * 3, [3] * 3),
        ([PART] * 5, [3] * 5),
        ([PART] * 4, [3] * 3),
        ([PART] * 4, [3, 3, 3, 4]),
        ([*[PART] * 3, {**PART, "more": 1}], [3] * 4),
        ([*[PART] * 3, {**PART, "kind": 1}], [3] * 4),
        ([*[PART] * 3, {**PART, "kind": "else"}], [3] * 4),
        ([*[PART] * 3, {**PART, "blobs": 3}], [3] * 4),
        ([*[PART] * 3, {**PART, "kind": "refused", "document": "no"}], [3] * 4),
        ([*[PART] * 3, {"kind": "refused", "document": 1, "blobs": []}], [3] * 3),
    ],
)
def test_what_no_process_answers(document: Any, sizes: list[int]) -> None:
    with pytest.raises(BadReply):
        WORK.read(Answer(document, sizes, bytes))


def done(value: object = None, error: Exception | None = None) -> "Future[Any]":
    future: Future[Any] = Future()
    if error:
        future.set_exception(error)
    else:
        future.set_result(value)
    return future


def ended() -> "Future[Any]":
    raise RuntimeError("the pool has ended")


@pytest.mark.parametrize("error", [BadReply("nonsense"), BrokenProcessPool("ended"), MemoryError(), OSError()])
def test_what_goes_wrong_together_is_done_alone(error: Exception) -> None:
    alone: list[Callable[[], Future[Any]]] = [partial(done, 1), partial(done, error=Refused("no")), ended]
    one, refused, left = apart(done(error=error), alone)
    assert one.result() == 1
    assert isinstance(refused.exception(), Refused)
    assert isinstance(left.exception(), BrokenProcessPool)


def test_what_is_cancelled_together_is_done_alone() -> None:
    cancelled: Future[Any] = Future()
    [one] = apart(cancelled, [partial(done, 1)])
    cancelled.cancel()
    assert one.result() == 1
