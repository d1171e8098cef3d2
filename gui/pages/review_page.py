"""The page on which a person decides: grid on the left, the picture and what is known of it on the right."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from scanner.results.near_copies import NearCopy, near_copies
from scanner.review.image_details import ImageDetails
from scanner.review.ordering import QueueItem

from ..media.heatmaps import Heatmaps
from ..media.previews import Previews
from ..media.thumbnails import Thumbnails
from ..models.presenter import QueuePresenter
from ..models.queue_model import SAVING_ROLE, QueueModel
from ..texts.verdict_texts import label_line
from ..widgets.decision_row import DecisionRow
from ..widgets.details_panel import DetailsPanel
from ..widgets.filter_bar import FilterBar
from ..widgets.grid import GridView
from ..widgets.grid_delegate import CELL, ImageDelegate
from ..widgets.preview.compare_view import CompareView
from ..widgets.preview.preview_pane import LookPane

# How many of the next pictures are decoded ahead.
_AHEAD = 2
# Near copies are looked for once a person stays with an image.
_REST_MILLISECONDS = 200
# More are no longer looked at, nor decided on, together.
_NEAR_COPIES = 50


class ReviewPage(QWidget):
    """Shows what the presenter has; `decided` asks for a decision on the selection, `noted` for a note on it."""

    decided = Signal(object)
    noted = Signal(str)
    current_changed = Signal(object)
    copy_chosen = Signal(str)

    def __init__(
        self,
        presenter: QueuePresenter,
        thumbnails: Thumbnails,
        previews: Previews,
        heatmaps: Heatmaps,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._presenter = presenter
        self._previews = previews
        self._shown_id: int | None = None
        # The note of the image in sight, once it is known.
        self._stored_notes: dict[int, str] = {}
        self.filters = FilterBar()
        self.grid = GridView(CELL)
        self.grid.setItemDelegate(ImageDelegate(self.grid))
        self.grid.setModel(presenter.model)
        self.grid.setAccessibleName("Images")
        self.look = LookPane(previews, thumbnails, heatmaps)
        self.deciding = DecisionRow()
        self.details = DetailsPanel()
        self.comparing: CompareView | None = None
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(_REST_MILLISECONDS)
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

    def together(self) -> set[int]:
        """The contents that the next decision is for: of the selection, and of the ticked near copies."""
        return {item.content_id for item in self.selected()} | {copy.content_id for copy in self.look.near.ticked}

    def advance(self) -> None:
        """To the first image behind the selection, or the one before it at the end; never to one that is being decided on."""
        rows = {index.row() for index in self.grid.selectionModel().selectedIndexes()} or {self.grid.currentIndex().row()}
        for row in chain(range(max(rows) + 1, self.model.rowCount()), range(min(rows) - 1, -1, -1)):
            if not self.model.data(self.model.index(row, 0), SAVING_ROLE):
                self.go_to(row)
                return

    def go_to(self, row: int) -> None:
        """Make a row the current one."""
        index = self.model.index(row, 0)
        if index.isValid():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.grid.selectionModel().setCurrentIndex(index, flags)
            self.grid.scrollTo(index)

    def select_files(self, file_ids: Sequence[int]) -> None:
        """Select files of the queue; the first is the one in sight."""
        rows = [row for file_id in file_ids if (row := self.model.row_of(file_id)) is not None]
        if rows:
            self.go_to(rows[0])
            chosen = QItemSelection()
            for row in rows:
                chosen.select(self.model.index(row, 0), self.model.index(row, 0))
            self.grid.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.focus_picture()

    def focus_picture(self) -> None:
        """Keys mean images again."""
        comparing = self.comparing is not None and self.whole.currentWidget() is self.comparing
        (self.comparing.pictures[0] if self.comparing is not None and comparing else self.grid).setFocus()

    def escape(self) -> None:
        """One thing less: the comparison, a field that is written in, decisions on several."""
        if self.whole.currentWidget() is not self.splitter:
            self.end_comparing()
        elif not self.grid.hasFocus():
            self.grid.setFocus()
        elif self.look.near.group.isChecked():
            self.look.near.group.setChecked(False)
        elif self.grid.currentIndex().isValid():
            self.go_to(self.grid.currentIndex().row())

    def step(self, by: int) -> None:
        """To the next image, or back."""
        self.go_to(min(max(self.grid.currentIndex().row() + by, 0), self.model.rowCount() - 1))

    def _lay_out(self) -> None:
        self.empty = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self.empty.setAccessibleName("State of the list")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.grid)
        self.stack.addWidget(self.empty)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(6, 6, 3, 0)
        column.addWidget(self.filters)
        column.addWidget(self.stack, 1)
        above = QWidget()
        upper = QVBoxLayout(above)
        upper.setContentsMargins(3, 6, 6, 3)
        upper.addWidget(self.look, 1)
        upper.addWidget(self.deciding)
        self.right = QSplitter(Qt.Orientation.Vertical)
        self.right.addWidget(above)
        self.right.addWidget(self.details)
        self.right.setSizes([520, 260])
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(left)
        self.splitter.addWidget(self.right)
        self.splitter.setSizes([620, 640])
        self.splitter.setChildrenCollapsible(False)
        self.whole = QStackedWidget()
        self.whole.addWidget(self.splitter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.whole)

    def _connect(self) -> None:
        self.grid.selectionModel().currentChanged.connect(self._show_current)
        self.grid.end_wanted.connect(self._presenter.load_to_the_end)
        self.model.modelReset.connect(self._after_reset)
        self.model.rowsInserted.connect(self._after_rows)
        self.model.rowsRemoved.connect(self._after_rows)
        self.deciding.decided.connect(self.decided)
        self.deciding.note.stored.connect(self.noted)
        self.deciding.note.left.connect(self.grid.setFocus)
        self.deciding.notice.undo_wanted.connect(self._presenter.acts.undo)
        self.deciding.notice.redo_wanted.connect(self._presenter.acts.redo)
        self._presenter.acts.told.connect(self.deciding.notice.tell)
        self._presenter.acts.returned.connect(self.select_files)
        self.filters.left.connect(self.grid.setFocus)
        self.grid.selectionModel().selectionChanged.connect(self._show_selection)
        self.look.near.ticked_changed.connect(self._show_selection)
        self.look.near.chosen.connect(self._compare)
        self._resting.timeout.connect(self._ask_near)
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
            self.empty.setText("Nothing matches these filters.")
        elif self._presenter.criteria.tab.value == "to-review":
            self.empty.setText("Nothing waits for you here.\nNew flagged images appear by themselves.")
        else:
            self.empty.setText("No decisions of this kind yet.")

    def _show_current(self, *_: QModelIndex) -> None:
        item = self.current()
        self._show_selection()
        if item is None:
            self._shown_id = None
            self._resting.stop()
            self.end_comparing()
            self.look.show_nothing()
            self.details.clear()
        elif item.file_id != self._shown_id:
            self._shown_id = item.file_id
            self.end_comparing()
            self._show_item(item)
        self.current_changed.emit(item)

    def _show_selection(self, *_: object) -> None:
        """How many images a decision is for, and whose note is written."""
        chosen = self.selected()
        contents = frozenset(item.content_id for item in chosen)
        self.deciding.set_count(len(self.together()))
        self.look.show_count(len(chosen))
        self.deciding.note.show_for(contents, self._stored_notes.get(min(contents), "") if len(contents) == 1 else "")

    def _show_item(self, item: QueueItem) -> None:
        row = self.grid.currentIndex().row()
        following = [other.path for step in range(1, _AHEAD + 1) if (other := self.model.item(row + step)) is not None]
        self.look.show_item(item, self.model.data(self.grid.currentIndex()), following)
        self._presenter.ask_details(item)
        self._resting.start()

    def _show_details(self, details: ImageDetails) -> None:
        if details.file_id == self._shown_id:
            self.details.show_details(details)
            self.look.show_details(details)
            self._stored_notes = {details.content_id: details.note or ""}
            self._show_selection()

    def _ask_near(self) -> None:
        item = self.current()
        if item is None:
            return

        def show(copies: Sequence[NearCopy]) -> None:
            if item.file_id == self._shown_id:
                self.look.near.show_copies(copies[:_NEAR_COPIES], item.label)

        self._presenter.ask(lambda: near_copies(self._presenter.database, item.content_id), show, "near")

    def _compare(self, copy: NearCopy) -> None:
        item = self.current()
        if item is None:
            return
        if self.comparing is None:
            self.comparing = CompareView(self._previews)
            self.comparing.ended.connect(self.end_comparing)
            self.whole.addWidget(self.comparing)
        self.comparing.compare(item.path, label_line(item.label, item.score), copy.path, label_line(copy.label, copy.score))
        self.whole.setCurrentWidget(self.comparing)
        self.comparing.pictures[0].setFocus()

    def end_comparing(self) -> None:
        """Back to the queue."""
        if self.comparing is not None and self.whole.currentWidget() is self.comparing:
            self.whole.setCurrentWidget(self.splitter)
            self.grid.setFocus()

    def toggle_comparing(self) -> None:
        """Side by side with the chosen near copy, and back."""
        if self.whole.currentWidget() is self.splitter:
            self.look.near.choose()
        else:
            self.end_comparing()

    def _refresh_details(self) -> None:
        item = self.current()
        if item is not None:
            self._presenter.ask_details(item)
            if self.look.near.copies:
                self._resting.start()  # one of them may have been moved away
