"""The preview's picture in another light: error levels or noise, computed in the background once a person stays with it."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from scanner.media.forensic.view import View

from ...media.previews import ExaminedPicture, Previews
from ...texts.forensic_texts import TITLES, view_badge, view_sentence

# Whoever leafs through does not want each one.
_REST_MILLISECONDS = 150


@dataclass(frozen=True)
class _Subject:
    path: str
    frame: int
    seconds: float | None
    plain: QImage


class Forensic(QObject):
    """`show_wanted` gives a picture to be shown; `told` words on the picture, and the sentence that belongs to the view."""

    show_wanted = Signal(QImage)
    told = Signal(str, str)

    def __init__(self, previews: Previews, parent: QObject) -> None:
        super().__init__(parent)
        self._previews = previews
        self._subject: _Subject | None = None
        self.view: View | None = None
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(_REST_MILLISECONDS)
        self._resting.timeout.connect(self._ask)

    def toggle(self, view: View) -> None:
        """Show it from now on; the same once more: show pictures as they are."""
        self.view = None if view is self.view else view
        self._resting.stop()
        if self._subject is not None:
            self.show_wanted.emit(self._subject.plain)
            self._ask()

    def forget(self) -> None:
        """Another image is in sight, and its picture is not there yet."""
        self._subject = None
        self._resting.stop()
        self._tell("")

    def set_picture(self, path: str, plain: QImage, frame: int = 0, seconds: float | None = None) -> None:
        """A picture is in sight, as it is."""
        self._subject = _Subject(path, frame, seconds, plain)
        self._tell("being computed\N{HORIZONTAL ELLIPSIS}")
        if self.view is not None:
            self._resting.start()

    def _ask(self) -> None:
        subject, view = self._subject, self.view
        self._tell("being computed\N{HORIZONTAL ELLIPSIS}")
        if subject is None or view is None:
            return

        def show(found: ExaminedPicture) -> None:
            if subject is not self._subject or view is not self.view:
                return
            if found.image.isNull():
                self._tell(f"none of this one: {found.reason}")
                return
            self.show_wanted.emit(found.image)
            self.told.emit(view_badge(view, found.gain), view_sentence(view))

        self._previews.examine(subject.path, view, subject.frame, subject.seconds, subject.plain.size(), show)

    def _tell(self, state: str) -> None:
        if self.view is None:
            self.told.emit("", "")
        else:
            self.told.emit(f"{TITLES[self.view]}: {state}" if state else "", view_sentence(self.view))
