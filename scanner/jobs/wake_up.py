"""The message that wakes a worker. It carries nothing, so whatever of it is not as it should be is written anew."""

import uuid
from json import loads
from typing import Any

from ..base.errors import KnownError

DRAIN = "dfscan.drain"
QUEUE = "dfscan"
# `[[], {}, {}]`: no arguments, and nothing to do afterwards.
_BODY = "W1tdLCB7fSwge31d"


class NoWakeUp(KnownError):
    """What lies in the queue is no wake-up."""


def wake_up_of(content: bytes | str) -> dict[str, Any]:
    """The wake-up that a broker holds as `content`, in kombu's form. Raises NoWakeUp for everything else.

    By Python's own JSON, as kombu's makes objects of other types of what it reads.
    """
    try:
        payload = loads(content)
    except (ValueError, RecursionError) as error:
        raise NoWakeUp(f"it is no JSON ({type(error).__name__})") from None
    headers = payload.get("headers") if isinstance(payload, dict) else None
    if not isinstance(headers, dict) or headers.get("task") != DRAIN:
        raise NoWakeUp("it is no message of dfscan's")
    return _new_wake_up()


def _new_wake_up() -> dict[str, Any]:
    task_id = str(uuid.uuid4())
    properties = {
        "correlation_id": task_id,
        "delivery_mode": 2,
        "delivery_info": {"exchange": QUEUE, "routing_key": QUEUE},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": str(uuid.uuid4()),
    }
    headers = {"lang": "py", "task": DRAIN, "id": task_id, "root_id": task_id, "retries": 0, "argsrepr": "()", "kwargsrepr": "{}"}
    return {
        "body": _BODY,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": properties,
    }
