"""Two pictures at one scale: side by side, one over the other by hand or blinking, or their difference."""

from collections.abc import Mapping
from enum import Enum, auto

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from scanner.base.escape import printable

from ...media.difference import GAINS, Pair, pair_of
from ...media.previews import Previews, Shown
from ...style.spacing import EDGE
from ...texts.accessible_names import named
from ...texts.forensic_texts import difference_sentence
from ...texts.key_words import with_key
from ...texts.outside import plain
from ..elided_label import ElidedLabel
from .overlays import Words
from .preview_view import PreviewView

# Slower than what can harm (WCAG 2.2, 2.3.1: three flashes a second).
_BLINK_MILLISECONDS = 600
_FIT_LIMIT = 32.0
_BUTTONS = {"swap": "One over the other", "blink": "Blink", "difference": "Difference"}


class Mode(Enum):
    """How the two are shown."""

    SIDE_BY_SIDE = auto()
    OVER = auto()
    DIFFERENCE = auto()


class CompareView(QWidget):
    """`ended` when the person has seen enough. Zooming and dragging one picture moves the others along."""

    ended = Signal()

    def __init__(self, previews: Previews, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._previews = previews
        self._previews.ready.connect(self._show)
        self._paths = ("", "")
        self._sizes = ("", "")
        self._words = ("", "")
        self._images = (QImage(), QImage())
        self._pair: Pair | None = None
        self.mode = Mode.SIDE_BY_SIDE
        self.is_second = False  # of two that lie over each other
        self.pictures = (named(PreviewView(), "The image in sight"), named(PreviewView(), "The other image"))
        self.over = named(PreviewView(), "Both images, one over the other")
        self.names = (ElidedLabel(), ElidedLabel())
        self.captions = (plain(QLabel()), plain(QLabel()))
        self.words = named(plain(QLabel()), "What the difference shows")
        self.words.setWordWrap(True)
        self.blinking = QTimer(self)
        self.blinking.setInterval(_BLINK_MILLISECONDS)
        self.blinking.timeout.connect(self._turn)
        self.buttons = {name: QPushButton(text) for name, text in _BUTTONS.items()}
        self.gain = named(QComboBox(), "How much the difference is amplified")
        for gain in GAINS:
            self.gain.addItem(f"\N{MULTIPLICATION SIGN}{gain}", gain)
        self.gain.setCurrentIndex(GAINS.index(16))
        self.back = QPushButton("Back (Esc)")
        self.whom = named(plain(QLabel("A decision is for the left image alone")), "Whom a decision is for")
        self._lay_out()
        self._connect()

    @property
    def all_pictures(self) -> tuple[PreviewView, ...]:
        """Beside each other, and over each other."""
        return (*self.pictures, self.over)

    def show_keys(self, keys: Mapping[str, str]) -> None:
        """Buttons name the keys in force."""
        for name, button in self.buttons.items():
            button.setText(_BUTTONS[name] + with_key(keys.get(name, "")))

    def compare(self, path: str, caption: str, other: str, other_caption: str) -> None:
        """Show two files in the mode that was last chosen; captions say what is known of them."""
        self._paths, self._words, self._sizes = (path, other), (caption, other_caption), ("", "")
        self._images = (QImage(), QImage())
        self._pair = None
        for picture in self.all_pictures:
            picture.show_text("Loading\N{HORIZONTAL ELLIPSIS}")
        self._caption()
        for shown in (self._previews.show(path, [other]), self._previews.kept(other)):
            if shown is not None:
                self._show(shown)

    def swap(self) -> None:
        """One over the other, in the same place; each time the other one."""
        self.blinking.stop()
        self.is_second = not self.is_second if self.mode is Mode.OVER else True
        self._enter(Mode.OVER)

    def blink(self) -> None:
        """The same by itself, and no more."""
        if self.blinking.isActive():
            self.blinking.stop()
        else:
            self._enter(Mode.OVER)
            self.blinking.start()

    def toggle_difference(self) -> None:
        """Where the two differ, and back to both beside each other."""
        self.blinking.stop()
        self._enter(Mode.SIDE_BY_SIDE if self.mode is Mode.DIFFERENCE else Mode.DIFFERENCE)

    def amplify(self) -> None:
        """The next gain, and behind the last the first."""
        self.gain.setCurrentIndex((self.gain.currentIndex() + 1) % self.gain.count())

    def escape(self) -> bool:
        """Both beside each other again; False when they are."""
        self.blinking.stop()
        if self.mode is Mode.SIDE_BY_SIDE:
            return False
        self._enter(Mode.SIDE_BY_SIDE)
        return True

    def rest(self) -> None:
        """Nothing moves while nobody looks."""
        self.blinking.stop()

    def focus(self) -> None:
        """Keys move the picture in sight."""
        (self.pictures[0] if self.mode is Mode.SIDE_BY_SIDE else self.over).setFocus()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        beside = QWidget()
        sides = QHBoxLayout(beside)
        sides.setContentsMargins(0, 0, 0, 0)
        for column, (picture, caption) in enumerate(zip(self.pictures, self.captions, strict=True)):
            grid.addWidget(self.names[column], 0, column)
            grid.addWidget(caption, 1, column)
            grid.setColumnStretch(column, 1)
            sides.addWidget(picture, 1)
        self.stack = QStackedWidget()
        self.stack.addWidget(beside)
        self.stack.addWidget(self.over)
        row = QHBoxLayout()
        row.addWidget(self.back)
        row.addWidget(self.whom)
        row.addStretch()
        for widget in (*self.buttons.values(), self.gain):
            row.addWidget(widget)
        column_of_all = QVBoxLayout(self)
        column_of_all.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        column_of_all.addLayout(row)
        column_of_all.addLayout(grid)
        column_of_all.addWidget(self.stack, 1)
        column_of_all.addWidget(self.words)
        self.words.setVisible(False)

    def _connect(self) -> None:
        self.back.clicked.connect(self.ended)
        for name, work in (("swap", self.swap), ("blink", self.blink), ("difference", self.toggle_difference)):
            self.buttons[name].clicked.connect(work)
        self.gain.currentIndexChanged.connect(self._ask_pair)
        for picture in self.all_pictures:
            picture.fit_limit = _FIT_LIMIT  # a small copy is as large as its original
            picture.double_clicked.connect(picture.zoom_at)
            picture.looked.connect(self._follow)

    def _follow(self) -> None:
        moved = self.sender()
        if isinstance(moved, PreviewView):
            for picture in self.all_pictures:
                if picture is not moved:
                    picture.look_like(moved)

    def _enter(self, mode: Mode) -> None:
        self.mode = mode
        self.stack.setCurrentIndex(0 if mode is Mode.SIDE_BY_SIDE else 1)
        self.words.setVisible(mode is Mode.DIFFERENCE)
        self.focus()
        if self._pair is None:
            self._ask_pair()
        self._show_over()
        self._caption()

    def _turn(self) -> None:
        self.is_second = not self.is_second
        self._show_over()
        self._caption()

    def _show(self, shown: Shown) -> None:
        if shown.path not in self._paths:
            return
        for number, (path, picture) in enumerate(zip(self._paths, self.pictures, strict=True)):
            if shown.path != path or picture.image is shown.image:
                continue
            if shown.image.isNull():
                picture.show_text(f"This picture cannot be shown: {shown.reason}")
                continue
            picture.show_picture(shown.image)
            original = QSize(round(shown.image.width() / shown.scale), round(shown.image.height() / shown.scale))
            sides = f"{original.width()} \N{MULTIPLICATION SIGN} {original.height()}"
            self._images = (shown.image, self._images[1]) if number == 0 else (self._images[0], shown.image)
            self._sizes = (sides, self._sizes[1]) if number == 0 else (self._sizes[0], sides)
        self._caption()
        if all(not image.isNull() for image in self._images):
            self.pictures[1].look_like(self.pictures[0])
            if self.mode is not Mode.SIDE_BY_SIDE:
                self._ask_pair()

    def _ask_pair(self, *_: object) -> None:
        (one, other), gain = self._images, int(self.gain.currentData())
        if self.mode is Mode.SIDE_BY_SIDE or one.isNull() or other.isNull():
            return

        def show(pair: Pair) -> None:
            if self._images[0] is one and self._images[1] is other:
                self._pair = pair
                self._show_over()

        self._previews.compute(lambda: pair_of(one, other, gain), show, "pair")

    def _show_over(self) -> None:
        pair = self._pair
        if pair is None or self.mode is Mode.SIDE_BY_SIDE:
            return
        self.words.setText(difference_sentence(pair.gain, is_equal=pair.is_equal, is_same_cut=pair.is_same_cut))
        first = self.over.image.isNull()
        if self.mode is Mode.DIFFERENCE:
            self.over.show_picture(pair.difference)
            self.over.set_overlays([Words(f"Difference, amplified \N{MULTIPLICATION SIGN}{pair.gain}")])
        else:
            self.over.show_picture(pair.other if self.is_second else pair.one)
            self.over.set_overlays([Words("The other image" if self.is_second else "The image in sight")])
        if first:
            self.over.look_like(self.pictures[0])

    def _caption(self) -> None:
        shown = (self.mode is not Mode.OVER or not self.is_second, self.mode is not Mode.OVER or self.is_second)
        for number, caption in enumerate(self.captions):
            caption.setText("   ".join(part for part in (self._words[number], self._sizes[number]) if part))
            self.names[number].setText(printable(self._paths[number]))
            for label in (caption, self.names[number]):
                label.setEnabled(shown[number])
