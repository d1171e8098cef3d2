"""What people do with images of the queue, and the way back: an undo returns to the image that it changed."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from PySide6.QtCore import QObject, Signal

from scanner.database.engine import Database
from scanner.domain.states import Decision
from scanner.review.criteria import Criteria, Tab
from scanner.review.ordering import QueueItem
from scanner.review.review_queue import items_among, tab_of

from ..tasks.commands import Doing
from ..tasks.decisions import DecisionAct
from ..tasks.queries import Questions
from ..tasks.turns import Turns
from ..tasks.undo import Act, Told, Way
from .queue_model import QueueModel


class Acts(QObject):
    """`told` says what was done and how it is taken back; `settled` follows whatever is stored, with the files that it was about.

    `began_to_return` comes when an undo or redo begins, `returned` names its files once they are in the queue again,
    `sent_to_tab` the tab in which they are if it is another one. `more_wanted` asks for the rest of the queue.
    """

    told = Signal(object)
    said = Signal(str)
    settled = Signal(object)
    began_to_return = Signal()
    returned = Signal(object)
    sent_to_tab = Signal(object)
    more_wanted = Signal()

    def __init__(
        self,
        database: Database,
        model: QueueModel,
        questions: Questions,
        doing: Doing,
        now: Callable[[], datetime],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._database = database
        self._model = model
        self._questions = questions
        self._doing = doing
        self._now = now
        self.criteria = Criteria()
        self.turns = Turns()
        self._sought: Sequence[int] = ()
        self._being_decided: set[int] = set()
        doing.began.connect(lambda contents: model.mark_saving(contents, saving=True))
        doing.settled.connect(lambda contents: model.mark_saving(contents, saving=False))
        doing.settled.connect(self._being_decided.difference_update)
        doing.done.connect(self._settle)
        doing.moved.connect(self._return)
        doing.stuck.connect(self.give_up)
        doing.told.connect(self.told)

    def decide(
        self, items: Sequence[QueueItem], contents: Collection[int], decision: Decision, *, note: str | None, reviewer: str
    ) -> None:
        """Store a decision on contents, by their ids; `items` are the images that it was made on.

        Rows leave, and words are said, once it is stored. `note` None: each keeps its note.
        """
        self._do(items, contents, decision, note, reviewer)

    def is_being_decided(self, content_id: int) -> bool:
        """Whether a decision on it is on its way to the database; a note alone is none."""
        return content_id in self._being_decided

    def add_note(self, items: Sequence[QueueItem], note: str, *, reviewer: str) -> None:
        """Store a note alone."""
        self._do(items, {item.content_id for item in items}, None, note, reviewer)

    def undo(self) -> None:
        """Take the last act back, and return to its image; keys pressed meanwhile mean that one."""
        self.turns.take(lambda: self._move(self._doing.undo), on_image=False)

    def redo(self) -> None:
        """Do again what was undone."""
        self.turns.take(lambda: self._move(self._doing.redo), on_image=False)

    def find_sought(self, *, loading: bool) -> None:
        """Go to the files that an undo has changed, once they are among the rows; `loading`: more rows are on their way."""
        if not self._sought:
            return
        self._model.reveal(self._sought)
        here = [file_id for file_id in self._sought if self._model.row_of(file_id) is not None]
        if here:
            self._sought = ()
            self.returned.emit(here)
            self.turns.release()
        elif not loading and self._model.is_complete:
            self.give_up()
        elif not loading:
            self.more_wanted.emit()

    def _do(
        self, items: Sequence[QueueItem], contents: Collection[int], decision: Decision | None, note: str | None, reviewer: str
    ) -> None:
        if contents:
            paths, touched = [item.path for item in items], [item.file_id for item in items]
            act = DecisionAct(self._database, sorted(contents), decision, note, reviewer, self._now, paths, touched)
            if decision:
                self._being_decided.update(contents)
            self._doing.do(act, f"{decision.value if decision else 'note'} ({len(contents)})", contents)

    def _settle(self, act: Act, contents: Collection[int]) -> None:
        """What was decided leaves its tab at once, or shows its new decision."""
        items = self._model.of_content(contents)
        if isinstance(act, DecisionAct) and act.decision is not None:
            stays = self.criteria.tab.value == act.decision.value
            belonging = [item._replace(decision=act.decision.value) for item in items] if stays else []
            self._model.bring_up_to_date([item.file_id for item in items], belonging)
        self.settled.emit({*act.touched, *(item.file_id for item in items)})

    def _move(self, move: Callable[[], None]) -> None:
        self.turns.hold()
        move()

    def _return(self, act: Act | None, told: Told | None) -> None:
        """An undo or redo is stored: put its files where they belong now, and go to them."""
        if act is None or told is None:
            self.said.emit("There is nothing more to undo or redo")
            self.give_up()
            return
        if not act.touched:  # not about images: there is nothing to return to
            self.told.emit(told)
            self.turns.release()
            self.settled.emit(set())
            return
        self.began_to_return.emit()
        criteria, ids, undone = self.criteria, tuple(act.touched), told.way_back is Way.REDO

        def read() -> tuple[tuple[QueueItem, ...], Tab | None]:
            found = items_among(self._database, criteria, ids) if criteria.tab is not Tab.PROBLEMS else ()
            return found, tab_of(self._database, ids[0]) if undone and not found else None

        def show(answer: tuple[tuple[QueueItem, ...], Tab | None]) -> None:
            found, home = answer
            hidden = home is not None and home is criteria.tab
            self.told.emit(replace(told, words=f"{told.words} (the filters hide it)") if hidden else told)
            self._model.bring_up_to_date(ids, found)
            if found:
                self._sought = ids
                self.find_sought(loading=False)
            elif home is not None and not hidden:
                self._sought = ids
                self.sent_to_tab.emit(home)
            else:
                self.turns.release(in_sight=not undone)  # what was undone and is hidden is meant by no key
            self.settled.emit(set(ids))

        self._questions.ask(read, show, unanswered=self.give_up)

    def give_up(self) -> None:
        """What was to be undone was not: keys that meant it mean nothing."""
        self._sought = ()
        self.turns.drop()
