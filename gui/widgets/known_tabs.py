"""What is known of the image in sight: the details, and everything that the file says of itself. The latter is read when it is
looked at."""

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QTabWidget, QWidget

from scanner.review.image_details import ImageDetails

from ..media.previews import FileTags, Previews
from ..texts.accessible_names import named
from ..texts.counts import counted
from ..texts.evidence_texts import origin_facts
from .bars.tab_bar import Tabs
from .details_panel import DetailsPanel
from .facts_table import Fact, FactsTable

# Whoever leafs through does not want the tags of each one.
_REST_MILLISECONDS = 120


class KnownTabs(QTabWidget):
    """Two pages over each other; `left` gives the focus back."""

    left = Signal()

    def __init__(self, details: DetailsPanel, previews: Previews, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._previews = previews
        self._details: ImageDetails | None = None
        self._read: ImageDetails | None = None
        self.facts = FactsTable()
        self.setTabBar(named(Tabs(), "What is known of the image"))
        self.setDocumentMode(True)
        self.addTab(details, "Details")
        self.addTab(self.facts, "EXIF and origin")
        self.currentChanged.connect(self._look)
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(_REST_MILLISECONDS)
        self._resting.timeout.connect(self._look)

    def show_details(self, details: ImageDetails | None) -> None:
        """Another image is in sight, or more is known of it; None: no image is."""
        if details is None or self._details is None or details.file_id != self._details.file_id:
            self.facts.show_facts((), "")
            self._read = None
        self._details = details
        if self.currentWidget() is self.facts:
            self._resting.start()

    def toggle_facts(self) -> None:
        """To the table, where one can search at once, and back."""
        if self.currentWidget() is self.facts:
            self.setCurrentIndex(0)
            self.left.emit()
        else:
            self.show_facts()

    def show_facts(self) -> None:
        """To the table, where one can search at once."""
        self.setCurrentWidget(self.facts)
        self.facts.search.setFocus()

    def _look(self, *_: object) -> None:
        details = self._details
        if details is None or self.currentWidget() is not self.facts or details == self._read:
            return

        def show(found: FileTags) -> None:
            if details is not self._details:
                return
            self._read = details
            facts = [Fact("Origin", *told) for told in origin_facts(details.evidence)]
            facts += [Fact(tag.part, tag.name, _value(tag.value, tag.meaning)) for tag in found.tags]
            self.facts.show_facts(facts, _words(found))

        self._previews.read_tags(details.path, show)


def _value(value: str, meaning: str) -> str:
    return f"{value} ({meaning})" if meaning and meaning != value else value


def _words(found: FileTags) -> str:
    if found.reason:
        return f"Not read: {found.reason}"
    return counted(len(found.tags), "tag") if found.tags else "No EXIF, no texts"
