"""Starts limited processes out of one that has imported what they need, and nothing of the worker: no torch, no connection.

It begins with an empty environment, so that no password is in the memory of its children, and does what the worker writes to
its socket: start a process, end one and say how it ended. It ends with the worker, and its children with it. Linux only.
"""

import json
import os
import pickle
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

# Of the environment it has these: without them some installations find no libraries.
KEPT = ("LD_LIBRARY_PATH", "PYTHONHOME")
# No threads beside the one that forks.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# What a picture has taken is kept for the next (mallopt(3), bytes): given back, each of its pages is asked for and cleared anew.
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(4 << 20), "MALLOC_TRIM_THRESHOLD_": str(16 << 20)}
_PROGRAM = "import sys, json; sys.path[:] = json.loads(sys.argv[2]); from {} import serve; serve(int(sys.argv[1]), sys.argv[3:])"
_ANSWERS_WITHIN = 60.0
_MOST = 1 << 16


class ServerGone(Exception):
    """The server has ended, or does not answer."""


class ForkServer:
    """The server as the worker sees it; asked from several threads, one after the other."""

    def __init__(self, modules: Sequence[str]) -> None:
        """`modules` are those that its processes need. It is started when it is first needed."""
        self._modules = modules
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, prepare: Callable[[], None], modules: Sequence[str]) -> "tuple[Connection, Child]":
        """A process that has run `prepare` and imported `modules`, and the channel to it. Raises ServerGone, OSError."""
        ours, theirs = socket.socketpair()
        with ours, theirs, self._lock:
            try:
                server = self._running()
                answer = _ask(server, pickle.dumps((prepare, list(modules))), [theirs.fileno()])
            except ServerGone:
                self._end()
                raise
            if "pid" not in answer:
                raise OSError(f"no process can be started: {answer.get('error')}")
            return Connection(ours.detach()), Child(self, server, int(answer["pid"]))

    def close(self) -> None:
        """End the server and its processes."""
        with self._lock:
            self._end()

    def end(self, server: socket.socket, pid: int) -> int | None:
        """How the process ended, which is killed if it is there yet; None where that cannot be known."""
        with self._lock:
            if server is not self._control:
                return None
            try:
                return int(_ask(server, json.dumps(pid).encode(), [])["code"])
            except (ServerGone, KeyError, TypeError, ValueError):
                self._end()
                return None

    def _running(self) -> socket.socket:
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        self._end()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            program = _PROGRAM.format(__name__)
            arguments = [str(theirs.fileno()), json.dumps([os.path.abspath(path) for path in sys.path]), *self._modules]
            self._process = subprocess.Popen(
                [sys.executable, "-c", program, *arguments],
                env={name: value for name, value in os.environ.items() if name in KEPT} | _ONE_THREAD | _KEEP_MEMORY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        ours.settimeout(_ANSWERS_WITHIN)
        self._control = ours
        return ours

    def _end(self) -> None:
        control, self._control = self._control, None
        process, self._process = self._process, None
        if control is not None:
            control.close()
        if process is not None:
            process.kill()
            process.wait()


class Child:
    """A process of the server."""

    def __init__(self, server: ForkServer, control: socket.socket, pid: int) -> None:
        self._server = server
        self._control = control
        self._lock = threading.Lock()
        self._is_ended = False
        self._code: int | None = None
        self.pid = pid

    def end(self) -> int | None:
        """Kill it if it is there yet, and say how it ended: a code, negative for a signal; None where that is not known."""
        with self._lock:
            if not self._is_ended:
                self._is_ended, self._code = True, self._server.end(self._control, self.pid)
            return self._code


def _ask(server: socket.socket, message: bytes, descriptors: list[int]) -> dict[str, Any]:
    try:
        socket.send_fds(server, [message], descriptors)
        answer = server.recv(_MOST)
    except OSError as error:
        raise ServerGone(str(error)) from error
    if not answer:
        raise ServerGone("it has ended")
    found: dict[str, Any] = json.loads(answer)
    return found


def serve(control: int, modules: Sequence[str]) -> None:
    """The server's own process: until the worker has ended."""
    import signal

    from . import child, confinement, system_calls  # noqa: F401  (before its processes may open nothing more)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for module in modules:
        import_module(module)
    confinement.look_for_libraries()
    own, children = os.getpid(), set[int]()
    with socket.socket(fileno=control) as worker, suppress(BrokenPipeError, ConnectionResetError):  # the worker was killed
        while True:
            message, descriptors, _, _ = socket.recv_fds(worker, _MOST, 1)
            if not message:
                return
            if not descriptors:
                pid = json.loads(message)
                worker.send(json.dumps(_ended(pid) if pid in children else {}).encode())
                children.discard(pid)
                continue
            try:
                pid = os.fork()
            except OSError as error:
                worker.send(json.dumps({"error": error.strerror}).encode())
                os.close(descriptors[0])
                continue
            if not pid:
                _be_child(descriptors[0], message, own)
            os.close(descriptors[0])
            children.add(pid)
            worker.send(json.dumps({"pid": pid}).encode())


def _ended(pid: int) -> dict[str, int]:
    with suppress(ProcessLookupError):
        os.kill(pid, 9)
    _, status = os.waitpid(pid, 0)
    return {"code": os.waitstatus_to_exitcode(status)}


def _be_child(descriptor: int, message: bytes, server: int) -> None:
    from . import child, confinement

    code = 1
    try:
        confinement.die_with_parent()
        if os.getppid() == server:
            channel = Connection(child.keep_only(descriptor))
            child.run(channel, *pickle.loads(message))  # noqa: S301  (from the worker)
            code = 0
    except BrokenPipeError:
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
