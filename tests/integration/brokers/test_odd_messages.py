"""Messages that no one of ours wrote: each is dropped, and the queue works on."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from celery import Celery
from files.wake_ups import received
from kombu import Queue

from scanner.base.settings import Settings
from scanner.jobs.queue import (
    clear_embedded_queue,
    make_app,
    wake,
)
from scanner.jobs.wake_up import DRAIN, QUEUE


@pytest.mark.parametrize("content", [b"", b"{", b'{"body": "W1t', b"\xff\xfe\0", b"[]", b"null", b"{}"])
def test_an_empty_or_broken_message_is_dropped(
    embedded: Celery, messages: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (messages / f"0_broken.{QUEUE}.msg").write_bytes(content)
    wake(embedded)
    with caplog.at_level(logging.WARNING):
        assert received(embedded) == [DRAIN]
    assert "dropped" in caplog.text
    assert list(messages.iterdir()) == []


def test_with_only_a_broken_message_the_queue_is_empty(embedded: Celery, messages: Path) -> None:
    (messages / f"0_broken.{QUEUE}.msg").touch()
    with embedded.connection_for_read() as connection, pytest.raises(Empty):
        connection.default_channel._get(QUEUE)


JUNK = [
    b"",
    b"no JSON",
    b"[1, 2]",
    b"null",
    b"7",
    b"\xff\xfe\0",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"properties": {}}',
    b'{"headers": [], "properties": 1}',
    b'{"headers": {"task": 1}, "properties": {"delivery_tag": {}}}',
    b'{"__type__": "uuid", "__value__": 1}',
]


@pytest.mark.parametrize("content", JUNK, ids=range(len(JUNK)))
def test_what_is_no_message_is_dropped_from_redis(tmp_path: Path, redis_url: str, content: bytes) -> None:
    import redis

    app = make_app(Settings(tmp_path, broker_url=redis_url))
    received(app)
    with redis.Redis.from_url(redis_url) as client:
        client.lpush(QUEUE, content)
        assert wake(app)
        with app.connection_for_read() as connection, _got(connection) as names:
            connection.drain_events(timeout=60)
            while not names:
                connection.drain_events(timeout=60)
        assert names == [DRAIN]
        assert client.llen(QUEUE) == 0


@contextmanager
def _got(connection: Any) -> Iterator[list[str]]:
    """The names of tasks that a consumer, as a worker has one, is given."""
    names: list[str] = []
    with connection.Consumer(
        [Queue(QUEUE)], callbacks=[lambda _body, message: names.append(message.headers["task"])], no_ack=True
    ):
        yield names


def test_a_message_with_other_arguments_wakes_like_any_other(tmp_path: Path, redis_url: str) -> None:
    """It carries nothing: neither arguments nor a time to wait for are believed."""
    import redis

    app = make_app(Settings(tmp_path, broker_url=redis_url))
    received(app)
    odd = {"headers": {"task": DRAIN, "eta": "2999-01-01", "retries": "x"}, "body": 5, "properties": {"delivery_tag": []}}
    with redis.Redis.from_url(redis_url) as client:
        client.lpush(QUEUE, json.dumps(odd))
    with app.connection_for_read() as connection:
        message = connection.default_channel.basic_get(QUEUE, no_ack=True)
    assert message.decode() == [[], {}, {}]
    assert "eta" not in message.headers


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"headers": {"task": "other"}}'])
def test_the_embedded_broker_drops_it_too(embedded: Celery, messages: Path, content: bytes) -> None:
    (messages / f"0_deep.{QUEUE}.msg").write_bytes(content)
    wake(embedded)
    assert received(embedded) == [DRAIN]


@pytest.mark.parametrize("makes", [Path.mkdir, lambda path: os.mkfifo(path)], ids=["folder", "FIFO"])
def test_what_is_no_file_is_passed_over(embedded: Celery, messages: Path, makes: Callable[[Path], None], soon: None) -> None:
    odd = messages / f"0_odd.{QUEUE}.msg"
    makes(odd)
    wake(embedded)
    assert received(embedded) == [DRAIN]
    assert odd.exists()
    clear_embedded_queue(Settings(messages.parents[1]))
