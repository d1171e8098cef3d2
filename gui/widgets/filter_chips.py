"""Each filter in force, in a word, with a way to lift it."""

import html
from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPalette
from PySide6.QtWidgets import QLabel, QWidget

from scanner.base.escape import escaped

from ..texts.accessible_names import named
from ..texts.outside import in_html, tip

_LONGEST = 180  # pixels


class FilterChips(QLabel):
    """`lifted` names a filter, or is empty for all of them. Hidden while there is none."""

    lifted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.filters: tuple[tuple[str, str], ...] = ()
        named(self, "Filters in force")
        self.setWordWrap(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.linkActivated.connect(lambda link: self.lifted.emit(link.removeprefix("lift:")))
        self.show_filters(())

    def changeEvent(self, event: QEvent) -> None:
        """Light and dark."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.show_filters(self.filters)

    def show_filters(self, filters: Sequence[tuple[str, str]]) -> None:
        """Pairs of a filter's name and its words."""
        self.filters = tuple(filters)
        metrics = QFontMetrics(self.font())
        roles = (QPalette.ColorRole.HighlightedText, QPalette.ColorRole.Highlight)
        text, ground = (self.palette().color(role).name() for role in roles)
        style = f"text-decoration:none; color:{text}; background:{ground}"
        chips = []
        for name, words in filters:
            short = metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, _LONGEST)
            chips.append(
                f"<a href='lift:{name}' title='{html.escape(tip(escaped(words)))}' style='{style}'>"
                f"&nbsp;{in_html(short)}&nbsp;\N{MULTIPLICATION SIGN}&nbsp;</a>"
            )
        everything = " &nbsp; <a href='lift:'>Clear all</a>" if chips else ""
        self.setText(f"Only: {' &nbsp; '.join(chips)}{everything}" if chips else "")
        self.setVisible(bool(chips))
