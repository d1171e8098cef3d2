"""An HTTP server for this machine alone, that no client can stop or keep from ending."""

import logging
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

# A request that is not complete, or whose answer is not taken, after this long is given up.
REQUEST_SECONDS = 10.0
# Requests at once; whoever comes then is turned away, so that no one can use up this process's threads.
AT_ONCE = 16

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

log = logging.getLogger(__name__)


class Server(ThreadingMixIn, WSGIServer):
    """Serves `respond` at `host`, `port`; each request has a thread of its own, which ends with the process at the latest."""

    daemon_threads = True
    block_on_close = False
    # After a restart the port is in use by connections of the one before, which no one waits for.
    allow_reuse_address = True

    def __init__(self, host: str, port: int, respond: Application) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._free = threading.BoundedSemaphore(AT_ONCE)
        super().__init__((host, port), _Silent)
        self.set_app(respond)

    def server_bind(self) -> None:
        """Without the look-up of the host's full name that the original makes: no question leaves the machine."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread, if there is one left."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """With a deadline for all of it: a client that sends a byte now and then is none."""
        deadline = threading.Timer(REQUEST_SECONDS, _hang_up, [request])
        deadline.daemon = True
        deadline.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            deadline.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""
        log.debug("a request could not be answered", exc_info=True)


def _hang_up(request: socket.socket) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _Silent(WSGIRequestHandler):
    timeout = REQUEST_SECONDS

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the original's name)
        log.debug(format, *args)


def only_for_this_machine(respond: Application, host: str) -> Application:
    """`respond`, for requests that name this machine: a page in a browser may have another name resolve to it (DNS rebinding)."""
    names = {"localhost", "127.0.0.1", "[::1]", f"[{host}]" if ":" in host else host}

    def guarded(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if _name(environ.get("HTTP_HOST", "")) in names:
            return respond(environ, start_response)
        start_response("421 Misdirected Request", [("Content-Type", "text/plain")])
        return [b"this is no server of that name\n"]

    return guarded


def _name(host: str) -> str:
    """What comes before the port."""
    return host.lower().rpartition("]")[0] + "]" if host.startswith("[") else host.lower().partition(":")[0]
