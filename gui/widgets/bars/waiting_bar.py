"""A line above the images while some wait to be scanned: how far it is, or how to begin."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from ...style.colours import bar_style
from ...style.icons import iconed
from ...style.spacing import EDGE, NEAR
from ...texts.accessible_names import named
from ..elided_label import ElidedLabel


class WaitingBar(QFrame):
    """Hidden while nothing waits. `start_wanted` follows its button, which is there when nothing scans."""

    start_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setStyleSheet(bar_style("waiting", "WaitingBar"))
        self.words = named(ElidedLabel(), "What waits to be scanned")
        self.button = iconed(named(QPushButton("Start scanning"), "Start scanning"), "play")
        self.button.clicked.connect(self.start_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(EDGE, NEAR, EDGE, NEAR)
        row.addWidget(self.words, 1)
        row.addWidget(self.button)
        self.show_waiting("", False)

    def show_waiting(self, words: str, startable: bool) -> None:
        """What to say, empty for nothing; `startable`: nothing scans, and something could."""
        self.words.setText(words)
        self.button.setVisible(startable)
        self.setVisible(bool(words))
