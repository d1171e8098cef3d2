"""The Celery application and the wake-up message. The message carries nothing: the database is the truth."""

import logging
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from celery import Celery
from kombu.exceptions import ChannelError, OperationalError

from ..base.errors import KnownError
from ..base.settings import Settings

DRAIN = "dfscan.drain"
QUEUE = "dfscan"
# More waiting wake-ups than this are no use: each worker that gets one goes on until nothing is pending.
ENOUGH_WAITING = 4

_SCHEMES = ("redis", "rediss", "redis+socket", "sentinel")

log = logging.getLogger(__name__)


class BrokerUrlError(KnownError):
    """A broker that is not supported."""


def make_app(settings: Settings) -> Celery:
    """The Celery application on the configured broker, or on the embedded one: a private folder of message files."""
    scheme = settings.broker_url.partition(":")[0]
    if settings.broker_url and scheme not in _SCHEMES:
        raise BrokerUrlError(f"the broker URL begins with {scheme!r}, not with redis:// or rediss://; see DFSCAN_BROKER_URL")
    app = Celery("dfscan", set_as_current=False)
    app.conf.update(
        broker_url=settings.broker_url or "filesystem://localhost//",
        broker_transport=None if settings.broker_url else "scanner.jobs.embedded_broker:Transport",
        broker_use_ssl=_tls(settings) if scheme == "rediss" else None,
        broker_transport_options=_redis_options(settings) if settings.broker_url else _folder_options(settings.data_dir),
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
    """`wake` on the configured broker, for those who need to know nothing of Celery."""
    return partial(wake, make_app(settings))


def wake(app: Celery) -> bool:
    """Tell the workers that there is something pending; False when the broker is out of reach.

    That costs time, not work: the rows are in the database, and the reconcile tick wakes again.
    """
    try:
        with app.connection_for_write(connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
            channel = connection.default_channel
            waiting = channel.queue_declare(QUEUE, durable=True, auto_delete=False).message_count
            if waiting < ENOUGH_WAITING:
                app.send_task(DRAIN, connection=connection, retry=False)
    except (OperationalError, ChannelError, OSError, ValueError, TypeError) as error:  # the last of odd parameters in the URL
        log.warning("the broker cannot be reached (%s); pending files wait and are announced again later", error)
        return False
    return True


def can_reach(settings: Settings) -> bool:
    """Whether the broker answers."""
    try:
        with make_app(settings).connection_for_write(connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
            connection.default_channel.queue_declare(QUEUE, durable=True, auto_delete=False)
    except (OperationalError, ChannelError, OSError, ValueError, TypeError) as error:
        log.debug("the broker cannot be reached: %s", error)
        return False
    return True


def clear_embedded_queue(settings: Settings) -> None:
    """Remove all messages and bindings from the embedded broker's folder; nothing happens with another broker.

    Called when a worker starts: what a killed process left half written goes, and a lost wake-up is sent again.
    """
    if not settings.broker_url:
        for name in ("messages", "control"):
            for file in _folder(settings.data_dir, name).iterdir():
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
        "socket_timeout": 10,
        "socket_keepalive": True,
        "health_check_interval": 30,
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
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.parent.chmod(0o700)
    return folder
