"""A place for one limited process, and the thread that asks it."""

import os
import pickle
import queue
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from functools import partial
from io import BufferedReader
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from typing import Any, Protocol

from ..base.documents import from_document
from .child import NO_MEMORY, TOKEN_BYTES
from .confinement import Confined
from .fork_server import ServerGone
from .raw_bytes import receive_raw, send_raw
from .replies import BadReply, read_reply
from .time_budget import OutOfTime, TimeBudget, usage_of
from .work import Died, Follows, Work

# A work whose process died before it had begun is given to another, so many times.
_TRIES = 3
# How long a process may take to be there, and then to take a work.
_START_SECONDS = 120.0
_TOO_LONG = "bad message length"
# Arguments of so many bytes are not pickled.
_LARGE = 1 << 12


class Startable(Protocol):
    """A process that was started."""

    pid: int

    def end(self) -> int | None:
        """Kill it if it is there yet, and say how it ended: negative for a signal, None where that is not known."""


class Slot(threading.Thread):
    """Works off `works` until there is a None, one after the other, with a process that `start` gives."""

    def __init__(
        self,
        works: "queue.SimpleQueue[Work | None]",
        start: Callable[[str], tuple[Connection, Startable, frozenset[str]]],
        most_works: int,
        most_bytes: int,
    ) -> None:
        super().__init__(name="limited process", daemon=True)
        self._works, self._start_process = works, start
        self._most_works, self._most_bytes = most_works, most_bytes
        self._lock = threading.Lock()  # of the next ones, which the clock's thread reads
        self._process: Startable | None = None
        self._budget: TimeBudget | None = None
        self._late = ""
        self._is_closed = False
        self._channel: Connection | None = None
        self._modules: frozenset[str] = frozenset()
        self._done = 0
        self.confined: Confined | None = None

    def run(self) -> None:
        """See the class."""
        try:
            self._channel_to_process("")
        except (OSError, EOFError, ServerGone, BadReply):
            self._end()  # the first work tries again
        while (work := self._works.get()) is not None:
            if work.future.set_running_or_notify_cancel():
                try:
                    made = self._made(work)
                except BaseException as error:
                    work.future.set_exception(error)
                else:
                    work.future.set_result(made)
                del work
        self._end()

    def look_at_clock(self, now: float) -> None:
        """Kill a process that is late with what it does."""
        with self._lock:
            process, budget = self._process, self._budget
        used = usage_of(process.pid) if process and budget else None
        if process and budget and used and (late := budget.look(used, now)):
            with self._lock:
                if budget is not self._budget:
                    return  # it has just answered
                self._late, self._budget = late, None
            process.end()

    def close(self) -> None:
        """Kill the process, and start none any more."""
        with self._lock:
            self._is_closed = True
            process = self._process
        if process:
            process.end()

    def _made(self, work: Work) -> Any:
        with ExitStack() as stack:
            # Windows hands no file over, and confines nothing: the process opens it itself.
            file = stack.enter_context(work.open()) if work.open and os.name != "nt" else None
            token = secrets.token_bytes(TOKEN_BYTES)
            large = [each for each in work.arguments if _is_large(each)]
            arguments = [Follows(len(each)) if _is_large(each) else each for each in work.arguments]
            request = pickle.dumps((work.function, arguments, work.tell, file is not None), protocol=5)
            for _ in range(_TRIES):
                channel = self._begun([request, *large], token, file, work.function.__module__)
                if channel:
                    return self._answer(channel, work)
                if self._end() == NO_MEMORY:
                    raise MemoryError
                if self._is_closed:
                    break
        raise BrokenProcessPool("the processes die before they have begun")

    def _begun(self, request: Sequence[bytes], token: bytes, file: BufferedReader | None, module: str) -> Connection | None:
        """The channel of a process that has taken the work: it gives the token back, which nothing sent before can be."""
        question, *large = request
        try:
            if module not in self._modules:
                self._end()
            channel = self._channel_to_process(module)
            self._set_clock(_START_SECONDS)
            channel.send_bytes(token)
            channel.send_bytes(question)
            for content in large:
                send_raw(channel, content)
            if file:
                send_handle(channel, file.fileno(), None)
            return channel if channel.recv_bytes(TOKEN_BYTES) == token else None
        except (OSError, EOFError, ServerGone, BadReply):
            return None

    def _answer(self, channel: Connection, work: Work) -> Any:
        def receive(most: int) -> bytes:
            try:
                return channel.recv_bytes(most)
            except OSError as error:
                if error.args == (_TOO_LONG,):
                    raise BadReply(f"more than {most:,} bytes") from None
                raise

        self._set_clock(work.seconds)
        try:
            blobs = receive if os.name == "nt" else partial(receive_raw, channel)
            made = work.read(read_reply(receive, most=self._most_bytes, blobs=blobs))
        except (EOFError, OSError):
            code = self._end()
            if self._late:
                raise OutOfTime(self._late) from None
            if code is None or self._is_closed:
                raise BrokenProcessPool("the process was ended with its pool or its server") from None
            raise Died(code) from None
        except BadReply:
            self._end()
            raise
        finally:
            self._set_clock(None)
            self._done += work.count
            if self._done >= self._most_works:
                self._end()
        return made

    def _channel_to_process(self, module: str) -> Connection:
        if self._channel is None:
            if self._is_closed:
                raise EOFError
            self._channel, process, self._modules = self._start_process(module)
            with self._lock:
                self._process, self._late, self._done = process, "", 0
            self._set_clock(_START_SECONDS)
            self.confined = from_document(Confined, read_reply(self._channel.recv_bytes, most=0).document)
            self._set_clock(None)
        return self._channel

    def _set_clock(self, seconds: float | None) -> None:
        used = usage_of(self._process.pid) if self._process and seconds is not None else None
        with self._lock:
            self._budget = TimeBudget(seconds, used, time.monotonic()) if used and seconds is not None else None

    def _end(self) -> int | None:
        with self._lock:
            process, self._process, self._budget = self._process, None, None
        channel, self._channel = self._channel, None
        code = process.end() if process else None
        if channel:
            channel.close()
        return code


def _is_large(argument: Any) -> bool:
    return isinstance(argument, bytes) and len(argument) >= _LARGE
