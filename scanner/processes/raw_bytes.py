"""Large bytes over a channel as they are: copied once into the kernel, and once out of it into where they stay.

`Connection` also copies what it receives from a buffer, and pickle what it is given into its own.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection


def send_raw(channel: Connection, content: bytes | memoryview) -> None:
    """Send `content`, whose size the other end knows."""
    if os.name == "nt":  # a channel is no socket there
        channel.send_bytes(content)
    elif len(content):
        with _socket_of(channel) as end:
            end.sendall(content)


def receive_raw(channel: Connection, size: int) -> bytes:
    """`size` bytes. Raises EOFError where the other end is closed before."""
    if os.name == "nt":
        return channel.recv_bytes(size)
    if not size:
        return b""
    with _socket_of(channel) as end:
        received = end.recv(size, socket.MSG_WAITALL)
        while len(received) < size:  # a signal came between
            more = end.recv(size - len(received), socket.MSG_WAITALL)
            if not more:
                raise EOFError
            received += more
    return received


@contextmanager
def _socket_of(channel: Connection) -> Iterator[socket.socket]:
    # With family and kind, no question is asked of the kernel that a confined process may not ask.
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=channel.fileno())
    try:
        yield end
    finally:
        end.detach()
