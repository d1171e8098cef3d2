"""What went wrong, above everything else: a trouble that lasts, and the last complaint. Neither hides the other."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from ...style.colours import BARS, bar_style
from ...style.icons import closing
from ...style.spacing import EDGE
from ...texts.accessible_names import named
from ...texts.outside import plain


class Banner(QFrame):
    """A trouble goes when it has ended; a complaint when it is dismissed or something else was done."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trouble = ""
        self._complaint = ""
        self.setStyleSheet(bar_style("trouble", "Banner"))
        self._words = named(plain(QLabel()), "What went wrong")
        self._words.setWordWrap(True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.dismiss = closing(named(QToolButton(), "Dismiss"), BARS["trouble"][1])
        self.dismiss.clicked.connect(self.forget_complaint)
        row = QHBoxLayout(self)
        row.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        row.addWidget(self._words, 1)
        row.addWidget(self.dismiss, 0, Qt.AlignmentFlag.AlignTop)
        self._show()

    def text(self) -> str:
        """All that it says."""
        return self._words.text()

    def show_trouble(self, reason: str) -> None:
        """The program goes on trying."""
        self._trouble = f"{reason}\nTrying again\N{HORIZONTAL ELLIPSIS}"
        self._show()

    def end_trouble(self) -> None:
        """It works again."""
        self._trouble = ""
        self._show()

    def complain(self, text: str) -> None:
        """Something that was asked for was not done."""
        self._complaint = text
        self._show()

    def forget_complaint(self) -> None:
        """It was read, or something else was done since."""
        self._complaint = ""
        self._show()

    def _show(self) -> None:
        self._words.setText("\n".join(part for part in (self._trouble, self._complaint) if part))
        self.dismiss.setVisible(bool(self._complaint))
        self.setVisible(bool(self._trouble or self._complaint))
