"""Refuses, and writes down, every connection and every look-up that a test run may not make.

Allowed are sockets of the file system, and in the program's own processes the configured database and broker; the process of
the tests themselves, which runs those servers, may also connect to its own machine. Seen are connections that Python makes
(PEP 578); what C libraries do by themselves is looked at by `test_no_connection_leaves_the_machine`.
"""

import os
import socket
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

LOG = "DFSCAN_TEST_NETWORK_LOG"
_OWN = ("localhost", "127.0.0.1", "::1", "", None)


def guard(environment: Mapping[str, str], *, own_machine: bool) -> None:
    """Watch over this process until it ends."""
    configured = _configured(environment)
    log = environment[LOG]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            made, address = arguments
            if made.family not in (socket.AF_INET, socket.AF_INET6) or _is_allowed(
                address[0], address[1], configured, own_machine
            ):
                return
        elif event == "socket.getaddrinfo":
            address = arguments[:2]
            if _host(address[0]) in (*_OWN, socket.gethostname(), *(host for host, _ in configured)):
                return
        else:
            return
        with open(log, "a") as written:
            written.write(f"{event} {address} by {sys.argv}\n")
        raise ConnectionRefusedError(f"a test run may not connect to {address}")

    sys.addaudithook(hook)


def _is_allowed(host: Any, port: int, configured: set[tuple[str, int | None]], own_machine: bool) -> bool:
    if own_machine and (host in _OWN or str(host).startswith("127.")):
        return True
    return (host, port) in configured or ("localhost", port) in configured


def _configured(environment: Mapping[str, str]) -> set[tuple[str, int | None]]:
    urls = [urlsplit(environment.get(name, "")) for name in ("DFSCAN_DATABASE_URL", "DFSCAN_BROKER_URL")]
    return {(url.hostname, url.port) for url in urls if url.hostname}


def _host(name: Any) -> Any:
    return name.decode() if isinstance(name, bytes) else name


def violations() -> str:
    """What was refused so far, in all processes of this run."""
    path = os.environ[LOG]
    if not os.path.exists(path):
        return ""
    with open(path) as opened:
        return opened.read()
