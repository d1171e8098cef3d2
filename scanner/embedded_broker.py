"""kombu's filesystem transport with its two ways to lose a worker mended.

The original writes a message in place, so that a reader may find it empty, and lets the error of an unreadable message
end the worker (kombu issue 2421). Here a message appears whole, and an unreadable one is dropped: it was only a wake-up.
"""

import logging
import uuid
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps

log = logging.getLogger(__name__)


class Channel(filesystem.Channel):  # type: ignore[misc]
    """Messages are files in one folder; see `Transport`."""

    def _put(self, queue: str, payload: Mapping[str, Any], **_: Any) -> None:
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}"
        folder = Path(self.data_folder_out)
        partial = folder / f"{name}.partial"
        partial.write_text(dumps(payload), "utf-8")
        partial.replace(folder / f"{name}.{queue}.msg")

    def _get(self, queue: str) -> Any:
        while True:
            try:
                return super()._get(queue)  # raises Empty, which ends the loop
            except (ValueError, ChannelError) as error:
                log.warning("dropped an unreadable wake-up message: %s", error)


class Transport(filesystem.Transport):  # type: ignore[misc]
    """The embedded broker. Named in `broker_url` as module:class."""

    Channel = Channel
