"""The page on which a person decides: grid on the left, the picture and what is known of it on the right."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from scanner.database.models import Decision
from scanner.image_details import ImageDetails
from scanner.review_queue import QueueItem

from .details_panel import DetailsPanel
from .filter_bar import FilterBar
from .grid import GridView
from .grid_delegate import CELL, ImageDelegate
from .naming import named
from .presenter import QueuePresenter
from .preview_view import PreviewView
from .previews import Previews, Shown
from .queue_model import QueueModel
from .thumbnails import Thumbnails
from .wording import label_shape, label_word

# How many of the next pictures are decoded ahead.
_AHEAD = 2


class ReviewPage(QWidget):
    """Shows what the presenter has; `decided` asks for a decision on the selection."""

    decided = Signal(object)
    current_changed = Signal(object)
    copy_chosen = Signal(str)

    def __init__(
        self, presenter: QueuePresenter, thumbnails: Thumbnails, previews: Previews, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._presenter = presenter
        self._thumbnails = thumbnails
        self._previews = previews
        self._shown_id: int | None = None
        self._shown_path = ""
        self.filters = FilterBar()
        self.grid = GridView(CELL)
        self.grid.setItemDelegate(ImageDelegate(self.grid))
        self.grid.setModel(presenter.model)
        self.grid.setAccessibleName(self.tr("Images"))
        self.preview = PreviewView()
        self.details = DetailsPanel()
        self._make_decision_row()
        self._lay_out()
        self._connect()

    @property
    def model(self) -> QueueModel:
        """The queue."""
        return self._presenter.model

    def current(self) -> QueueItem | None:
        """The image in the preview."""
        return self.model.item(self.grid.currentIndex().row()) if self.grid.currentIndex().isValid() else None

    def selected(self) -> list[QueueItem]:
        """The selected images, or else the current one."""
        rows = sorted(index.row() for index in self.grid.selectionModel().selectedIndexes())
        chosen = [item for row in rows if (item := self.model.item(row)) is not None]
        current = self.current()
        return chosen or ([current] if current else [])

    def advance(self) -> None:
        """To the first image behind the selection, or the one before it at the end."""
        rows = {index.row() for index in self.grid.selectionModel().selectedIndexes()} or {self.grid.currentIndex().row()}
        after = max(rows) + 1
        if after >= self.model.rowCount():
            after = min(rows) - 1
        self.go_to(after)

    def go_to(self, row: int) -> None:
        """Make a row the current one."""
        index = self.model.index(row, 0)
        if index.isValid():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.grid.selectionModel().setCurrentIndex(index, flags)
            self.grid.scrollTo(index)

    def step(self, by: int) -> None:
        """To the next image, or back."""
        self.go_to(min(max(self.grid.currentIndex().row() + by, 0), self.model.rowCount() - 1))

    def take_note(self) -> str | None:
        """What was written as note, once."""
        text = self.note.text().strip()
        self.note.clear()
        return text or None

    def _make_decision_row(self) -> None:
        self.note = named(QLineEdit(placeholderText=self.tr("Note for the next decision (N)")), self.tr("Note"))
        self.note.returnPressed.connect(self.grid.setFocus)
        self.buttons: dict[Decision, QPushButton] = {}
        for decision, key, text in (
            (Decision.FAKE, "F", self.tr("Fake")),
            (Decision.REAL, "R", self.tr("Real")),
            (Decision.UNSURE, "U", self.tr("Unsure")),
        ):
            button = QPushButton(f"{label_shape(decision)} {text} ({key})".strip())
            button.setAccessibleName(text)
            button.setEnabled(False)
            button.clicked.connect(_emitting(self.decided.emit, decision))
            self.buttons[decision] = button
        self.summary = QLabel()
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        self.summary.setAccessibleName(self.tr("Current image"))

    def _lay_out(self) -> None:
        self.empty = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self.empty.setAccessibleName(self.tr("State of the list"))
        self.stack = QStackedWidget()
        self.stack.addWidget(self.grid)
        self.stack.addWidget(self.empty)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(6, 6, 3, 0)
        column.addWidget(self.filters)
        column.addWidget(self.stack, 1)
        deciding = QHBoxLayout()
        for button in self.buttons.values():
            deciding.addWidget(button)
        deciding.addWidget(self.note, 1)
        above = QWidget()
        upper = QVBoxLayout(above)
        upper.setContentsMargins(3, 6, 6, 3)
        upper.addWidget(self.summary)
        upper.addWidget(self.preview, 1)
        upper.addLayout(deciding)
        self.right = QSplitter(Qt.Orientation.Vertical)
        self.right.addWidget(above)
        self.right.addWidget(self.details)
        self.right.setSizes([520, 260])
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(left)
        self.splitter.addWidget(self.right)
        self.splitter.setSizes([620, 640])
        self.splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.splitter)

    def _connect(self) -> None:
        self.grid.selectionModel().currentChanged.connect(self._show_current)
        self.grid.end_wanted.connect(self._presenter.load_to_the_end)
        self.model.modelReset.connect(self._after_reset)
        self.model.rowsInserted.connect(self._after_rows)
        self.model.rowsRemoved.connect(self._after_rows)
        self._previews.ready.connect(self._show_picture)
        self._presenter.details_ready.connect(self._show_details)
        self._presenter.changed.connect(self._refresh_details)
        self.details.copy_chosen.connect(self.copy_chosen)

    def _after_reset(self) -> None:
        row = self.model.row_of(self._shown_id) if self._shown_id is not None else None
        if self.model.rowCount():
            self.go_to(row if row is not None else 0)
        else:
            self._show_current()
        self._after_rows()

    def _after_rows(self, *_: Any) -> None:
        if self.model.rowCount() and not self.grid.currentIndex().isValid():
            self.go_to(0)
        self._show_emptiness()
        if self.current() is None:
            self._show_current()

    def _show_emptiness(self) -> None:
        self.stack.setCurrentWidget(self.grid if self.model.rowCount() else self.empty)
        if self._presenter.criteria.is_narrowed:
            self.empty.setText(self.tr("Nothing matches these filters."))
        elif self._presenter.criteria.tab.value == "to-review":
            self.empty.setText(self.tr("Nothing waits for you here.\nNew flagged images appear by themselves."))
        else:
            self.empty.setText(self.tr("No decisions of this kind yet."))

    def _show_current(self, *_: QModelIndex) -> None:
        item = self.current()
        for button in self.buttons.values():
            button.setEnabled(item is not None)
        if item is None:
            self._shown_id, self._shown_path = None, ""
            self.preview.show_text("")
            self.summary.clear()
            self.details.clear()
        elif item.file_id != self._shown_id:
            self._shown_id, self._shown_path = item.file_id, item.path
            self._show_item(item)
        self.current_changed.emit(item)

    def _show_item(self, item: QueueItem) -> None:
        name = self.model.data(self.grid.currentIndex())
        self.summary.setText(f"{label_shape(item.label)} {label_word(item.label)} {item.score:.2f}   {name}")
        row = self.grid.currentIndex().row()
        following = [other.path for step in range(1, _AHEAD + 1) if (other := self.model.item(row + step)) is not None]
        shown = self._previews.show(item.path, following)
        if shown is not None:
            self._show_picture(shown)
        else:
            thumbnail = self._thumbnails.find(item.path)
            if thumbnail is not None and not thumbnail.isNull():
                self.preview.show_picture(thumbnail, preliminary=True)
            else:
                self.preview.show_text(self.tr("Loading\N{HORIZONTAL ELLIPSIS}"))
        self._presenter.ask_details(item)

    def _show_picture(self, shown: Shown) -> None:
        if shown.path != self._shown_path:
            return
        if shown.image.isNull():
            self.preview.show_text(self.tr("This picture cannot be shown: {reason}").format(reason=shown.reason))
        else:
            self.preview.show_picture(shown.image)

    def _show_details(self, details: ImageDetails) -> None:
        if details.file_id == self._shown_id:
            self.details.show_details(details)

    def _refresh_details(self) -> None:
        item = self.current()
        if item is not None:
            self._presenter.ask_details(item)


def _emitting(emit: Callable[[Any], None], value: object) -> Callable[[], None]:
    """A slot that ignores what the button says of itself."""
    return lambda *_: emit(value)
