"""One frame of a video or an animation, to be looked at. For scoring, decoder processes read videos by themselves."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from PIL import Image

from ..base.files import open_regular
from .formats import HEAD, video_container
from .pictures import decode_image, opened_picture

if TYPE_CHECKING:
    import av

# FFmpeg's names of the containers: it opens nothing else, so that no file makes it open another.
_DEMUXERS = {"MP4": "mov", "MKV": "matroska", "AVI": "avi"}
# So many frames behind a key frame are decoded to find one.
_LOOKED_THROUGH = 600


class NoFrame(ValueError):
    """A frame that cannot be shown; the message says why."""


def is_video(path: str) -> bool:
    """Whether a file is a video by its first bytes."""
    try:
        with open_regular(path) as file:
            return video_container(os.read(file.fileno(), HEAD)) is not None
    except OSError:
        return False


def frame_of(path: str, frame: int, seconds: float | None = None) -> Image.Image:
    """A frame by its number from 0, upright and RGB; of a video, the one at `seconds`. Raises NoFrame and OSError."""
    if is_video(path):
        return video_frame(path, seconds or 0.0)
    with opened_picture(path) as picture:
        try:
            picture.seek(frame)
        except (EOFError, ValueError) as error:
            raise NoFrame(f"it has no frame {frame + 1}") from error
        return decode_image(picture)


def video_frame(path: str, seconds: float) -> Image.Image:
    """The frame of a video at `seconds`, or the nearest one before. Raises NoFrame and OSError."""
    with _opened(path) as container:
        found = _frame_at(container, seconds)
        if found is None:
            raise NoFrame("no frame of it can be decoded")
        return _upright(found)


def spread_frames(path: str, count: int) -> Iterator[tuple[int, Image.Image]]:
    """`count` frames of a video with their numbers from 0, or all where it has fewer: every n-th, n = frames // `count`.

    Raises NoFrame and OSError.
    """
    with _opened(path) as container:
        total = sum(packet.size > 0 for packet in container.demux(_stream(container)))
    step = max(1, total // count)
    with _opened(path) as container:
        wanted = islice(enumerate(container.decode(_stream(container))), 0, step * count, step)
        yield from ((number, _upright(frame)) for number, frame in wanted)


@contextmanager
def _opened(path: str) -> "Iterator[av.container.InputContainer]":
    """A video's container. Raises NoFrame, also for what goes wrong in the block, and OSError."""
    try:
        import av
    except ModuleNotFoundError:
        raise NoFrame("it is a video, and what reads videos is missing: pip install 'dfscan[video]'") from None
    with open_regular(path) as file:
        container_name = video_container(os.read(file.fileno(), HEAD))
        if container_name not in _DEMUXERS:
            raise NoFrame(f"its first bytes are of none of {', '.join(_DEMUXERS)}")
        file.seek(0)
        try:
            with av.open(file, mode="r", format=_DEMUXERS[container_name], buffer_size=1 << 18) as container:
                yield container
        except (av.error.FFmpegError, MemoryError) as error:
            raise NoFrame(f"it cannot be decoded: {error}") from error


def _stream(container: "av.container.InputContainer") -> "av.VideoStream":
    if not container.streams.video:
        raise NoFrame("it holds no pictures, only sound")
    return container.streams.video[0]


def _frame_at(container: "av.container.InputContainer", seconds: float) -> "av.VideoFrame | None":
    stream = _stream(container)
    base = float(stream.time_base or 0) or 1e-3
    wanted = (stream.start_time or 0) + round(seconds / base)
    if seconds:
        container.seek(wanted, stream=stream, backward=True)
    found = None
    for number, frame in enumerate(container.decode(stream)):
        if found is not None and frame.pts is not None and frame.pts > wanted:
            break
        found = frame
        if (frame.pts is not None and frame.pts >= wanted) or number >= _LOOKED_THROUGH:
            break
    return found


def _upright(frame: "av.VideoFrame") -> Image.Image:
    picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    turn: Any = 0
    with suppress(AttributeError):
        turn = frame.rotation
    return picture.rotate(turn, expand=True) if turn else picture
