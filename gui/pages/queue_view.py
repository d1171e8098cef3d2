"""What is shown once a database is open: tabs with counts, and a page for each kind of work."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from scanner.review.criteria import Criteria, CriteriaError, Tab
from scanner.review.image_details import known_models
from scanner.review.review_queue import Counts
from scanner.review.saved_filters import NamedCriteria, delete_filter, save_filter, saved_filters

from ..models.presenter import QueuePresenter
from ..style.icons import switch
from ..style.spacing import EDGE, GAP, NEAR
from ..texts.accessible_names import named
from ..texts.outside import plain
from ..texts.tab_names import TAB_NAMES
from ..widgets.bars.tab_bar import Tabs
from ..widgets.bars.video_bar import VideoBar
from ..widgets.bars.waiting_bar import WaitingBar
from ..widgets.filter_bar import Asked
from .loupe import Loupe
from .review_page import ReviewPage
from .run_page import RunPage

if TYPE_CHECKING:
    from .problems_page import ProblemsPage

TABS = (Tab.TO_REVIEW, Tab.FAKE, Tab.REAL, Tab.UNSURE, Tab.PROBLEMS)


class QueueView(QWidget):
    """Tabs above, one page below."""

    counts_changed = Signal(object)

    def __init__(
        self,
        presenter: QueuePresenter,
        review: ReviewPage,
        problems: "Callable[[], ProblemsPage]",
        running: RunPage,
        videos: VideoBar,
        now: Callable[[], datetime],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._presenter = presenter
        self._now = now
        self._saved: dict[str, NamedCriteria] = {}
        self._folders: Sequence[str] = ()
        self.review, self.running = review, running
        self._make_problems = problems
        self._problems: ProblemsPage | None = None
        self.tabs = named(Tabs(), "Parts of the queue")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        for title in self._titles(None):
            self.tabs.addTab(title)
        self.matching = plain(QLabel())
        self.run_button = switch(QPushButton(), "folder-cog")
        self.run_button.setText("Folders and workers")
        self.stack = QStackedWidget()
        for page in (review, running):
            self.stack.addWidget(page)
        self.head = QWidget()
        row = QHBoxLayout(self.head)
        row.setContentsMargins(EDGE, NEAR, EDGE, 0)
        row.addWidget(self.tabs)
        row.addStretch()
        row.addWidget(self.matching)
        row.addSpacing(GAP)
        row.addWidget(self.run_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(NEAR)
        layout.addWidget(self.head)
        self.waiting = WaitingBar()
        self.waiting.start_wanted.connect(running.start.click)
        self.videos = videos
        for bar in (self.waiting, self.videos):
            layout.addWidget(bar)
        layout.addWidget(self.stack, 1)
        self.loupe = Loupe(review, (self.head, self.waiting, self.videos))
        self._connect()

    @property
    def problems(self) -> "ProblemsPage":
        """Made when it is first looked at."""
        if self._problems is None:
            self._problems = self._make_problems()
            self.stack.addWidget(self._problems)
        return self._problems

    def begin(self) -> None:
        """Read the queue and follow it."""
        self._presenter.start()
        self.running.begin()
        self._read_saved()
        self._read_choices()

    def end(self) -> None:
        """Ask nothing more."""
        self._presenter.stop()
        self.running.end()

    def show_tab(self, number: int) -> None:
        """One of TABS."""
        self.run_button.setChecked(False)
        if self.tabs.currentIndex() == number:
            self._show_page()
        self.tabs.setCurrentIndex(number)

    def escape(self) -> None:
        """Back, from wherever one is, until keys mean the image in sight."""
        if self.run_button.isChecked():
            self.run_button.setChecked(False)
        elif self.loupe.escape():
            pass
        elif self.stack.currentWidget() is self.review:
            self.review.escape()
        elif self.problems.search.hasFocus() and self.problems.table.isVisible():
            self.problems.table.setFocus()
        else:
            self.show_tab(0)

    def focus_search(self) -> None:
        """To the search box of what is shown."""
        shown = self._problems
        box = shown.search if shown is not None and shown.isVisible() else self.review.filters.search
        box.setFocus()
        box.selectAll()

    def only_this_folder(self) -> None:
        """Filter by the folder of the current image."""
        current = self.review.current()
        if current is not None:
            self.review.filters.set_folder(os.path.dirname(current.path))

    def refresh(self) -> None:
        """Read everything anew."""
        self._ask_queue()
        self._read_anew()

    def _read_anew(self) -> None:
        """All but the queue."""
        if self._problems is not None:
            self._problems.reload()
        self.running.look()
        self._read_choices()
        self._read_saved()

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self._show_page)
        self.tabs.tabBarClicked.connect(self._leave_running)  # also the highlighted one leads back to its page
        self._presenter.acts.sent_to_tab.connect(self._show_home)
        self.run_button.toggled.connect(self._show_page)
        self._presenter.counts_changed.connect(self._show_counts)
        self._presenter.matching_changed.connect(self._show_matching)
        self._presenter.questions.trouble_ended.connect(self._read_anew)
        self.running.folders_changed.connect(self._keep_folders)
        self.running.waiting_changed.connect(self._show_waiting)
        self.running.standing_changed.connect(lambda standing, _: self.videos.follow(standing))
        self.videos.wanted.connect(self.running.choose_videos)
        self.review.empty.tab_wanted.connect(self._show_home)
        filters = self.review.filters
        filters.changed.connect(self._ask_queue)
        filters.save_wanted.connect(self._save_filter)
        filters.saved_chosen.connect(self._use_saved)
        filters.delete_wanted.connect(self._delete_saved)

    def _leave_running(self, number: int) -> None:
        if number >= 0:
            self.run_button.setChecked(False)
        if self.stack.currentWidget() is self.review:
            self.review.focus_picture()

    def _show_waiting(self, words: str, startable: bool) -> None:
        self.waiting.show_waiting(words, startable)
        self.review.emptiness.show_waiting(words)

    def _show_home(self, tab: Tab) -> None:
        """The tab in which an undo has left its image, or that was asked for."""
        self.show_tab(TABS.index(tab))

    def _show_page(self, *_: object) -> None:
        self._choose_page()
        shown = self.stack.currentWidget()
        if shown is self.review:
            self.review.focus_picture()
        else:
            (self.running.folders if shown is self.running else self.problems.table).setFocus()

    def _choose_page(self) -> None:
        self.tabs.mark(not self.run_button.isChecked())
        if self.run_button.isChecked():
            self.stack.setCurrentWidget(self.running)
            self.running.models.list_models()
            return
        tab = TABS[self.tabs.currentIndex()]
        self.stack.setCurrentWidget(self.problems if tab is Tab.PROBLEMS else self.review)
        if tab is Tab.PROBLEMS:
            self.problems.reload()
        if tab is not self._presenter.criteria.tab:
            self._ask_queue()

    def _ask_queue(self) -> None:
        """What tab and filters say, once the dates in it are understood."""
        asked, tab, now = self.review.filters.asked(), TABS[self.tabs.currentIndex()], self._now()
        if not asked.since and not asked.until:
            self._presenter.show(replace(asked.criteria, tab=tab))
            return
        self._presenter.ask(lambda: _understood(asked, tab, now), self._presenter.show, "criteria")

    def _titles(self, counts: Counts | None) -> tuple[str, ...]:
        names = tuple(TAB_NAMES[tab] for tab in TABS)
        if counts is None:
            return names
        numbers = (counts.to_review, counts.fake, counts.real, counts.unsure, counts.problems)
        return tuple(f"{name}  {number:,}" for name, number in zip(names, numbers, strict=True))

    def _show_counts(self, counts: Counts) -> None:
        for number, title in enumerate(self._titles(counts)):
            if self.tabs.tabText(number) != title:
                self.tabs.setTabText(number, title)
        self.counts_changed.emit(counts)

    def _show_matching(self, count: int) -> None:
        self.matching.setText(f"{count:,} match" if count >= 0 else "")

    def _keep_folders(self, folders: Sequence[str]) -> None:
        if list(folders) != list(self._folders):
            self._folders = list(folders)
            self._read_choices()

    def _read_choices(self) -> None:
        database = self._presenter.database

        def show(models: Sequence[str]) -> None:
            self.review.filters.set_choices(self._folders, models)

        self._presenter.ask(lambda: known_models(database), show, "choices")

    def _read_saved(self, _: object = None) -> None:
        self._presenter.ask(lambda: saved_filters(self._presenter.database), self._show_saved, "saved")

    def _show_saved(self, saved: Sequence[NamedCriteria]) -> None:
        self._saved = {kept.name: kept for kept in saved}
        self.review.filters.set_saved(saved)

    def _save_filter(self) -> None:
        name, agreed = QInputDialog.getText(self, "Save this filter", "Name")
        if agreed and name.strip():
            database, criteria = self._presenter.database, self._presenter.criteria
            self._presenter.write(lambda: save_filter(database, name.strip()[:100], criteria, database.now()), self._read_saved)

    def _delete_saved(self, name: str) -> None:
        self._presenter.write(lambda: delete_filter(self._presenter.database, name), self._read_saved)

    def _use_saved(self, name: str) -> None:
        try:
            criteria = Criteria.from_json(self._saved[name].document, TABS[self.tabs.currentIndex()])
        except CriteriaError as error:
            self._presenter.complained.emit(str(error))
            return
        self.review.filters.show_criteria(criteria)
        self._presenter.show(criteria)


def _understood(asked: Asked, tab: Tab, now: datetime) -> Criteria:
    """Phrases such as `yesterday` as moments. Raises KnownErrors that name the phrase."""
    from scanner.base.local_time import LocalZone
    from scanner.reports.dates import parse_moment  # slow to import, and seldom needed

    local = now.astimezone(LocalZone())
    since = parse_moment(asked.since, local) if asked.since else None
    until = parse_moment(asked.until, local) if asked.until else None
    return replace(asked.criteria, tab=tab, since=since, until=until)
