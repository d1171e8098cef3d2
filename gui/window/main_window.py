"""The main window: opens the database, and is put together from pages, acts and menus."""

import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from scanner.base.choices import ChoiceNotKept, choose_model, choose_videos
from scanner.base.errors import KnownError
from scanner.base.settings import Settings
from scanner.ops.status import Status
from scanner.review.review_queue import Counts

from ..media.explain_process import COMMAND as EXPLAIN
from ..media.judged_pictures import judged_in
from ..media.previews import Previews
from ..models.presenter import QueuePresenter
from ..models.queue_model import QueueModel
from ..pages.plain_pages import FirstStartPage, OpeningPage, TroublePage
from ..pages.queue_view import QueueView
from ..pages.review_page import ReviewPage
from ..pages.run_page import RunPage
from ..style.spacing import EDGE
from ..tasks.background import Background
from ..tasks.opening import Opened, open_queue, wake_workers, worker_is_installed
from ..tasks.progress import Progress
from ..tasks.service_process import ServiceProcess
from ..tasks.unscanned_videos import UnscannedVideos
from ..texts.outside import plain
from ..texts.status_line import recovery_words, standing_line
from ..widgets.bars.banner import Banner
from ..widgets.bars.video_bar import VideoBar
from ..widgets.model_box import ModelBox
from ..widgets.questions import ask_to_close
from .actions import WindowActions, queue_work
from .icon import program_icon
from .image_actions import ImageActions
from .kept_layout import keep_layout, restore_layout
from .menu_dialogs import MenuDialogs
from .notices import NoticeLimit, make_tray
from .picture_makers import make_heatmaps, make_thumbnails
from .preferences import PreferenceStore, use_theme, with_choices

if TYPE_CHECKING:
    from ..pages.problems_page import ProblemsPage

_LONG_MILLISECONDS, _SAID_MILLISECONDS = 3000, 6000


