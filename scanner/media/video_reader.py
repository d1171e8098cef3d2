"""Whether videos can be read here."""

from importlib.util import find_spec

from ..base.errors import KnownError
from ..base.settings import Settings


class NoVideoReader(KnownError):
    """Videos are asked for, and what reads them is not installed."""


def has_video_reader() -> bool:
    """Whether a worker here can read videos."""
    return find_spec("av") is not None


def demand_video_reader(settings: Settings) -> None:
    """Raises NoVideoReader when videos are wanted and a worker here could not read them."""
    if settings.videos and not has_video_reader():
        raise NoVideoReader(
            "videos are wanted (--videos, setting videos), but the package `av` is missing: pip install 'dfscan[video]'"
        )
