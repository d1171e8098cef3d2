"""The image in sight stays in sight while others change the queue. Where it leaves, that is said, and no key decides at once on
the image that has taken its place: whoever pressed it had the other before the eyes."""

import time
from collections.abc import Callable, Collection

from PySide6.QtCore import QObject, Signal

from ..models.presenter import QueuePresenter
from ..models.queue_model import SAVING_ROLE
from ..widgets.images.image_grid import ImageGrid

# As long as it takes to see another picture and to hold back a finger that is on its way.
SECONDS_TO_SEE = 0.7
# A look at the database that was on its way when this window did something tells of it later.
_OWN_SECONDS = 10.0
_LEFT = "{name} is no longer in this list: others have decided on it, moved it, or scanned it again"


class InSight(QObject):
    """Of one grid. `replaced` says that another image came into sight by itself; `settled` that all changes are in place."""

    replaced = Signal(str)
    settled = Signal()

    def __init__(
        self, presenter: QueuePresenter, grid: ImageGrid, parent: QObject, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self._model = presenter.model
        self._grid = grid
        self._clock = clock
        self._came_at = float("-inf")
        self._ids: list[int] = []
        self._row = 0
        self._name = ""
        self._own: dict[int, float] = {}  # files that this window has acted on, and when
        self._is_own = False
        self.is_changing = False
        presenter.change_began.connect(self._remember)
        presenter.change_ended.connect(self._restore)
        presenter.acts.settled.connect(self._note_own)

    @property
    def was_just_replaced(self) -> bool:
        """Whether a key that comes now may mean the image that was in sight before."""
        return self._clock() - self._came_at < SECONDS_TO_SEE

    def _note_own(self, file_ids: Collection[int]) -> None:
        now = self._clock()
        recent = {file_id: at for file_id, at in self._own.items() if now - at < _OWN_SECONDS}
        self._own = {**recent, **dict.fromkeys(file_ids, now)}

    def _remember(self) -> None:
        self.is_changing = True
        item, index = self._grid.current(), self._grid.currentIndex()
        self._ids = []
        if item is not None:
            others = (other.file_id for other in self._grid.selected() if other.file_id != item.file_id)
            self._ids = [item.file_id, *others]
            self._row, self._name = index.row(), str(index.data())
            is_recent = self._clock() - self._own.get(item.file_id, float("-inf")) < _OWN_SECONDS
            self._is_own = is_recent or bool(index.data(SAVING_ROLE))

    def _restore(self) -> None:
        before, count = self._ids, self._model.rowCount()
        self._model.reveal(before[:1])
        there = [file_id for file_id in before if self._model.row_of(file_id) is not None]
        if there:
            now = self._grid.current()
            if {item.file_id for item in self._grid.selected()} != set(there) or now is None or now.file_id != there[0]:
                self._grid.select_files(there)
        elif before and count:
            self._grid.go_to(min(self._row, count - 1))
        self.is_changing = False
        if before and there[:1] != before[:1] and not self._is_own:
            self._came_at = self._clock()
            self.replaced.emit(_LEFT.format(name=self._name))
        self.settled.emit()
