"""kombu's filesystem transport with its two ways to lose a worker mended.

The original writes a message in place, so that a reader may find it empty, and lets the error of an unreadable message
end the worker (kombu issue 2421). Here a message appears whole, and an unreadable one is dropped: it was only a wake-up.
Nothing is written outside of the broker's folder; what is no file in it is left alone.
"""

import logging
import uuid
from collections.abc import Mapping
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps

from ..base.files import open_regular, write_whole
from .wake_up import NoWakeUp, wake_up_of

LONGEST_WAIT_SECONDS = 0.3

log = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """Messages are files in one folder; see `Transport`."""

    def _put(self, queue: str, payload: Mapping[str, Any], **_: Any) -> None:  # type: ignore[override]
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}"
        message: str = dumps(payload)  # type: ignore[no-untyped-call]
        write_whole(Path(self.data_folder_out) / f"{name}.{queue}.msg", message)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        folder = Path(self.data_folder_in)
        for message in sorted(folder.glob(f"*.{queue}.msg")):
            taken = message.with_suffix(".taken")
            try:
                with open_regular(message, follow=False):
                    pass  # what is no file is left where it is
                message.rename(taken)  # whoever succeeds has it
                content = taken.read_bytes()
                taken.unlink()
            except OSError:
                continue
            try:
                return wake_up_of(content)
            except NoWakeUp as error:
                log.warning("dropped an unreadable wake-up message: %s", error)
        raise Empty


class Transport(filesystem.Transport):
    """The embedded broker. Named in Celery's setting `broker_transport` as module:class."""

    Channel = Channel

    def drain_events(self, connection: Any, timeout: float | None = None, **_: Any) -> None:
        """Come back more often than Celery asks for, so that a request to stop is seen at once."""
        wait = min(timeout or LONGEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)
        super().drain_events(connection, timeout=wait)  # type: ignore[no-untyped-call]
