"""Prometheus metrics and /healthz of a running `watch`, on this machine only."""

import ipaddress
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..base.errors import KnownError
from ..base.escape import printable
from ..database.engine import Database
from .http_server import Server, only_for_this_machine
from .liveness import ALIVE_SECONDS, Liveness
from .status import Status, current_status


class MetricsAddressError(KnownError):
    """The address cannot be used, or is not this machine's own."""


class StatusCollector(Collector):
    """`status` as metrics."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Ask the database anew."""
        status = current_status(self._database, self._now())
        files = GaugeMetricFamily("dfscan_files", "Files by state", labels=["state"])
        for state, count in status.files.items():
            files.add_metric([state], count)
        yield files
        yield GaugeMetricFamily("dfscan_pending_files", "Files that wait for a verdict", status.pending)
        yield GaugeMetricFamily("dfscan_leased_files", "Pending files that a worker has in hand", status.leased)
        yield GaugeMetricFamily("dfscan_workers", "Workers at work", len(status.workers))
        yield from _of_roots(status)


def _of_roots(status: Status) -> Iterator[Metric]:
    counters: tuple[tuple[str, str, str], ...] = (
        ("dfscan_root_overflows", "Times the system dropped events", "overflows"),
        ("dfscan_root_found_by_events", "New and changed files that an event named", "found_by_events"),
        ("dfscan_root_found_by_sweep", "New and changed files that only a sweep found", "found_by_sweep"),
    )
    for name, what, field in counters:
        counter = CounterMetricFamily(name, what, labels=["root"])
        for root in status.roots:
            counter.add_metric([printable(root.path)], getattr(root, field))
        yield counter
    paused = GaugeMetricFamily("dfscan_root_paused", "1 while the folder is away", labels=["root"])
    swept = GaugeMetricFamily("dfscan_root_swept_timestamp_seconds", "When the last full sweep ended", labels=["root"])
    for root in status.roots:
        paused.add_metric([printable(root.path)], float(root.paused_at is not None))
        if root.swept_at is not None:
            swept.add_metric([printable(root.path)], root.swept_at.timestamp())
    yield paused
    yield swept


def serve_metrics(address: str, database: Database, pulse: Liveness, now: Callable[[], datetime]) -> Server:
    """Serve /metrics and /healthz at `address` (HOST:PORT) from a thread of its own; the caller shuts it down.

    Raises MetricsAddressError, also for an address that other machines could reach.
    """
    host, port = _loopback(address)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Undescribed(StatusCollector(database, now)))
    metrics = make_wsgi_app(registry)

    def respond(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] not in ("/metrics", "/healthz"):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics and /healthz are here\n"]
        trouble = _trouble(database, pulse)
        if environ["PATH_INFO"] == "/metrics":
            try:
                return list(metrics(environ, start_response))
            except KnownError as error:  # the database: the scraper is told, our log is not flooded
                trouble = str(error)
        start_response("503 Service Unavailable" if trouble else "200 OK", [("Content-Type", "text/plain")])
        return [f"{trouble or 'ok'}\n".encode()]

    try:
        server = Server(host, port, only_for_this_machine(respond, host))
    except OSError as error:
        raise MetricsAddressError(f"metrics_address {address} cannot be used: {error.strerror}; choose another port") from None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def _trouble(database: Database, pulse: Liveness) -> str | None:
    if not pulse.is_alive:
        return f"the service has not turned for {ALIVE_SECONDS:g} s"
    try:
        with database.read() as session:
            session.connection().exec_driver_sql("SELECT 1")
    except KnownError as error:
        return str(error)
    return None


def _loopback(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        is_own = host == "localhost" or ipaddress.ip_address(host).is_loopback
        number = int(port)
    except ValueError:
        raise MetricsAddressError(f"metrics_address {address!r} is not HOST:PORT, such as 127.0.0.1:9464; correct it") from None
    if not is_own:
        raise MetricsAddressError(f"metrics_address {address} could be reached from other machines; use 127.0.0.1:{port}")
    return host, number


class _Undescribed(Collector):
    """A registry asks for the names at registration, and again for each scrape: only the second needs the database."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        return self._collector.collect()
