"""Between the widgets and the core: asks the database in the background, and keeps the queue's model up to date."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack

from scanner.criteria import Criteria, Tab
from scanner.database.engine import Database
from scanner.database.models import Decision
from scanner.errors import KnownError
from scanner.image_details import ImageDetails, image_details
from scanner.review_queue import (
    Counts,
    Pulse,
    QueueItem,
    changed_since,
    count_matching,
    count_tabs,
    items_among,
    queue_page,
    take_pulse,
)

from .background import Background
from .decisions import DecisionAct
from .queue_model import QueueModel
from .undo import Act, ActCommand

PAGE = 300
# For going to the end: fewer, larger steps.
LONG_PAGE = 2_000
LOOK_MILLISECONDS = 1000
# More changes than this at once: the queue is read anew.
MANY = 1_000


@dataclass(frozen=True)
class _Look:
    pulse: Pulse
    touched: tuple[int, ...] | None
    belonging: tuple[QueueItem, ...]


class QueuePresenter(QObject):
    """One queue on one database."""

    counts_changed = Signal(object)
    matching_changed = Signal(int)
    queue_started = Signal()
    said = Signal(str)
    complained = Signal(str)
    trouble_began = Signal(str)
    trouble_ended = Signal()
    details_ready = Signal(object)
    changed = Signal()

    def __init__(
        self,
        database: Database,
        model: QueueModel,
        reading: Background,
        writing: Background,
        now: Callable[[], datetime],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.database = database
        self.model = model
        self.undo_stack = QUndoStack(self)
        self._reading = reading
        self._writing = writing
        self._now = now
        self.criteria = Criteria()
        self._pulse: Pulse | None = None
        self._loading = False
        self._to_the_end = False
        self._looking = False
        self._counting = False
        self._count_again = False
        self._in_trouble = False
        self._deciding = 0
        self._undo_after: list[Callable[[], None]] = []
        self._stopped = False
        model.more_wanted.connect(self.load_more)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MILLISECONDS)
        self._timer.timeout.connect(self.look)

    def start(self) -> None:
        """Show the queue and follow changes."""
        self.show(self.criteria)
        self._timer.start()

    def stop(self) -> None:
        """Ask nothing more."""
        self._stopped = True
        self._timer.stop()

    def show(self, criteria: Criteria) -> None:
        """Another queue, from its beginning."""
        self.criteria = criteria
        self._to_the_end = False
        self._reading.forget("look")
        self._looking = False
        if criteria.tab is Tab.PROBLEMS:
            self._count()
            return
        self._load(first=True, limit=PAGE)
        self._count()

    def load_more(self) -> None:
        """The next page, unless it is on its way."""
        if not self._loading and not self.model.is_complete:
            self._load(first=False, limit=PAGE)

    def load_to_the_end(self) -> None:
        """All pages, one after the other."""
        self._to_the_end = True
        if not self._loading and not self.model.is_complete:
            self._load(first=False, limit=LONG_PAGE)

    def look(self) -> None:
        """Put what others have changed in its place."""
        if self._looking or self._stopped:
            return
        self._looking = True
        self._reading.ask(lambda: self._changes(self._pulse, self.criteria), self._apply, self._fail_looking, "look")

    def decide(self, items: Sequence[QueueItem], decision: Decision, *, note: str | None, reviewer: str) -> None:
        """Store a decision on the contents of `items`; rows leave, and words are said, once it is stored."""
        contents = sorted({item.content_id for item in items})
        if not contents:
            return
        act = DecisionAct(self.database, contents, decision, note, reviewer, self._now)
        self.do(act, self.tr("{decision} ({count})").format(decision=decision.value, count=len(contents)), contents)

    def do(self, act: Act, text: str, contents: Collection[int] = ()) -> None:
        """Do something that can be undone, in the background."""
        self._deciding += 1
        self.model.mark_saving(contents, saving=True)

        def done(said: str) -> None:
            self.model.mark_saving(contents, saving=False)
            self.undo_stack.push(ActCommand(text, act, self._run))
            self._settle(contents, act)
            self.said.emit(said)
            self._after_act()

        def failed(error: KnownError) -> None:
            self.model.mark_saving(contents, saving=False)
            self.complained.emit(self.tr("Not stored: {reason}").format(reason=error))
            self._after_act()

        self._writing.ask(act.redo, done, failed)

    def undo(self) -> None:
        """Take the last act back, also one that is only just being done."""
        self._when_settled(self.undo_stack.undo)

    def redo(self) -> None:
        """Do again what was undone."""
        self._when_settled(self.undo_stack.redo)

    def ask_details(self, item: QueueItem) -> None:
        """Emit `details_ready` for an item, unless another is asked for meanwhile."""
        self._reading.ask(lambda: image_details(self.database, item.file_id), self._give_details, self._complain, "details")

    def ask(self, work: Callable[[], Any], answered: Callable[[Any], None], topic: str | None = None) -> None:
        """Read something else from the database; complaints are shown."""
        self._reading.ask(work, answered, self._complain, topic)

    def write(self, work: Callable[[], Any], answered: Callable[[Any], None]) -> None:
        """Write something that is not for the undo stack."""
        self._writing.ask(work, answered, self._complain)

    def _run(self, work: Callable[[], str], command: ActCommand, going_back: bool) -> None:
        """Undo or redo for a command on the stack; if it fails, the stack is put back."""
        self._deciding += 1

        def done(said: str) -> None:
            self.said.emit(said)
            self._after_act()
            self.look()
            self.changed.emit()

        def failed(error: KnownError) -> None:
            command.be_silent()
            (self.undo_stack.redo if going_back else self.undo_stack.undo)()
            self.complained.emit(str(error))
            self._after_act()

        self._writing.ask(work, done, failed)

    def _when_settled(self, act: Callable[[], None]) -> None:
        if self._deciding:
            self._undo_after.append(act)
        else:
            act()

    def _after_act(self) -> None:
        self._deciding -= 1
        if not self._deciding and self._undo_after:
            self._undo_after.pop(0)()

    def _settle(self, contents: Collection[int], act: Act) -> None:
        """What was decided leaves its tab at once, or shows its new decision."""
        if isinstance(act, DecisionAct):
            items = self.model.of_content(contents)
            stays = self.criteria.tab.value == act.decision.value
            belonging = [replace(item, decision=act.decision.value) for item in items] if stays else []
            self.model.bring_up_to_date([item.file_id for item in items], belonging)
        self.look()
        self._count()
        self.changed.emit()

    def _load(self, *, first: bool, limit: int) -> None:
        self._loading = True
        criteria, after = self.criteria, None if first else self.model.last

        def read() -> tuple[Pulse, tuple[QueueItem, ...]]:
            pulse = take_pulse(self.database)  # before the page: what changes in between is looked at again
            return pulse, queue_page(self.database, criteria, after=after, limit=limit)

        def loaded(answer: tuple[Pulse, tuple[QueueItem, ...]]) -> None:
            pulse, items = answer
            self._loading = False
            self._end_trouble()
            complete = len(items) < limit
            if first:
                self._pulse = pulse
                self.model.start(criteria.order, items, complete=complete)
                self.queue_started.emit()
                self._count_matching()
            else:
                self.model.append(items, complete=complete)
            if self._to_the_end and not complete:
                self.load_to_the_end()

        self._reading.ask(read, loaded, self._fail_loading, "page")

    def _changes(self, pulse: Pulse | None, criteria: Criteria) -> _Look | None:
        found = take_pulse(self.database)
        if found == pulse:
            return None
        if pulse is None or criteria.tab is Tab.PROBLEMS:
            return _Look(found, (), ())
        touched = changed_since(self.database, pulse, MANY)
        return _Look(found, touched, items_among(self.database, criteria, touched) if touched else ())

    def _apply(self, look: _Look | None) -> None:
        self._looking = False
        if self._in_trouble:
            self._end_trouble()
            self.show(self.criteria)
            return
        if look is None:
            return
        self._pulse = look.pulse
        if look.touched is None:
            self._load(first=True, limit=max(PAGE, min(self.model.rowCount(), LONG_PAGE)))
        else:
            self.model.bring_up_to_date(look.touched, look.belonging)
        self._count()
        self.changed.emit()

    def _count(self) -> None:
        if self._counting:
            self._count_again = True
            return
        self._counting = True
        self._count_again = False

        def counted(counts: Counts) -> None:
            self._counting = False
            self.counts_changed.emit(counts)
            self._count_matching()
            if self._count_again:
                self._count()

        def failed(error: KnownError) -> None:
            self._counting = False
            self._fail_looking(error)

        self._reading.ask(lambda: count_tabs(self.database), counted, failed)

    def _count_matching(self) -> None:
        if self.criteria.tab is Tab.PROBLEMS or not self.criteria.is_narrowed:
            self.matching_changed.emit(-1)
            return
        criteria = self.criteria
        self._reading.ask(
            lambda: count_matching(self.database, criteria), self.matching_changed.emit, self._fail_looking, "matching"
        )

    def _give_details(self, details: ImageDetails | None) -> None:
        if details is not None:
            self.details_ready.emit(details)

    def _fail_loading(self, error: KnownError) -> None:
        self._loading = False
        self._begin_trouble(error)

    def _fail_looking(self, error: KnownError) -> None:
        self._looking = False
        self._begin_trouble(error)

    def _begin_trouble(self, error: KnownError) -> None:
        self._in_trouble = True
        self.trouble_began.emit(str(error))

    def _end_trouble(self) -> None:
        if self._in_trouble:
            self._in_trouble = False
            self.trouble_ended.emit()

    def _complain(self, error: KnownError) -> None:
        self.complained.emit(str(error))
