"""Frames of a video: scene changes first, then spread evenly. The worker opens the file for the decoder. Imports no torch.

What is read names no other file: the container is given to FFmpeg, as a playlist would make it open what it likes.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scanner.base.files import open_regular

from ..detector.image.picture import Decoded, NeedsMemory, PictureError

if TYPE_CHECKING:
    import av

# FFmpeg's names of the containers.
_DEMUXERS = {"MP4": "mov", "MKV": "matroska", "AVI": "avi"}
# A clip with no more pixels in all (40 s of 1080p at 25 per second) is looked through frame by frame, a longer one at so many
# key frames for each frame that is wanted.
THROUGH_PIXELS, LOOKS_PER_FRAME = 2_000_000_000, 4
# Grey levels, mean over a small copy: a change of scene is above it, movement below.
SCENE_CHANGE = 24.0
_SMALL = 16


@dataclass(frozen=True)
class Video:
    """A video file as it was when its content was hashed. `size` in bytes; `container` by `recognise.video_container`; `inode`
    where the file system can be relied on for it: what is opened again by its name is the same file, whatever led there."""

    path: str
    container: str
    size: int
    mtime_ns: int
    inode: int | None = field(default=None, compare=False)

    def is_as_hashed(self, status: os.stat_result) -> bool:
        """Whether that is its status."""
        is_same = self.inode is None or status.st_ino == self.inode
        return is_same and (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns)


@dataclass(frozen=True)
class Look:
    """A place in a video: `pts` in the stream's time base, `seconds` from its start, `change` (grey levels) since the last."""

    pts: int
    frame: int
    seconds: float
    change: float


def sampled_frames(video: Video, *, count: int, max_pixels: int, file: BufferedReader | None = None) -> Iterator[Decoded]:
    """`count` frames (fewer if the video has fewer), upright and RGB, one at a time, in their order.

    They are read from `file`, where that is open already. Of a long video the numbers of frames are told by its rate. Raises
    PictureError when it cannot be decoded.
    """
    try:
        import av
    except ModuleNotFoundError:
        raise PictureError("a video, and the package to read it is missing: pip install 'dfscan[video]'") from None
    try:
        with _opened(video, file) as container:
            if not container.streams.video:
                raise PictureError("it holds no pictures, only sound")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1  # there are as many decoders as the settings say
            size = stream.codec_context.width, stream.codec_context.height
            _demand_size(*size, max_pixels)
            for look in chosen(_looks(container, stream, count), count):
                frame = _frame_at(container, stream, look.pts)
                if frame is not None:
                    _demand_size(frame.width, frame.height, max_pixels)
                    yield Decoded(_upright(frame), video.container, *size, look.frame, look.seconds)
                    del frame
    except PictureError:
        raise
    except MemoryError:
        raise NeedsMemory from None
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise PictureError(f"cannot be decoded: {error}") from error


def chosen(looks: Sequence[Look], count: int) -> list[Look]:
    """`count` of `looks`: the first of each scene, evenly if there are too many; then, each time, what is farthest from all."""
    if not looks:
        raise PictureError("no frame of it can be decoded")
    scenes = [0, *(number for number, look in enumerate(looks) if number and look.change > SCENE_CHANGE)]
    taken = sorted({scenes[number * len(scenes) // count] for number in range(count)})
    distances = np.full(len(looks), np.inf)
    places = np.arange(len(looks))
    for number in taken:
        distances = np.minimum(distances, np.abs(places - number))
    while len(taken) < min(count, len(looks)):
        number = int(distances.argmax())
        taken.append(number)
        distances = np.minimum(distances, np.abs(places - number))
    return [looks[number] for number in sorted(taken)]


@contextmanager
def _opened(video: Video, opened: BufferedReader | None) -> Iterator["av.container.InputContainer"]:
    import av

    with opened or open_regular(video.path) as file:
        if not video.is_as_hashed(os.fstat(file.fileno())):
            raise PictureError("it has changed meanwhile")
        with av.open(file, mode="r", format=_DEMUXERS[video.container], buffer_size=1 << 18) as container:
            yield container


def _looks(container: "av.container.InputContainer", stream: "av.video.stream.VideoStream", count: int) -> list[Look]:
    time_base, rate = float(stream.time_base or 0) or 1e-3, float(stream.average_rate or 25)
    start = stream.start_time or 0
    seconds = stream.duration * time_base if stream.duration else (container.duration or 0) / 1e6
    pixels = stream.codec_context.width * stream.codec_context.height
    through = not seconds or seconds * rate * pixels <= THROUGH_PIXELS
    found = (
        _through(container, stream, THROUGH_PIXELS // pixels) if through else _at_keys(container, stream, start, seconds, count)
    )
    looks: list[Look] = []
    before: NDArray[np.int16] | None = None
    for number, frame in enumerate(found):
        now = frame.reformat(width=_SMALL, height=_SMALL, format="gray").to_ndarray().astype(np.int16)
        change = 0.0 if before is None else float(np.abs(now - before).mean())
        at = (frame.pts - start) * time_base
        looks.append(Look(frame.pts, number if through else round(at * rate), at, change))
        before = now
    return looks


def _through(container: "av.container.InputContainer", stream: "av.video.stream.VideoStream", most: int) -> Iterator[Any]:
    """One frame after the other, as far as they can be decoded."""
    import av

    given = 0
    try:
        for frame in container.decode(stream):
            if frame.pts is not None:
                yield frame
                given += 1
            if given >= most:
                return
    except av.error.FFmpegError:
        if not given:
            raise


def _at_keys(
    container: "av.container.InputContainer", stream: "av.video.stream.VideoStream", start: int, seconds: float, count: int
) -> Iterator[Any]:
    """The key frames before evenly spaced times."""
    last = None
    for number in range(LOOKS_PER_FRAME * count):
        at = start + int(number / (LOOKS_PER_FRAME * count) * seconds / float(stream.time_base or 1e-3))
        container.seek(at, stream=stream)
        frame = next((frame for frame in container.decode(stream) if frame.pts is not None), None)
        if frame is not None and (last is None or (frame.pts or 0) > last):
            last = frame.pts
            yield frame


def _frame_at(container: "av.container.InputContainer", stream: "av.video.stream.VideoStream", pts: int) -> Any:
    container.seek(pts, stream=stream)
    return next((frame for frame in container.decode(stream) if frame.pts is not None and frame.pts >= pts), None)


def _upright(frame: Any) -> Image.Image:
    picture: Image.Image = frame.to_image()
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture


def _demand_size(width: int, height: int, max_pixels: int) -> None:
    if not 0 < width * height <= max_pixels:
        raise PictureError(f"its frames have {width:,} x {height:,} pixels, the limit is {max_pixels / 1e6:,.0f} megapixels")
