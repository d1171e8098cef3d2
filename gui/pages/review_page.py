"""The page on which a person decides: grid on the left, the picture and what is known of it on the right."""

from collections.abc import Collection, Mapping, Sequence

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from scanner.results.near_copies import NearCopy, near_copies
from scanner.review.image_details import ImageDetails
from scanner.review.ordering import QueueItem

from ..media.heatmaps import Heatmaps
from ..media.previews import Previews
from ..media.thumbnails import Thumbnails
from ..models.presenter import QueuePresenter
from ..models.queue_model import QueueModel
from ..style.spacing import EDGE, NEAR
from ..widgets.decision_row import DecisionRow
from ..widgets.details_panel import DetailsPanel
from ..widgets.filter_bar import FilterBar
from ..widgets.images.grid_delegate import ImageDelegate
from ..widgets.images.image_grid import ImageGrid
from ..widgets.known_tabs import KnownTabs
from ..widgets.preview.preview_pane import LookPane
from .comparing import Comparing
from .emptiness import Emptiness
from .in_sight import InSight

# How many of the next pictures are decoded ahead.
_AHEAD = 2
# Near copies are looked for once a person stays with an image.
_REST_MILLISECONDS = 200
# Of the deciding face in the details.
_FACE_PIXELS = 120
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
        self._shown: ImageDetails | None = None
        # The note of the image in sight, once it is known.
        self._stored_notes: dict[int, str] = {}
        self.filters = FilterBar()
        self.grid = ImageGrid()
        self.grid.setItemDelegate(ImageDelegate(self.grid))
        self.grid.setModel(presenter.model)
        self.grid.setAccessibleName("Images")
        self.in_sight = InSight(presenter, self.grid, self)
        self.look = LookPane(previews, thumbnails, heatmaps)
        self.deciding = DecisionRow()
        self.details = DetailsPanel()
        self.known = KnownTabs(self.details, previews)
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
        return self.grid.current()

    def selected(self) -> list[QueueItem]:
        """The selected images, or else the current one."""
        return self.grid.selected()

    def show_keys(self, keys: Mapping[str, str]) -> None:
        """Buttons name the keys in force, which are given by the names of what they do."""
        self.deciding.show_keys(keys)
        self.look.near.show_keys(keys)
        self.comparing.show_keys(keys)

    def together(self) -> set[int]:
        """The contents that the next decision is for: of the selection, and of the ticked near copies."""
        return {item.content_id for item in self.selected()} | {copy.content_id for copy in self.look.near.ticked}

    def _go_back_to(self, file_ids: Sequence[int]) -> None:
        """What an undo has brought back is in sight, and keys mean it."""
        self.grid.select_files(file_ids)
        self.focus_picture()

    def focus_picture(self) -> None:
        """Keys mean images again."""
        if self.comparing.is_on and self.comparing.view is not None:
            self.comparing.view.focus()
        else:
            # In the place of a grid without images something else has the focus, and hands it on once there are some.
            (self.look.preview if self.left.isHidden() else self.stack.currentWidget() or self.grid).setFocus()

    def step(self, by: int) -> None:
        """To the next image, or back, once an undo that is on its way has come about."""

        def go_on() -> None:
            if not self.comparing.step(by):
                self.grid.step(by)

        self._presenter.acts.turns.take(go_on)

    def escape(self) -> None:
        """One thing less: the comparison, a field that is written in, decisions on several."""
        if self.comparing.is_on:
            self.comparing.escape()
        elif not self.grid.hasFocus():
            self.focus_picture()
        elif self.look.near.group.isChecked():
            self.look.near.group.setChecked(False)
        elif self.grid.currentIndex().isValid():
            self.grid.go_to(self.grid.currentIndex().row())

    def keep_rows(self, *_: object) -> None:
        """A person has said how high the lower part is: only the picture grows and shrinks with the window."""
        sizes = self.right.sizes()
        self.right.setStretchFactor(0, 1)
        self.right.setStretchFactor(1, 0)
        self.right.setSizes(sizes)

    def _lay_out(self) -> None:
        self.stack = QStackedWidget()
        self.stack.addWidget(self.grid)
        self.emptiness = Emptiness(self.stack, self._presenter, self.filters, self)
        self.empty = self.emptiness.state
        self.left = QWidget()
        column = QVBoxLayout(self.left)
        column.setContentsMargins(EDGE, EDGE, NEAR, 0)
        column.addWidget(self.filters)
        column.addWidget(self.stack, 1)
        above = QWidget()
        upper = QVBoxLayout(above)
        upper.setContentsMargins(NEAR, EDGE, EDGE, NEAR)
        upper.addWidget(self.look, 1)
        upper.addWidget(self.deciding)
        self.right = QSplitter(Qt.Orientation.Vertical)
        self.right.addWidget(above)
        self.below = QWidget()
        lower = QVBoxLayout(self.below)
        lower.setContentsMargins(NEAR, 0, EDGE, 0)
        lower.addWidget(self.look.below)
        lower.addWidget(self.known, 1)
        self.right.addWidget(self.below)
        self.right.setSizes([480, 320])
        self.right.setStretchFactor(0, 3)
        self.right.setStretchFactor(1, 2)
        self.right.splitterMoved.connect(self.keep_rows)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.left)
        self.splitter.addWidget(self.right)
        self.splitter.setSizes([620, 640])
        self.splitter.setChildrenCollapsible(False)
        self.whole = QStackedWidget()
        self.whole.addWidget(self.splitter)
        self.comparing = Comparing(
            self.whole, self._previews, self.look.near, lambda: (self.current(), self.grid.selected()), self
        )
        self.comparing.said.connect(self._presenter.said)
        self.comparing.ended.connect(self.focus_picture)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.whole)

    def _connect(self) -> None:
        self.grid.selectionModel().currentChanged.connect(self._show_current)
        self.grid.end_wanted.connect(self._presenter.load_to_the_end)
        self.model.modelReset.connect(self._after_reset)
        self.model.rowsInserted.connect(self._after_rows)
        self.model.rowsRemoved.connect(self._after_rows)
        self.model.stacks_changed.connect(self._show_selection)
        self.in_sight.settled.connect(self._show_current)
        self.in_sight.replaced.connect(self.deciding.notice.say)
        self.in_sight.replaced.connect(self.deciding.note.hold)
        self.deciding.decided.connect(self.decided)
        self.deciding.note.stored.connect(self.noted)
        self.deciding.note.left.connect(self.focus_picture)
        self.known.left.connect(self.focus_picture)
        self.known.currentChanged.connect(self._make_room)
        self.deciding.notice.undo_wanted.connect(self._presenter.acts.undo)
        self.deciding.notice.redo_wanted.connect(self._presenter.acts.redo)
        self._presenter.acts.told.connect(self.deciding.notice.tell)
        self._presenter.acts.returned.connect(self._go_back_to)
        self.filters.left.connect(self.focus_picture)
        self.grid.selectionModel().selectionChanged.connect(self._show_selection)
        self.look.near.ticked_changed.connect(self._show_selection)
        self._resting.timeout.connect(self._ask_near)
        self.look.layers.changed.connect(self._show_face)
        self._presenter.details_ready.connect(self._show_details)
        self._presenter.changed.connect(self._refresh_details)
        self.details.copy_chosen.connect(self.copy_chosen)

    def _after_reset(self) -> None:
        row = self.model.row_of(self._shown_id) if self._shown_id is not None else None
        if self.model.rowCount():
            self.grid.go_to(row if row is not None else 0)
        else:
            self._show_current()
        self._after_rows()

    def _after_rows(self, *_: object) -> None:
        if self.model.rowCount() and not self.grid.currentIndex().isValid():
            self.grid.go_to(0)
        self.emptiness.follow()
        if self.current() is None:
            self._show_current()

    def _show_current(self, *_: QModelIndex) -> None:
        if self.in_sight.is_changing:
            return
        item = self.current()
        self._show_selection()
        if item is None:
            self._shown_id = None
            self._resting.stop()
            self.comparing.end()
            self.look.show_nothing()
            self.details.clear()
            self.known.show_details(None)
        elif item.file_id != self._shown_id:
            self._shown_id = item.file_id
            self.comparing.end()
            self._show_item(item)
        self.current_changed.emit(item)

    def _show_selection(self, *_: object) -> None:
        """How many images a decision is for, and whose note is written."""
        chosen = self.selected()
        contents = frozenset(item.content_id for item in chosen)
        self.deciding.set_count(len(self.together()))
        self.look.show_count(len(chosen), self.grid.hidden(), self.grid.left_out())
        self.deciding.note.show_for(contents, self._stored_notes.get(min(contents), "") if len(contents) == 1 else "")

    def _show_item(self, item: QueueItem) -> None:
        self._shown = None
        row = self.grid.currentIndex().row()
        following = [other.path for step in range(1, _AHEAD + 1) if (other := self.model.item(row + step)) is not None]
        self.look.show_item(item, self.model.data(self.grid.currentIndex()), following)
        self._presenter.ask_details(item)
        self._resting.start()

    def _show_details(self, details: ImageDetails) -> None:
        if details.file_id == self._shown_id and details != self._shown:
            self._shown = details
            self.details.show_details(details)
            self.known.show_details(details)
            self.look.show_details(details)
            self._stored_notes = {details.content_id: details.note or ""}
            self._show_selection()

    def _make_room(self, tab: int) -> None:
        """The table needs the room of the strips."""
        self.look.below.setVisible(not tab)
        self.look.show_words()

    def _show_face(self) -> None:
        if self._shown_id is not None:
            self.details.show_face(self._shown_id, self.look.layers.deciding_part(_FACE_PIXELS))

    def _ask_near(self) -> None:
        item = self.current()
        if item is None:
            return

        def show(copies: Sequence[NearCopy]) -> None:
            if item.file_id == self._shown_id:
                self.look.near.show_copies(copies, item.label)

        self._presenter.ask(lambda: near_copies(self._presenter.database, item.content_id, limit=_NEAR_COPIES), show, "near")

    def _refresh_details(self, file_ids: Collection[int] | None) -> None:
        """Others may be known of these files, None: of any."""
        item = self.current()
        if item is None:
            return
        if file_ids is None or item.file_id in file_ids or (self._shown is not None and self._shown.copies):
            self._presenter.ask_details(item)
        if any(file_ids is None or copy.file_id in file_ids for copy in self.look.near.copies):
            self._resting.start()  # one of them may have been moved away
