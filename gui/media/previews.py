"""Large pictures for the preview, decoded in the background; the next ones are decoded before they are asked for."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage

from scanner.base.errors import KnownError
from scanner.media.forensic.view import View
from scanner.media.looking.not_shown import NotShown

from ..tasks.background import Background
from .judged_pictures import JudgedPictures
from .qimage import as_qimage

if TYPE_CHECKING:
    from scanner.media.forensic.tags import Tag
    from scanner.media.looking.views import Seen

T = TypeVar("T")
# Some dozen pictures as large as a screen: those behind the one in sight, and the next ones.
_MEMORY_BYTES = 96 << 20


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
    tags: "tuple[Tag, ...]"
    reason: str = ""


def decode(pictures: JudgedPictures, path: str) -> Shown:
    """For looking at: upright, over white, not too large; of a video, its first frame."""
    return _shown(path, lambda: pictures.whole(path))


def decode_frame(pictures: JudgedPictures, path: str, frame: int, seconds: float | None) -> Shown:
    """A frame of a video or an animation, in the same way."""
    return _shown(path, lambda: pictures.frame(path, frame, seconds))


def reduced(shown: Shown, side: int) -> Shown:
    """No side above `side`, if that is more than 0."""
    longer = max(shown.image.width(), shown.image.height())
    if not side or longer <= side:
        return shown
    small = shown.image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    return replace(shown, image=small, scale=shown.scale * small.width() / shown.image.width())


def examined(pictures: JudgedPictures, path: str, view: View, frame: int, seconds: float | None, size: QSize) -> ExaminedPicture:
    """A forensic view of a file, reduced to `size` where that is less."""
    try:
        seen = pictures.examined(path, view, frame, seconds, (size.width(), size.height()))
        return ExaminedPicture(as_qimage(seen.picture), seen.number)
    except NotShown as error:
        return ExaminedPicture(QImage(), reason=str(error))


def file_tags(pictures: JudgedPictures, path: str) -> FileTags:
    """What a file says of itself in its EXIF and other texts."""
    try:
        return FileTags(path, pictures.tags(path))
    except NotShown as error:
        return FileTags(path, (), str(error))


def _shown(path: str, look: "Callable[[], Seen]") -> Shown:
    try:
        seen = look()
        return Shown(path, as_qimage(seen.picture), seen.number)
    except NotShown as error:
        return Shown(path, QImage(), 1.0, str(error))


class Previews(QObject):
    """Keeps the last few in memory, up to a limit in bytes. `ready` tells of each picture that has come."""

    ready = Signal(object)

    def __init__(self, pictures: JudgedPictures, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pictures = pictures
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
            self._background.ask(lambda: decode(self._pictures, missing[0]), self._keep_and_go_on(then), self._fail, "preview")
        return found

    def show_frame(
        self,
        path: str,
        frame: int,
        seconds: float | None,
        answered: Callable[[Shown], None],
        *,
        topic: str = "frame",
        side: int = 0,
    ) -> None:
        """Give a frame of the video or animation in sight to `answered`, no side above `side` if one is given; it is not kept.

        A newer question on the topic drops the older.
        """
        self._background.ask(
            lambda: reduced(decode_frame(self._pictures, path, frame, seconds), side), answered, self._fail, topic
        )

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
        self._background.ask(lambda: examined(self._pictures, path, view, frame, seconds, size), answered, self._fail, "examined")

    def read_tags(self, path: str, answered: Callable[[FileTags], None]) -> None:
        """Give what the file in sight says in its EXIF and other texts to `answered`."""
        self._background.ask(lambda: file_tags(self._pictures, path), answered, self._fail, "tags")

    def compute(self, work: Callable[[], T], answered: Callable[[T], None], topic: str) -> None:
        """Compute something of pictures that are decoded already; a newer question on the topic drops the older."""
        self._background.ask(work, answered, self._fail, topic)

    def kept(self, path: str) -> Shown | None:
        """The picture if it is at hand."""
        return self._kept.get(path)

    def _decode_first(self, path: str, then: Sequence[str]) -> tuple[Shown, Sequence[str]]:
        return decode(self._pictures, path), then

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
            self._background.ask(
                lambda: decode(self._pictures, missing[0]), self._keep_and_go_on(missing[1:]), self._fail, "preview"
            )

    def _store(self, shown: Shown) -> None:
        self._kept[shown.path] = shown
        self._kept.move_to_end(shown.path)
        while len(self._kept) > 2 and sum(kept.image.sizeInBytes() for kept in self._kept.values()) > _MEMORY_BYTES:
            self._kept.popitem(last=False)

    def _fail(self, error: KnownError) -> None:
        self.ready.emit(Shown(self._wanted, QImage(), 1.0, str(error)))
