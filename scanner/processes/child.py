"""One limited process: prepares itself, gives up what it does not need, and then does what it is sent, one work after the other.

What comes in was pickled by the process that started it, which it trusts; what goes out is `replies` only.
"""

import os
import pickle
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import Any

from .confinement import confine
from .raw_bytes import receive_raw, send_raw
from .replies import Made, Reply, reply_of, tell_plainly
from .work import Follows

# How a process ends when it has no memory to take a work; and of what it says when it has taken one.
NO_MEMORY, TOKEN_BYTES = 77, 16


def run(channel: Connection, prepare: Callable[[], None], modules: Sequence[str]) -> None:
    """Work until the other end of `channel` is closed. `modules` are those of the works: later, no file of them may be read."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which then ends its decoders
    prepare()
    for module in modules:
        import_module(module)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):  # what libraries write of hostile files reaches no log and no terminal
        os.dup2(nothing, number)
    os.close(nothing)
    _send(channel, Reply("made", asdict(confine())))
    while True:
        try:
            work, tell, token = _received(channel)
        except EOFError:
            return
        except MemoryError:
            sys.exit(NO_MEMORY)
        channel.send_bytes(token)
        _send(channel, reply_of(work, tell))
        del work


def keep_only(descriptor: int) -> int:
    """Close all that is open but standard error and `descriptor`, which gets another number."""
    if descriptor != 3:
        os.dup2(descriptor, 3, inheritable=False)
    os.closerange(4, min(os.sysconf("SC_OPEN_MAX"), 1 << 16))
    return 3


def _received(channel: Connection) -> tuple[Callable[[], Any], Callable[[Any], Made], bytes]:
    token = channel.recv_bytes()
    try:
        work, arguments, tell, with_file = pickle.loads(channel.recv_bytes())  # noqa: S301  (from the process that started this one)
        arguments = [receive_raw(channel, each.size) if isinstance(each, Follows) else each for each in arguments]
    except (AttributeError, ImportError, pickle.UnpicklingError) as error:
        return partial(_fail, error), tell_plainly, token
    if with_file:
        arguments.append(os.fdopen(recv_handle(channel), "rb"))
    return partial(work, *arguments), tell, token


def _fail(error: Exception) -> None:
    raise error


def _send(channel: Connection, reply: Reply) -> None:
    try:
        header = reply.header()
    except (TypeError, ValueError) as error:  # a bug: it made what cannot be told
        reply = Reply("failed", f"its result cannot be told: {error}")
        header = reply.header()
    channel.send_bytes(header)
    for blob in reply.blobs:
        send_raw(channel, blob)
