"""What stands in place of the grid while it has no rows: why, and where else the images are."""

from collections.abc import Sequence

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QStackedWidget, QWidget

from scanner.review.criteria import Tab
from scanner.review.review_queue import matching_elsewhere

from ..models.presenter import QueuePresenter
from ..texts.tab_names import TAB_NAMES, empty_words
from ..widgets.empty_state import EmptyState
from ..widgets.filter_bar import FilterBar


class Emptiness(QObject):
    """Shows the grid, which is the first page of `stack`, or `state`, which is put behind it."""

    def __init__(self, stack: QStackedWidget, presenter: QueuePresenter, filters: FilterBar, parent: QWidget) -> None:
        super().__init__(parent)
        self._stack = stack
        self._presenter = presenter
        self._filters = filters
        self._waiting = ""
        self.state = EmptyState()
        self.state.clear_wanted.connect(filters.clear)
        stack.addWidget(self.state)

    def show_waiting(self, words: str) -> None:
        """What waits to be scanned: an empty list says so."""
        self._waiting = words
        self.follow()

    def follow(self) -> None:
        """The grid has rows, or it has none."""
        empty = not self._presenter.model.rowCount()
        self._stack.setCurrentIndex(int(empty))
        if not empty:
            return
        criteria = self._presenter.criteria
        filters = [words for _, words in self._filters.in_force()]
        self.state.say(empty_words(criteria, filters, self._waiting), narrowed=criteria.is_narrowed)
        if criteria.is_narrowed:
            database = self._presenter.database
            self._presenter.ask(lambda: matching_elsewhere(database, criteria), self._show_elsewhere, "elsewhere")

    def _show_elsewhere(self, counts: Sequence[tuple[Tab, int]]) -> None:
        self.state.show_elsewhere([(tab, TAB_NAMES[tab], count) for tab, count in counts if count])
