"""The Celery application and the wake-up message. The message carries nothing: the database is the truth."""

import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from celery import Celery

from ..base.access.private import private_folder
from ..base.addresses.sqlite_urls import sqlite_path
from ..base.errors import KnownError
from ..base.settings import Settings
from ..base.trouble_log import TroubleLog
from .broker_troubles import UNREADABLE_URL, broker_errors, in_words
from .wake_up import DRAIN, QUEUE

# More waiting wake-ups than this are no use: each worker that gets one goes on until nothing is pending.
ENOUGH_WAITING = 4
# A Redis that takes longer for an answer counts as away.
ANSWER_SECONDS = 10.0

_REDIS = "scanner.jobs.redis_broker:Transport"
_TRANSPORTS = {
    "redis": _REDIS,
    "rediss": _REDIS,
    "redis+socket": _REDIS,
    "sentinel": "scanner.jobs.redis_broker:SentinelTransport",
    "": "scanner.jobs.embedded_broker:Transport",
}

log = logging.getLogger(__name__)


class BrokerUrlError(KnownError):
    """A broker that is not supported."""


def make_app(settings: Settings) -> Celery:
    """The Celery application on the configured broker, or on the embedded one: a private folder of message files."""
    scheme = settings.broker.partition(":")[0]
    if scheme == "sentinel" and not settings.broker_master:
        raise BrokerUrlError("Sentinels know their master by a name; say which in DFSCAN_BROKER_MASTER (mymaster, mostly)")
    if scheme not in _TRANSPORTS:
        # Without the URL: one that is mistyped may show its password where it is not looked for.
        raise BrokerUrlError("the broker URL begins with none of redis://, rediss:// and sentinel://; correct DFSCAN_BROKER_URL")
    app = Celery("dfscan", set_as_current=False)
    app.conf.update(
        broker_url=settings.broker or "filesystem://localhost//",
        broker_transport=_TRANSPORTS[scheme],
        broker_use_ssl=_tls(settings) if scheme == "rediss" else None,
        broker_transport_options=_redis_options(settings) if settings.broker else _folder_options(settings.data_dir),
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # for ever: the supervisor looks after a worker that does not come back
        task_default_queue=QUEUE,
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        # Events and remote control would fill the embedded broker's folder with messages that no one reads.
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return app


def waker(settings: Settings) -> Callable[[], bool]:
    """`wake` on the configured broker, for those who need to know nothing of Celery. It says when the broker goes and comes."""
    return partial(wake, make_app(settings), TroubleLog(log, "the broker"))


def wake(app: Celery, trouble: TroubleLog | None = None) -> bool:
    """Tell the workers that there is something pending; False when the broker is out of reach.

    That costs time, not work: the rows are in the database, and the reconcile tick wakes again.
    """
    trouble = trouble or TroubleLog(log, "the broker")
    try:
        connecting = connection_of(app)
    except BrokerUrlError as error:
        trouble.fails(str(error))
        return False
    with connecting as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=3)
            channel = connection.default_channel
            waiting = channel.queue_declare(QUEUE, durable=True, auto_delete=False).message_count
            if waiting < ENOUGH_WAITING:
                app.send_task(DRAIN, connection=connection, retry=False)
        except broker_errors(connection) as error:
            trouble.fails(f"{in_words(error)}; pending files wait and are announced again later")
            return False
    trouble.works()
    return True


def connection_of(app: Celery) -> Any:
    """A connection to the broker that is made when it is first used. Raises BrokerUrlError."""
    try:
        return app.connection_for_write(connect_timeout=3)
    except (ValueError, TypeError):
        raise BrokerUrlError(UNREADABLE_URL) from None  # and not shown: any part of it may be one of its password


def why_unreachable(settings: Settings) -> str | None:
    """Why the broker does not take messages; None when it does."""
    with connection_of(make_app(settings)) as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=3)
            connection.default_channel.queue_declare(QUEUE, durable=True, auto_delete=False)
        except broker_errors(connection) as error:
            return in_words(error)
    return None


def why_polling(settings: Settings) -> str | None:
    """Why workers on other machines are not woken, in words; None where they are, or where there can be none."""
    if settings.broker or sqlite_path(settings.url) is not None or settings.url.startswith("sqlite"):
        return None
    return (
        "the database is a server's and the broker this machine's own, so workers on other machines are not woken: they look for "
        f"work every {settings.reconcile_seconds:g} s"
    )


def clear_embedded_queue(settings: Settings) -> None:
    """Remove all messages and bindings from the embedded broker's folder; nothing happens with another broker.

    Called when a worker starts: what a killed process left half written goes, and a lost wake-up is sent again.
    """
    if not settings.broker:
        for name in ("messages", "control"):
            for file in _folder(settings.data_dir, name).iterdir():
                with suppress(OSError):  # a folder that someone put there
                    file.unlink(missing_ok=True)


def _tls(settings: Settings) -> dict[str, Any]:
    # kombu's own default is to believe any server, and to give it the password.
    trusted = {"ssl_ca_certs": settings.broker_ca_file} if settings.broker_ca_file else {}
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True, **trusted}


def _redis_options(settings: Settings) -> dict[str, Any]:
    # Wake-ups are acknowledged at once and lost ones are sent again, so redelivery must not come soon.
    return {
        "visibility_timeout": 3600,
        "socket_connect_timeout": 3,
        "socket_timeout": ANSWER_SECONDS,
        "socket_keepalive": True,
        "health_check_interval": 30,
        **({"master_name": settings.broker_master} if settings.broker_master else {}),
        **(
            {"sentinel_kwargs": {"password": settings.broker_password}}
            if settings.broker_master and settings.broker_password
            else {}
        ),
    }


def _folder_options(data_dir: Path) -> dict[str, Any]:
    messages = str(_folder(data_dir, "messages"))
    return {
        "data_folder_in": messages,
        "data_folder_out": messages,
        "control_folder": str(_folder(data_dir, "control")),
        "polling_interval": 0.1,
    }


def _folder(data_dir: Path, name: str) -> Path:
    folder = data_dir / "queue" / name
    private_folder(folder.parent)
    return private_folder(folder)
