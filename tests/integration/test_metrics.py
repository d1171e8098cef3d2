"""Metrics and health of a service, over HTTP on this machine."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scanner.database.engine import Database
from scanner.ledger import add_to_counts
from scanner.metrics import MetricsAddressError, serve_metrics
from scanner.pulse import ALIVE_SECONDS, Pulse
from scanner.roots import add_roots


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def get(database: Database, now: datetime, clock: list[float]) -> Iterator[Callable[[str], tuple[int, str]]]:
    """`get(path)`: status and body."""
    server = serve_metrics("127.0.0.1:0", database, Pulse(lambda: clock[0]), lambda: now)

    def ask(path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    yield ask
    server.shutdown()
    server.server_close()


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


def test_there_is_nothing_else(get: Callable[[str], tuple[int, str]]) -> None:
    assert get("/")[0] == get("/../etc/passwd")[0] == 404


@pytest.mark.parametrize(
    "address", ["0.0.0.0:9464", "192.0.2.1:9464", "example.com:80", "9464", "127.0.0.1:port", "", "127.0.0.1:"]
)
def test_only_addresses_of_this_machine(database: Database, now: datetime, address: str) -> None:
    with pytest.raises(MetricsAddressError):
        serve_metrics(address, database, Pulse(), lambda: now)
