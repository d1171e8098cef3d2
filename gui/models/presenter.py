"""Between the widgets and the core: asks the database in the background, and keeps the queue's model up to date."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from scanner.database.engine import Database
from scanner.review.criteria import Criteria, Tab
from scanner.review.image_details import ImageDetails, image_details
from scanner.review.ordering import QueueItem
from scanner.review.review_queue import (
    ChangeMarks,
    Counts,
    changed_since,
    count_matching,
    count_tabs,
    items_among,
    queue_page,
    take_pulse,
)

from ..tasks.background import Background
from ..tasks.commands import Doing
from ..tasks.queries import Questions
from .acts import Acts
from .queue_model import QueueModel

PAGE = 300
# For going to the end: fewer, larger steps.
LONG_PAGE = 4_000
# At most so much of a queue is read anew at once.
ANEW = 2_000
LOOK_MILLISECONDS = 1000
# Counts on tabs follow what a person does: once for several keys.
COUNT_MILLISECONDS = 150
# More changes than this at once: the queue is read anew.
MANY = 1_000


@dataclass(frozen=True)
class _Look:
    pulse: ChangeMarks
    touched: tuple[int, ...] | None
    belonging: tuple[QueueItem, ...]


class QueuePresenter(QObject):
    """One queue on one database. Reading goes through `questions`, what changes something through `doing`, and what people do
    with images through `acts`. `changed` names files of which other things may be known now, None: of any. `change_began` and
    `change_ended` stand around what changes the rows without anyone here having asked for it."""

    counts_changed = Signal(object)
    matching_changed = Signal(int)
    queue_started = Signal()
    said = Signal(str)
    complained = Signal(str)
    details_ready = Signal(object)
    changed = Signal(object)
    change_began = Signal()
    change_ended = Signal()

    def __init__(
        self,
        database: Database,
        model: QueueModel,
        reading: Background,
        writing: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.database = database
        self.model = model
        self.questions = Questions(reading, self)
        self.doing = Doing(writing, self)
        self.acts = Acts(database, model, self.questions, self.doing, database.now, self)
        self.criteria = self.acts.criteria
        self._pulse: ChangeMarks | None = None
        self._loading = False
        self._read = 0  # so many files of the queue
        self._to_the_end = False
        self._looking = False
        self._counting = False
        self._count_again = False
        self._stopped = False
        model.more_wanted.connect(self.load_more)
        self.acts.began_to_return.connect(self._look_no_more)
        self.acts.settled.connect(self._follow)
        self.acts.more_wanted.connect(self.load_to_the_end)
        self.acts.said.connect(self.said)
        self.doing.complained.connect(self.complained)
        self.questions.complained.connect(self.complained)
        self.questions.trouble_ended.connect(self._begin_anew)
        self._counts = QTimer(self)
        self._counts.setSingleShot(True)
        self._counts.setInterval(COUNT_MILLISECONDS)
        self._counts.timeout.connect(self._count)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MILLISECONDS)
        self._timer.timeout.connect(self.look)

    @property
    def is_up_to_date(self) -> bool:
        """Whether the first page has come, so that changes are followed."""
        return self._pulse is not None

    def start(self) -> None:
        """Show the queue and follow changes."""
        self.show(self.criteria)
        self._timer.start()

    def stop(self) -> None:
        """Ask nothing more."""
        self._stopped = True
        self._timer.stop()
        self._counts.stop()

    def show(self, criteria: Criteria) -> None:
        """Another queue, from its beginning; the same one as far as it was loaded."""
        limit = self._as_far() if criteria == self.criteria else PAGE
        self.criteria = self.acts.criteria = criteria
        self._to_the_end = False
        self._look_no_more()
        if criteria.tab is Tab.PROBLEMS:
            self._count()
            return
        self._load(first=True, limit=limit)
        self._count()

    def stack(self, wanted: bool) -> None:
        """Whether near copies share a tile."""
        self.model.stacking = wanted
        self.show(self.criteria)

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
        """Put what others have changed in its place; in trouble, see whether it is over."""
        if self._stopped:
            return
        if self.questions.in_trouble:
            self.questions.try_again()
        elif not self._looking and not self.acts.turns.is_held:
            self._looking = True
            pulse, criteria = self._pulse, self.criteria
            self.questions.ask(lambda: self._changes(pulse, criteria), self._apply, "look", self._not_looked)

    def ask_details(self, item: QueueItem) -> None:
        """Emit `details_ready` for an item, unless another is asked for meanwhile."""
        self.questions.ask(lambda: image_details(self.database, item.file_id), self._give_details, "details")

    def ask(self, work: Callable[[], Any], answered: Callable[[Any], None], topic: str | None = None) -> None:
        """Read something else from the database; `work` changes nothing."""
        self.questions.ask(work, answered, topic)

    def write(self, work: Callable[[], Any], answered: Callable[[Any], None]) -> None:
        """Change something that is not for the undo stack."""
        self.doing.write(work, answered)

    def _follow(self, file_ids: Collection[int]) -> None:
        self.look()
        self.changed.emit(file_ids)
        self._count_soon()

    def _look_no_more(self) -> None:
        """What was read before something changed may not be put in place after it."""
        self.questions.forget("look")
        self._looking = False

    def _begin_anew(self) -> None:
        """After trouble: nothing is known of what happened meanwhile."""
        self._look_no_more()
        if self.criteria.tab is not Tab.PROBLEMS:
            self._load(first=True, limit=self._as_far(), asked=False)
        self._count()
        self.changed.emit(None)

    def _as_far(self) -> int:
        """How much of the queue is to be read anew, so that what is in sight is among it."""
        return max(PAGE, min(self._read, ANEW))

    def _load(self, *, first: bool, limit: int, behind: QueueItem | None = None, asked: bool = True) -> None:
        """A page: the first, or the one `behind` an item, which is the last one if none is given. `asked`: by a person."""
        self._loading = True
        criteria, after = self.criteria, None if first else behind or self.model.last

        def read() -> tuple[ChangeMarks | None, tuple[QueueItem, ...]]:
            pulse = take_pulse(self.database) if first else None  # before the page: what changes in between is looked at again
            return pulse, queue_page(self.database, criteria, after=after, limit=limit)

        def loaded(answer: tuple[ChangeMarks | None, tuple[QueueItem, ...]]) -> None:
            pulse, items = answer
            self._loading = False
            complete = len(items) < limit
            self._read = len(items) + (0 if first else self._read)
            if self._to_the_end and not complete:  # read while this one is put in its place
                self._load(first=False, limit=LONG_PAGE, behind=items[-1])
            if first:
                self._pulse = pulse
                if not asked:
                    self.change_began.emit()
                self.model.start(criteria.order, items, complete=complete)
                if not asked:
                    self.change_ended.emit()
                self.queue_started.emit()
                self._count_matching()
            else:
                self.model.append(items, complete=complete)
            self.acts.find_sought(loading=self._loading)

        self.questions.ask(read, loaded, "page", self._not_loaded)

    def _changes(self, pulse: ChangeMarks | None, criteria: Criteria) -> _Look:
        found = take_pulse(self.database)
        if found == pulse:
            return _Look(found, (), ())
        if pulse is None or criteria.tab is Tab.PROBLEMS:
            return _Look(found, (), ())
        touched = changed_since(self.database, pulse, found, MANY)
        return _Look(found, touched, items_among(self.database, criteria, touched) if touched else ())

    def _apply(self, look: _Look) -> None:
        self._looking = False
        before, self._pulse = self._pulse, look.pulse
        if look.pulse == before:
            return
        if look.touched is None:
            self._load(first=True, limit=self._as_far(), asked=False)
        elif look.touched:
            self.change_began.emit()
            self.model.bring_up_to_date(look.touched, look.belonging)
            self.change_ended.emit()
        self._count_soon()
        self.changed.emit(look.touched)

    def _count_soon(self) -> None:
        if not self._counts.isActive():
            self._counts.start()

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

        def not_counted() -> None:
            self._counting = False

        self.questions.ask(lambda: count_tabs(self.database), counted, unanswered=not_counted)

    def _count_matching(self) -> None:
        if self.criteria.tab is Tab.PROBLEMS or not self.criteria.is_narrowed:
            self.matching_changed.emit(-1)
            return
        criteria = self.criteria
        self.questions.ask(lambda: count_matching(self.database, criteria), self.matching_changed.emit, "matching")

    def _give_details(self, details: ImageDetails | None) -> None:
        if details is not None:
            self.details_ready.emit(details)

    def _not_loaded(self) -> None:
        self._loading = False
        self.acts.give_up()

    def _not_looked(self) -> None:
        self._looking = False
