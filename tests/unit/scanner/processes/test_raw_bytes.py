"""Large bytes over a channel: as they were sent, whatever their size, between messages; and through a process and back."""

import hmac
import multiprocessing
import os
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest

from scanner.processes.limits import limit_process
from scanner.processes.pool import ProcessPool
from scanner.processes.raw_bytes import receive_raw, send_raw
from scanner.processes.work import Work

SIZES = (0, 1, 4095, 4096, 5 << 20)


@pytest.fixture(name="ends")
def _ends() -> Iterator[tuple[Connection, Connection]]:
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        yield ours, theirs


def test_bytes_arrive_as_they_are_between_messages(ends: tuple[Connection, Connection]) -> None:
    ours, theirs = ends
    contents = [os.urandom(size) for size in SIZES]

    def send() -> None:
        for content in contents:
            ours.send_bytes(b"next")
            send_raw(ours, memoryview(content))
        ours.send_bytes(b"last")

    sender = threading.Thread(target=send)
    sender.start()
    for content in contents:
        assert theirs.recv_bytes() == b"next"
        assert receive_raw(theirs, len(content)) == content
    assert theirs.recv_bytes() == b"last"
    sender.join()


@pytest.mark.parametrize("sent", [b"", b"half"])
def test_an_end_that_is_closed_too_early_is_told(ends: tuple[Connection, Connection], sent: bytes) -> None:
    ours, theirs = ends
    send_raw(ours, sent)
    ours.close()

    with pytest.raises((EOFError, OSError)):
        receive_raw(theirs, 9)


@pytest.mark.parametrize(("key", "message"), [(9, 9), (9, 3 << 20), (3 << 20, 9), (1 << 20, 3 << 20)])
def test_arguments_of_any_size_keep_their_places(key: int, message: int) -> None:
    contents = os.urandom(key), os.urandom(message)
    pool = ProcessPool(1, _prepare, modules=["hmac", __name__], most_works=10, most_bytes=1 << 20)
    try:
        found = [pool.schedule(Work(hmac.digest, [*contents, "sha256"], 60)).result() for _ in range(2)]
    finally:
        pool.close()

    assert found == [hmac.digest(*contents, "sha256")] * 2


def _prepare() -> None:
    limit_process(2048)
