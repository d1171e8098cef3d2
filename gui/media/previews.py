"""Large pictures for the preview, decoded in the background; the next ones are decoded before they are asked for."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image
from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QImage

from scanner.base.errors import KnownError
from scanner.media.forensic.tags import Tag, read_tags
from scanner.media.forensic.views import View, examine
from scanner.media.formats import has_video_suffix
from scanner.media.frames import frame_of, is_video, video_frame
from scanner.media.pictures import SOURCE_PIXELS, decode_image, opened_picture

from ..tasks.background import Background
from .qimage import as_qimage

# More is shown reduced: 4 bytes of memory each.
SHOWN_PIXELS = 24_000_000
_MEMORY_BYTES = 160 << 20


@dataclass(frozen=True)
class Shown:
    """An upright picture as the preview shows it; `scale` is its side divided by the original's. `image` null: `reason`."""

    path: str
    image: QImage
    scale: float
    reason: str = ""


@dataclass(frozen=True)
class ExaminedPicture:
    """A forensic view as large as the picture that is shown, and how much it is amplified. `image` null: `reason`."""

    image: QImage
    gain: float = 1.0
    reason: str = ""


@dataclass(frozen=True)
class FileTags:
    """The tags of a file; `reason` why there are none, where they could not be read."""

    path: str
    tags: tuple[Tag, ...]
    reason: str = ""


def decode(path: str) -> Shown:
    """Decode for looking at: upright, over white, at most SHOWN_PIXELS; of a video, its first frame."""
    try:
        if has_video_suffix(path) and is_video(path):
            return shown_frame(path, video_frame(path, 0.0))
        with opened_picture(path) as picture:
            width = picture.width
            if width * picture.height > SOURCE_PIXELS and picture.format != "JPEG":
                return Shown(path, QImage(), 1.0, f"{picture.width} x {picture.height} pixels are too many to show")
            longer, reduced = max(picture.size), None
            if width * picture.height > SHOWN_PIXELS:
                factor = (SHOWN_PIXELS / (width * picture.height)) ** 0.5
                reduced = (max(1, int(width * factor)), max(1, int(picture.height * factor)))
                picture.draft("RGB", reduced)
            image = decode_image(picture, reduced)
            return Shown(path, as_qimage(image), max(image.size) / longer)
    except OSError as error:
        return Shown(path, QImage(), 1.0, error.strerror or "it cannot be decoded")
    except Exception as error:  # decoders say what they like about broken files
        return Shown(path, QImage(), 1.0, str(error) or type(error).__name__)


def decode_frame(path: str, frame: int, seconds: float | None) -> Shown:
    """A frame of a video or an animation, in the same way."""
    try:
        return shown_frame(path, frame_of(path, frame, seconds))
    except Exception as error:  # decoders say what they like about broken files
        return Shown(path, QImage(), 1.0, str(error) or type(error).__name__)


def examined(path: str, view: View, frame: int, seconds: float | None, size: QSize) -> ExaminedPicture:
    """A forensic view of a file, reduced to `size` where that is less."""
    try:
        found = examine(path, view, frame, seconds)
        reduced = found.picture if found.picture.width <= size.width() else found.picture.resize(size.toTuple())
        return ExaminedPicture(as_qimage(reduced), found.gain)
    except OSError as error:
        return ExaminedPicture(QImage(), reason=error.strerror or "it cannot be decoded")
    except Exception as error:  # decoders say what they like about broken files
        return ExaminedPicture(QImage(), reason=str(error) or type(error).__name__)


def file_tags(path: str) -> FileTags:
    """What a file says of itself in its EXIF and other texts."""
    try:
        return FileTags(path, read_tags(path))
    except OSError as error:
        return FileTags(path, (), error.strerror or "it cannot be decoded")
    except Exception as error:  # decoders say what they like about broken files
        return FileTags(path, (), str(error) or type(error).__name__)


def shown_frame(path: str, picture: Image.Image) -> Shown:
    """A picture that is decoded already, reduced where it has more than SHOWN_PIXELS."""
    width = picture.width
    factor = min(1.0, (SHOWN_PIXELS / (width * picture.height)) ** 0.5)
    if factor < 1:
        picture = picture.resize((max(1, int(width * factor)), max(1, int(picture.height * factor))))
    return Shown(path, as_qimage(picture), picture.width / width)


class Previews(QObject):
    """Keeps the last few in memory, up to a limit in bytes. `ready` tells of each picture that has come."""

    ready = Signal(object)

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._kept: OrderedDict[str, Shown] = OrderedDict()
        self._wanted = ""

    def show(self, path: str, then: Sequence[str] = ()) -> Shown | None:
        """The picture if it is at hand; otherwise `ready` is emitted. `then` are probably asked for next."""
        self._wanted = path
        found = self._kept.get(path)
        if found is None:
            self._background.ask(lambda: self._decode_first(path, then), self._keep, self._fail, "preview")
            return None
        self._kept.move_to_end(path)
        missing = [other for other in then if other not in self._kept]
        if missing:
            self._background.ask(lambda: decode(missing[0]), self._keep_and_go_on(then), self._fail, "preview")
        return found

    def show_frame(self, path: str, frame: int, seconds: float | None, answered: Callable[[Shown], None]) -> None:
        """Give a frame of the video or animation in sight to `answered`; it is not kept."""
        self._background.ask(lambda: decode_frame(path, frame, seconds), answered, self._fail, "frame")

    def examine(
        self,
        path: str,
        view: View,
        frame: int,
        seconds: float | None,
        size: QSize,
        answered: Callable[[ExaminedPicture], None],
    ) -> None:
        """Give a forensic view of the picture in sight, at most of `size`, to `answered`; it is not kept."""
        self._background.ask(lambda: examined(path, view, frame, seconds, size), answered, self._fail, "examined")

    def read_tags(self, path: str, answered: Callable[[FileTags], None]) -> None:
        """Give what the file in sight says in its EXIF and other texts to `answered`."""
        self._background.ask(lambda: file_tags(path), answered, self._fail, "tags")

    def kept(self, path: str) -> Shown | None:
        """The picture if it is at hand."""
        return self._kept.get(path)

    def _decode_first(self, path: str, then: Sequence[str]) -> tuple[Shown, Sequence[str]]:
        return decode(path), then

    def _keep(self, answer: tuple[Shown, Sequence[str]]) -> None:
        shown, then = answer
        self._store(shown)
        self.ready.emit(shown)
        self._go_on(then)

    def _keep_and_go_on(self, then: Sequence[str]):  # type: ignore[no-untyped-def]
        def keep(shown: Shown) -> None:
            self._store(shown)
            self.ready.emit(shown)
            self._go_on(then)

        return keep

    def _go_on(self, then: Sequence[str]) -> None:
        missing = [path for path in then if path not in self._kept]
        if missing:
            self._background.ask(lambda: decode(missing[0]), self._keep_and_go_on(missing[1:]), self._fail, "preview")

    def _store(self, shown: Shown) -> None:
        self._kept[shown.path] = shown
        self._kept.move_to_end(shown.path)
        while len(self._kept) > 2 and sum(kept.image.sizeInBytes() for kept in self._kept.values()) > _MEMORY_BYTES:
            self._kept.popitem(last=False)

    def _fail(self, error: KnownError) -> None:
        self.ready.emit(Shown(self._wanted, QImage(), 1.0, str(error)))