class MainWindow(QMainWindow):
    """Give it settings and a clock; call `open` to begin. `explain` is the command of the process that makes heatmaps.

    `current` gives the settings as they are chosen now, here or on the command line.
    """

    def __init__(
        self,
        settings: Settings,
        now: Callable[[], datetime],
        explain: Sequence[str] = EXPLAIN,
        current: Callable[[], Settings] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._explain = explain
        self._settings = settings
        self._now = now
        self.store = PreferenceStore(settings.data_dir)
        self.service = ServiceProcess(settings, current or partial(with_choices, settings), self)
        self._videos = UnscannedVideos(settings.ignore, self)
        self._reading = Background("reading", 2, self)
        self._writing = Background("writing", 1, self)
        self._drawing = Background("thumbnails", 2, self)
        self._decoding = Background("preview", 3, self)  # what is examined holds up no picture
        self.view: QueueView | None = None
        self.acts: ImageActions | None = None
        self.presenter: QueuePresenter | None = None
        self._opened: Opened | None = None
        self._notices = NoticeLimit(time.monotonic)
        self._quitting = self._ending = False
        use_theme(self.store.read().theme)
        self.setWindowTitle("dfscan: review queue")
        self.setWindowIcon(program_icon())
        self._make_pages()
        self.tray = make_tray(program_icon(), self._come_forward, self.service.toggle, self._quit, self)
        self.service.complained.connect(self.complain)
        self.service.changed.connect(self._show_service)
        self.resize(QSize(1280, 800).boundedTo(self.screen().availableSize()))
        if shape := self.store.shape("window"):
            self.restoreGeometry(shape)

    def open(self) -> None:
        """Open the database; the window is there meanwhile."""
        self._pages.setCurrentWidget(self._opening)
        QTimer.singleShot(_LONG_MILLISECONDS, self._opening, self._opening.say_it_takes_long)
        self._reading.ask(lambda: open_queue(self._settings), self._begin, self._show_failure)

    def say(self, text: str) -> None:
        """A short message that goes away."""
        self.statusBar().showMessage(text, _SAID_MILLISECONDS)

    def complain(self, text: str) -> None:
        """Something went wrong; stays until it is clicked away or something else was done."""
        self.banner.complain(text)

    def closeEvent(self, event: QCloseEvent) -> None:
        """To the tray while the service runs and there is one; else everything ends."""
        if self.tray is not None and self.service.is_running and not self._quitting:
            self.hide()
            event.ignore()
            return
        if not self._quitting and self._scanning() and not ask_to_close(self, self._scanning()):
            event.ignore()
            return
        keep_layout(self.store, self, self.view.review if self.view is not None else None)
        if self.view is not None:
            self.view.end()
            self.view.review.look.heatmaps.close()
        if self.acts is not None:
            self.acts.store_drafts()
        self._ending = True
        self._writing.close(finish=True)  # what was decided last is stored, too
        self.service.close()
        self._videos.close()
        for background in (self._reading, self._drawing, self._decoding):
            background.close()
        if self._opened is not None:
            self._opened.database.close()
        if self.tray is not None:
            self.tray.close()
        event.accept()

    def end(self) -> None:
        """Close without asking: whoever runs the session wants it."""
        self._quitting = True
        self.close()

    def _scanning(self) -> int:
        """How many images wait for a scan that would end with the window."""
        return self.view.running.pending if self.view is not None and self.service.is_running else 0

    def _make_pages(self) -> None:
        self._opening, self._trouble, self.first_start = OpeningPage(), TroublePage(), FirstStartPage()
        self._trouble.again.connect(self.open)
        self.first_start.folder_chosen.connect(self._first_folder)
        self._pages = QStackedWidget()
        for page in (self._opening, self._trouble, self.first_start):
            self._pages.addWidget(page)
        self.banner = Banner()
        central = QWidget()
        column = QVBoxLayout(central)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self._pages, 1)
        self.setCentralWidget(central)
        self.standing = plain(QLabel())
        self.standing.setContentsMargins(0, 0, EDGE, 0)
        self.statusBar().setSizeGripEnabled(False)  # it comes and goes with the whole screen, over what stands there
        self.statusBar().addPermanentWidget(self.standing)

    def _show_failure(self, error: KnownError) -> None:
        self._trouble.show_trouble(str(error))
        self._pages.setCurrentWidget(self._trouble)

    def _begin(self, opened: Opened) -> None:
        self._opened = opened
        self._build(opened)
        assert self.view is not None
        self._pages.addWidget(self.view)
        self._pages.setCurrentWidget(self.first_start if opened.is_new else self.view)
        self.view.begin()
        if self.store.number("scanning", 0):
            self.view.running.resume()
        if opened.is_new:
            self.first_start.button.setFocus()
        else:
            self.view.review.focus_picture()
        if not worker_is_installed():
            self.complain(
                "Images cannot be scored on this machine: the worker extra is not installed. "
                "Install it with: pip install 'dfscan[worker]'. Reviewing works without it."
            )
        if opened.recovered:
            self.complain(recovery_words(opened.recovered))

    def _build(self, opened: Opened) -> None:
        pictures = judged_in(opened.database)
        thumbnails = make_thumbnails(self._settings, pictures, self._drawing, self.devicePixelRatioF(), self)
        model = QueueModel(thumbnails)
        model.setParent(self)
        model.stacking = bool(self.store.number("stacked", 1))
        presenter = QueuePresenter(opened.database, model, self._reading, self._writing, self)
        heatmaps = make_heatmaps(self._settings, self._explain, self._drawing, self)
        review = ReviewPage(presenter, thumbnails, Previews(pictures, self._decoding, self), heatmaps)
        command = [sys.executable, "-m", "scanner", "--data-dir", str(self._settings.data_dir)]
        models = ModelBox(presenter, self.service, command, lambda: self.service.current().model, self._settings)
        models.model_chosen.connect(lambda name: self._choose(partial(choose_model, self._settings.data_dir, name)))
        running = RunPage(presenter, self.service, models)
        running.videos_chosen.connect(lambda wanted: self._choose(partial(choose_videos, self._settings.data_dir, wanted)))
        running.standing_changed.connect(self._show_standing)
        self.presenter = presenter
        problems = partial(self._make_problems, presenter)
        self.view = QueueView(presenter, review, problems, running, VideoBar(self._videos, self.service), self._now)
        self.view.counts_changed.connect(self._count_news)
        self.acts = ImageActions(presenter, review, opened.journal, self.store, self._settings.ignore, self)
        review.decided.connect(self.acts.decide)
        review.noted.connect(self.acts.note)
        review.copy_chosen.connect(self._find_copy)
        presenter.said.connect(self.say)
        presenter.said.connect(self.banner.forget_complaint)
        presenter.acts.told.connect(self.banner.forget_complaint)
        presenter.complained.connect(self.complain)
        presenter.questions.trouble_began.connect(self.banner.show_trouble)
        presenter.questions.trouble_ended.connect(self.banner.end_trouble)
        restore_layout(self.store, review)
        self._make_actions(self.view, self.acts, presenter)

    def _make_problems(self, presenter: QueuePresenter) -> "ProblemsPage":
        from ..pages.problems_page import ProblemsPage  # a start needs not wait for it

        return ProblemsPage(presenter, partial(wake_workers, self._settings))

    def _make_actions(self, view: QueueView, acts: ImageActions, presenter: QueuePresenter) -> None:
        self.dialogs = MenuDialogs(self, presenter, self.store, lambda: self.actions_of)
        work = {**queue_work(view, acts, presenter), "search": view.focus_search, "keys": self.dialogs.show_keys}
        plain: dict[str, Callable[[], object]] = {
            "only_folder": view.only_this_folder,
            "kept": acts.show_kept,
            "preferences": self.dialogs.show_preferences,
            "quit": self._quit,
            "guide": self.dialogs.show_guide,
            "about": self.dialogs.show_about,
            "cards": self.dialogs.show_cards,
        }
        self.actions_of = WindowActions(view, self.menuBar(), work, plain, presenter, self, self.store.keys())
        stacking = self.actions_of.stacking
        stacking.setChecked(presenter.model.stacking)
        stacking.toggled.connect(presenter.stack)
        stacking.toggled.connect(lambda wanted: self.store.keep_number("stacked", int(wanted)))
        redo = self.actions_of.by_name["redo"]
        presenter.doing.undo_stack.canRedoChanged.connect(redo.setEnabled)
        redo.setEnabled(False)

    def _first_folder(self, path: str) -> None:
        if self.view is not None:
            self._pages.setCurrentWidget(self.view)
            self.view.running.add_folder(path)
            self.say("Looking through the folder; the first results come as soon as the model is loaded")
            self.view.review.focus_picture()

    def _find_copy(self, path: str) -> None:
        if self.view is not None:
            self.view.review.filters.search.setText(path)

    def _choose(self, keep: Callable[[], None]) -> None:
        try:
            keep()
        except ChoiceNotKept as error:
            self.complain(str(error))

    def _show_standing(self, standing: Status, progress: Progress) -> None:
        running, paused = self.service.is_running, self.service.is_paused
        self.standing.setText(standing_line(standing, progress, running=running, paused=paused))
        if self.tray is not None:
            self.tray.show_state(self.standing.text(), running=running, paused=paused)

    def _show_service(self) -> None:
        if not self._ending:
            self.store.keep_number("scanning", int(self.service.is_running))
        if self.view is not None:
            self.view.running.look()

    def _count_news(self, counts: Counts) -> None:
        told = self._notices.count(counts.to_review, looking=self.isActiveWindow())
        if told and self.tray is not None and self.store.read().notify:
            self.tray.notify(told)

    def _come_forward(self) -> None:
        self.show()
        self.raise_()
        self.activateWindow()

    def _quit(self) -> None:
        self._quitting = True
        self.close()
        QApplication.quit()
