"""What a limited process makes of one file for a person to look at."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

from PIL import Image

from ...base.documents import to_document
from ...base.files import handed_over
from ...processes.replies import Answer, BadReply, Made, Refused
from ..forensic.tags import Tag
from ..forensic.view import View
from ..forensic.views import examine
from ..formats import has_video_suffix
from ..frames import frame_of, is_video, video_frame
from ..pictures import SOURCE_PIXELS, decode_image, opened_picture, small_picture

# More is shown reduced: 4 bytes of memory each.
SHOWN_PIXELS = 24_000_000
_SIDE = 1 << 20


@dataclass(frozen=True)
class Seen:
    """An upright RGB picture; `number` is its side divided by the original's, or how much a forensic view is amplified."""

    picture: Image.Image
    number: float = 1.0


@dataclass(frozen=True)
class _Told:
    width: int
    height: int
    number: float


@dataclass(frozen=True)
class _ToldTags:
    tags: tuple[Tag, ...]


def look(view: Callable[..., Any], path: str, arguments: Sequence[Any], file: BufferedReader | None = None) -> Any:
    """In the limited process: `view(path, *arguments)`, with `file` in the place of what lies at the path. Raises Refused."""
    try:
        with handed_over(path, file):
            return view(path, *arguments)
    except OSError as error:
        raise Refused(error.strerror or str(error) or "it cannot be decoded") from None
    except MemoryError:
        raise
    except Exception as error:  # decoders say what they like about broken files
        raise Refused(str(error) or type(error).__name__) from None


def small(path: str, pixels: int) -> Seen:
    """A thumbnail; of a video, its first frame."""
    if not _is_video(path):
        return Seen(small_picture(path, pixels))
    frame = video_frame(path, 0.0)
    frame.thumbnail((pixels, pixels))
    return Seen(frame)


def whole(path: str) -> Seen:
    """The picture over white, at most SHOWN_PIXELS; of a video, its first frame."""
    if _is_video(path):
        return _reduced(video_frame(path, 0.0))
    with opened_picture(path) as picture:
        width, height = picture.size
        if width * height > SOURCE_PIXELS and picture.format != "JPEG":
            raise Refused(f"{width} x {height} pixels are too many to show")
        reduced = None
        if width * height > SHOWN_PIXELS:
            factor = (SHOWN_PIXELS / (width * height)) ** 0.5
            reduced = (max(1, int(width * factor)), max(1, int(height * factor)))
            picture.draft("RGB", reduced)
        image = decode_image(picture, reduced)
        return Seen(image, max(image.size) / max(width, height))


def frame(path: str, number: int, seconds: float | None) -> Seen:
    """A frame of a video or an animation, in the same way."""
    return _reduced(frame_of(path, number, seconds))


def examined(path: str, view: str, number: int, seconds: float | None, size: tuple[int, int]) -> Seen:
    """A forensic view, reduced to `size` where that is less."""
    found = examine(path, View(view), number, seconds)
    return Seen(found.picture if found.picture.width <= size[0] else found.picture.resize(size), found.gain)


def tell_seen(seen: Seen) -> Made:
    """A picture, as it is told."""
    picture = seen.picture.convert("RGB")
    return Made({"width": picture.width, "height": picture.height, "number": float(seen.number)}, (picture.tobytes(),))


def read_seen(answer: Answer) -> Seen:
    """The inverse. Raises BadReply."""
    told = answer.structured(_Told)
    if not 0 < told.width < _SIDE or not 0 < told.height < _SIDE or list(answer.sizes) != [3 * told.width * told.height]:
        raise BadReply("no picture has this size")
    pixels = answer.blob(3 * told.width * told.height)
    return Seen(Image.frombytes("RGB", (told.width, told.height), pixels), told.number)


def tell_tags(tags: Iterable[Tag]) -> Made:
    """Tags, as they are told."""
    return Made(to_document(_ToldTags(tuple(tags))))


def read_told_tags(answer: Answer) -> tuple[Tag, ...]:
    """The inverse. Raises BadReply."""
    return answer.structured(_ToldTags).tags


def _reduced(picture: Image.Image) -> Seen:
    width = picture.width
    factor = min(1.0, (SHOWN_PIXELS / (width * picture.height)) ** 0.5)
    if factor < 1:
        picture = picture.resize((max(1, int(width * factor)), max(1, int(picture.height * factor))))
    return Seen(picture, picture.width / width)


def _is_video(path: str) -> bool:
    return has_video_suffix(path) and is_video(path)
