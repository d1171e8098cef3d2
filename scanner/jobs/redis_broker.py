"""kombu's Redis transport, of which anything in the queue that is no message would end a worker: here it is dropped.

Every program that may write to the Redis can put something there; a wake-up carries nothing, so nothing is lost with it.
"""

import logging
from queue import Empty
from typing import Any

from kombu.transport import redis

from .wake_up import NoWakeUp, wake_up_of

log = logging.getLogger(__name__)


def _brpop_read(self: Any, **options: Any) -> bool:
    """In the place of kombu's: what came of waiting for a message."""
    try:
        try:
            found = self.client.parse_response(self.client.connection, "BRPOP", **options)
        except self.connection_errors:
            self.client.connection.disconnect()  # the next round connects anew
            raise
        if not found:
            raise Empty
        name, item = found
        queue = name.decode().rsplit(self.sep, 1)[0]
        self._queue_cycle.rotate(queue)
        message = _read(item)
        if message is not None:
            self.connection._deliver(message, queue)
        return True
    finally:
        self._in_poll = None
        if hasattr(self, "_flush_brpop_reauth"):  # since kombu 5.7
            self._flush_brpop_reauth()


def _get(self: Any, queue: Any, timeout: Any = None) -> Any:
    """In the place of kombu's: a message that is there already."""
    with self.conn_or_acquire() as client:
        for priority in self.priority_steps:
            while item := client.rpop(self._q_for_pri(queue, priority)):
                message = _read(item)
                if message is not None:
                    return message
    raise Empty


def _read(item: bytes) -> dict[str, Any] | None:
    try:
        return wake_up_of(item)
    except NoWakeUp as error:
        log.warning("dropped %d bytes in the broker's queue: %s", len(item), error)
        return None


class Channel(redis.Channel):
    """With the two places that take a message off a list."""

    _brpop_read = _brpop_read
    _get = _get


class Transport(redis.Transport):
    """Redis as the broker. Named in Celery's setting `broker_transport` as module:class."""

    Channel = Channel


class SentinelChannel(redis.SentinelChannel):
    """With the two places that take a message off a list."""

    _brpop_read = _brpop_read
    _get = _get


class SentinelTransport(redis.SentinelTransport):
    """The Redis that Sentinels say is the master now."""

    Channel = SentinelChannel
