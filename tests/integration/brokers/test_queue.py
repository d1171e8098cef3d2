"""The wake-up message on the embedded broker, on Redis, and with no broker at all."""

import logging
import stat
import threading
import time
from pathlib import Path

import pytest
from celery import Celery
from files.wake_ups import received

from scanner.base.settings import Settings
from scanner.jobs.queue import (
    ENOUGH_WAITING,
    clear_embedded_queue,
    make_app,
    wake,
)
from scanner.jobs.wake_up import DRAIN, QUEUE


def test_a_wake_up_arrives(app: Celery) -> None:
    assert wake(app)
    assert received(app) == [DRAIN]
    assert received(app) == []


def test_however_often_it_is_called_few_messages_wait(app: Celery) -> None:
    for _ in range(30):
        assert wake(app)
    assert received(app) == [DRAIN] * ENOUGH_WAITING
    wake(app)
    assert received(app) == [DRAIN]


def test_a_wake_up_carries_nothing_and_is_no_pickle(app: Celery) -> None:
    wake(app)
    with app.connection_for_read() as connection:
        message = connection.default_channel.basic_get(QUEUE, no_ack=True)
    assert message.content_type == "application/json"
    assert message.decode()[:2] == [[], {}]
    assert app.conf.accept_content == ["json"]


def test_the_embedded_queue_is_private(embedded: Celery, tmp_path: Path) -> None:
    wake(embedded)
    for folder in ("queue", "queue/messages", "queue/control"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700


def test_the_embedded_queue_is_made_private_again(tmp_path: Path) -> None:
    (tmp_path / "queue").mkdir(mode=0o777)
    (tmp_path / "queue").chmod(0o777)
    make_app(Settings(tmp_path))
    assert stat.S_IMODE((tmp_path / "queue").stat().st_mode) == 0o700


def test_a_message_is_never_seen_half_written(embedded: Celery, messages: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Three writers and two readers at once; no reader must find anything to drop."""
    stop = threading.Event()
    names: list[str] = []

    def write() -> None:
        while not stop.is_set():
            wake(embedded)

    def read() -> None:
        while not stop.is_set():
            names.extend(received(embedded))

    threads = [threading.Thread(target=work) for work in (write, write, write, read, read)]
    with caplog.at_level(logging.WARNING):
        for thread in threads:
            thread.start()
        time.sleep(2)
        stop.set()
        for thread in threads:
            thread.join()
    names += received(embedded)
    assert names
    assert set(names) == {DRAIN}
    assert caplog.text == ""
    assert list(messages.iterdir()) == []


def test_two_readers_never_get_the_same_message(tmp_path: Path) -> None:
    apps = [make_app(Settings(tmp_path)) for _ in range(2)]
    got: list[str] = []
    together = threading.Barrier(2)

    def read(app: Celery) -> None:
        together.wait()
        got.extend(received(app))

    for _ in range(20):
        for _ in range(ENOUGH_WAITING):
            wake(apps[0])
        threads = [threading.Thread(target=read, args=[app]) for app in apps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(got) == 20 * ENOUGH_WAITING


def test_clearing_leaves_an_empty_queue_that_works(embedded: Celery, tmp_path: Path, messages: Path) -> None:
    wake(embedded)
    (messages / "half.partial").touch()
    clear_embedded_queue(Settings(tmp_path))
    assert list(messages.iterdir()) == []
    assert received(embedded) == []
    assert wake(embedded)
    assert received(embedded) == [DRAIN]


def test_clearing_does_not_touch_another_broker(redis_url: str, tmp_path: Path) -> None:
    settings = Settings(tmp_path, broker_url=redis_url)
    app = make_app(settings)
    received(app)
    wake(app)
    clear_embedded_queue(settings)
    assert received(app) == [DRAIN]
    assert not (tmp_path / "queue").exists()
