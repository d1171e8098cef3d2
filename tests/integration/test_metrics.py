"""Metrics and health of a service, over HTTP on this machine."""

import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scanner.database.engine import Database, open_database
from scanner.ops.liveness import ALIVE_SECONDS, Liveness
from scanner.ops.metrics import MetricsAddressError, serve_metrics
from scanner.roots.ledger import add_to_counts
from scanner.roots.roots import add_roots


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def get_from(now: datetime, clock: list[float]) -> Iterator[Callable[[Database], Callable[[str], tuple[int, str]]]]:
    """`get_from(database)(path)`: status and body."""
    with ExitStack() as stack:

        def serve(database: Database) -> Callable[[str], tuple[int, str]]:
            server = serve_metrics("127.0.0.1:0", database, Liveness(lambda: clock[0]), lambda: now)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return lambda path: _ask(f"http://127.0.0.1:{server.server_port}{path}")

        yield serve


@pytest.fixture
def get(database: Database, get_from: Callable[[Database], Callable[[str], tuple[int, str]]]) -> Callable[[str], tuple[int, str]]:
    """`get(path)`: status and body."""
    return get_from(database)


def _requests_ended() -> None:
    """Wait for the threads of requests: what they have of the database must be back before it is closed."""
    end = time.monotonic() + 60
    while any("process_request_thread" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)


def _ask(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_metrics_are_what_the_database_says(
    database: Database, get: Callable[[str], tuple[int, str]], pend: Callable[..., None], tmp_path: Path, now: datetime
) -> None:
    pend("/a", "/b")
    [root] = add_roots(database, [str(tmp_path)], now)
    add_to_counts(database, root.id, overflows=1, by_events=20, by_sweep=3)
    status, body = get("/metrics")
    assert status == 200
    samples = {(s.name, *s.labels.values()): s.value for family in text_string_to_metric_families(body) for s in family.samples}
    assert samples["dfscan_files", "pending"] == samples["dfscan_pending_files",] == 2
    assert samples["dfscan_leased_files",] == samples["dfscan_workers",] == 0
    assert samples["dfscan_root_overflows_total", str(tmp_path)] == 1
    assert samples["dfscan_root_found_by_events_total", str(tmp_path)] == 20
    assert samples["dfscan_root_found_by_sweep_total", str(tmp_path)] == 3
    assert samples["dfscan_root_paused", str(tmp_path)] == 0


def test_health_is_the_loop_that_turns(get: Callable[[str], tuple[int, str]], clock: list[float]) -> None:
    assert get("/healthz") == (200, "ok\n")
    clock[0] = ALIVE_SECONDS + 1
    status, body = get("/healthz")
    assert status == 503
    assert "not turned" in body


def test_a_database_that_is_away_is_told_to_whoever_asks(
    get_from: Callable[[Database], Callable[[str], tuple[int, str]]], capfd: pytest.CaptureFixture[str]
) -> None:
    get = get_from(open_database("postgresql://anna:secret@127.0.0.1:1/dfscan"))
    for path in ("/metrics", "/healthz"):
        status, body = get(path)
        assert status == 503
        assert "cannot be used" in body
        assert "secret" not in body
    assert "Traceback" not in capfd.readouterr().err


def test_there_is_nothing_else(get: Callable[[str], tuple[int, str]]) -> None:
    assert get("/")[0] == get("/../etc/passwd")[0] == 404


@pytest.mark.parametrize(
    "address", ["0.0.0.0:9464", "192.0.2.1:9464", "example.com:80", "9464", "127.0.0.1:port", "", "127.0.0.1:"]
)
def test_only_addresses_of_this_machine(database: Database, now: datetime, address: str) -> None:
    with pytest.raises(MetricsAddressError):
        serve_metrics(address, database, Liveness(), lambda: now)


def test_a_restart_after_a_scrape_takes_the_same_port(database: Database, now: datetime) -> None:
    server = serve_metrics("127.0.0.1:0", database, Liveness(), lambda: now)
    port = server.server_port
    with socket.create_connection(("127.0.0.1", port)) as scraper:
        scraper.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
        while scraper.recv(1024):
            pass  # the server hangs up first, so that its side of the connection is what lingers
    server.shutdown()
    server.server_close()
    again = serve_metrics(f"127.0.0.1:{port}", database, Liveness(), lambda: now)
    assert _ask(f"http://127.0.0.1:{port}/healthz")[0] == 200
    again.shutdown()
    again.server_close()


def test_it_serves_at_ipv6(database: Database, now: datetime) -> None:
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").read_text():
        pytest.skip("this machine has no IPv6")
    server = serve_metrics("[::1]:0", database, Liveness(), lambda: now)
    assert _ask(f"http://[::1]:{server.server_port}/healthz")[0] == 200
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("sent", [b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"])
def test_half_a_request_stops_nothing(database: Database, now: datetime, sent: bytes, soon: None) -> None:
    server = serve_metrics("127.0.0.1:0", database, Liveness(), lambda: now)
    with ExitStack() as stack:
        for _ in range(3):
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", server.server_port)))
            silent.sendall(sent)
        assert _ask(f"http://127.0.0.1:{server.server_port}/healthz")[0] == 200
        server.shutdown()
        server.server_close()
    _requests_ended()


def test_a_request_that_never_ends_is_given_up(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch, soon: None
) -> None:
    monkeypatch.setattr("scanner.ops.http_server.REQUEST_SECONDS", 0.3)
    server = serve_metrics("127.0.0.1:0", database, Liveness(), lambda: now)
    with socket.create_connection(("127.0.0.1", server.server_port)) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        assert slow.recv(1024) == b""
    server.shutdown()
    server.server_close()
    _requests_ended()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:9464", 200),
        ("[::1]:1", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:80", 421),
        ("", 421),
    ],
)
def test_only_who_names_this_machine_is_answered(database: Database, now: datetime, host: str, status: int) -> None:
    server = serve_metrics("127.0.0.1:0", database, Liveness(), lambda: now)
    request = urllib.request.Request(f"http://127.0.0.1:{server.server_port}/metrics", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = answer.status
    except urllib.error.HTTPError as error:
        with error:
            found = error.code
    server.shutdown()
    server.server_close()
    assert found == status
