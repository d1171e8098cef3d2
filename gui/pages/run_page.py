"""Watched folders, the watch service and workers: what makes the queue fill."""

import time
from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from scanner.base.escape import printable
from scanner.ops.status import Status, current_status
from scanner.roots.roots import add_roots

from ..models.presenter import QueuePresenter
from ..style.icons import iconed
from ..style.spacing import EDGE, GAP
from ..tasks.progress import Pace, Progress
from ..tasks.root_actions import RootRemoval
from ..tasks.service_process import ServiceProcess
from ..tasks.unscanned_videos import video_reader_is_installed
from ..texts.accessible_names import named
from ..texts.outside import plain
from ..texts.status_line import duration, waiting_words
from ..widgets.model_box import ModelBox
from ..widgets.questions import confirmed
from ..widgets.watched_folders import WatchedFolders

_LOOK_MILLISECONDS = 2000


class RunPage(QWidget):
    """Everything about the service. `standing_changed` gives progress to whoever shows it, `waiting_changed` the words for what
    waits to be scanned, and whether it needs someone to start it."""

    standing_changed = Signal(object, object)
    waiting_changed = Signal(str, bool)
    folders_changed = Signal(object)
    videos_chosen = Signal(bool)

    def __init__(
        self,
        presenter: QueuePresenter,
        service: ServiceProcess,
        models: ModelBox,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._presenter = presenter
        self._service = service
        self._pace = Pace()
        self.pending = 0
        self._resuming = False
        self._watched: list[str] | None = None
        self.models = models
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        layout.setSpacing(GAP)
        layout.addWidget(self._service_box())
        layout.addWidget(self._folder_box())
        lower = QHBoxLayout()
        lower.addWidget(self._worker_box(), 1)
        lower.addWidget(self.models, 1)
        layout.addLayout(lower)
        layout.addStretch(1)
        service.changed.connect(self._show_service)
        presenter.acts.settled.connect(lambda files: None if files else self.look())  # decisions change nothing here
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MILLISECONDS)
        self._timer.timeout.connect(self.look)
        self._show_service()

    def begin(self) -> None:
        """Follow how things stand."""
        self._timer.start()
        self.look()

    def end(self) -> None:
        """Ask nothing more."""
        self._timer.stop()
        self.models.end()

    def look(self) -> None:
        """Ask how things stand."""
        self.models.follow_choice()
        self.videos.setChecked(self._service.current().videos)
        database = self._presenter.database
        self._presenter.ask(lambda: current_status(database, database.now()), self._show_standing, "standing")

    def resume(self) -> None:
        """Scanning was on when the window was closed: go on, once it is known that nothing else watches."""
        self._resuming = True

    def choose_videos(self, wanted: bool) -> None:
        """Scan videos from now on, or no more; the command line shares the choice."""
        self.videos_chosen.emit(wanted)
        if self._service.current().videos != wanted:
            now = "not scanned" if wanted else "scanned"
            words = f"Videos are {now}: a flag, an environment variable or config.toml says so, and goes before this choice."
            self._presenter.complained.emit(f"{words} Change it there.")
        elif wanted and not self._service.is_running:
            self._service.start()
        self.look()

    def add_folder(self, path: str) -> None:
        """Watch a folder from now on, and start the service or let it begin anew."""

        def added(_: object) -> None:
            if not self._service.is_running:
                self._watched = None  # what it finds at its start is no change
            self.look()
            if not self._service.is_running:
                self._service.start()

        database = self._presenter.database
        self._presenter.write(lambda: add_roots(database, [path], database.now()), added)

    def _service_box(self) -> QWidget:
        box = QGroupBox("Watch service")
        self.state = plain(QLabel())
        self.state.setWordWrap(True)
        self.start = iconed(QPushButton("Start"), "play")
        self.start.clicked.connect(lambda: self._service.start())
        self.stop = iconed(QPushButton("Stop"), "square")
        self.stop.clicked.connect(self._service.stop)
        self.pause = iconed(QPushButton(), "pause")
        self.pause.setText("Pause")
        menu = QMenu(self)
        for minutes, text in ((15, "15 minutes"), (60, "1 hour"), (0, "Until I go on")):
            menu.addAction(text, lambda minutes=minutes: self._service.pause(minutes))  # type: ignore[misc]
        self.pause.setMenu(menu)
        self.bar = named(QProgressBar(), "Progress")
        self.bar.setTextVisible(False)
        self.progress = plain(QLabel())
        row = QHBoxLayout()
        row.addWidget(self.state, 1)
        for button in (self.start, self.pause, self.stop):
            row.addWidget(button)
        layout = QVBoxLayout(box)
        layout.addLayout(row)
        layout.addWidget(self.bar)
        layout.addWidget(self.progress)
        return box

    def _folder_box(self) -> QWidget:
        box = QGroupBox("Watched folders")
        self.folders = WatchedFolders()
        self.folders.removal_wanted.connect(self._remove_folder)
        self.folders.currentRowChanged.connect(self._show_choice)
        self.add = iconed(QPushButton("Add a folder\N{HORIZONTAL ELLIPSIS}"), "folder-plus")
        self.add.clicked.connect(self._choose_folder)
        self.remove = iconed(QPushButton("Watch no more"), "folder-x")
        self.remove.setToolTip("What is known of its images stays")
        self.remove.setEnabled(False)
        self.remove.clicked.connect(self._remove_folder)
        row = QHBoxLayout()
        row.addWidget(self.add)
        row.addWidget(self.remove)
        row.addStretch()
        self.videos = QCheckBox("Scan videos, too")
        self.videos.setEnabled(video_reader_is_installed())
        self.videos.setToolTip("" if self.videos.isEnabled() else "Install what reads them: pip install 'dfscan[video]'")
        self.videos.clicked.connect(self.choose_videos)
        row.addWidget(self.videos)
        layout = QVBoxLayout(box)
        layout.addWidget(self.folders)
        layout.addLayout(row)
        return box

    def _worker_box(self) -> QWidget:
        box = QGroupBox("Workers")
        self.workers = plain(QLabel("None at work"))
        self.workers.setWordWrap(True)
        layout = QVBoxLayout(box)
        layout.addWidget(self.workers)
        layout.addStretch()
        return box

    def _show_service(self) -> None:
        running, paused = self._service.is_running, self._service.is_paused
        if paused:
            self.state.setText("Paused. New images are found when it goes on.")
        elif running:
            self.state.setText("Watching. New images are scored as they come.")
        else:
            self.state.setText("Stopped. What comes meanwhile is found at the next start.")
        self.start.setText("Go on" if paused else "Start")
        self.start.setEnabled(not running and self.folders_known)
        self.stop.setEnabled(running or paused)
        self.pause.setEnabled(running and not paused)

    @property
    def folders_known(self) -> bool:
        """Whether there is anything to watch."""
        return self.folders.count() > 0

    def _show_standing(self, standing: Status) -> None:
        finished = sum(count for state, count in standing.files.items() if state not in ("pending", "missing"))
        progress = self._pace.look(time.monotonic(), pending=standing.pending, finished=finished)
        self.bar.setRange(0, max(1, progress.pending + progress.finished))
        self.bar.setValue(progress.finished)
        self.bar.setVisible(progress.pending > 0)
        self.progress.setText(self._progress_text(progress))
        lines = [f"{worker.device}, model {worker.model}, on {worker.host}" for worker in standing.workers]
        starting = "None yet: it is loading the model" if self._service.is_running else "None at work"
        self.workers.setText("\n".join(lines) or starting)
        self.folders.show_roots(standing.roots)
        self._follow_folders([root.path for root in standing.roots])
        self.folders_changed.emit([root.path for root in standing.roots])
        self._go_on(standing)
        self._show_service()
        running, paused = self._service.is_running, self._service.is_paused
        words = waiting_words(standing, progress, running=running, paused=paused)
        self.pending = progress.pending
        self.waiting_changed.emit(words, bool(words) and not running and not standing.workers and standing.watch is None)
        self.standing_changed.emit(standing, progress)

    def _go_on(self, standing: Status) -> None:
        resuming, self._resuming = self._resuming, False
        if resuming and standing.roots and standing.watch is None and not self._service.is_running:
            self._service.start()
            self._presenter.said.emit("Scanning goes on, as it was on when the window was closed")

    def _progress_text(self, progress: Progress) -> str:
        if not progress.pending:
            return f"{progress.finished:,} files, nothing waits"
        text = f"{progress.finished:,} done, {progress.pending:,} waiting"
        if progress.seconds_left is not None:
            text += f", {progress.rate:.1f} a second, {duration(progress.seconds_left)} left"
        return text

    def _choose_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "A folder to watch")
        if path:
            self.add_folder(path)

    def _show_choice(self, row: int) -> None:
        self.remove.setEnabled(row >= 0)

    def _remove_folder(self) -> None:
        path = self.folders.path
        if path is None:
            return
        words = "New images in it are found no more. What is known of its images stays, and Undo (Z) watches it again."
        if confirmed(self, f"Watch {printable(path)} no more?", words, "Watch no more"):
            self._presenter.doing.do(RootRemoval(self._presenter.database, path), "watch no more")

    def _follow_folders(self, paths: Sequence[str]) -> None:
        """The service watches what it found at its start: with other folders it begins anew."""
        before, self._watched = self._watched, list(paths)
        if before is not None and before != self._watched and self._service.is_running:
            if paths:
                self._service.restart()
            else:
                self._service.stop()
