"""A line above the images that names the videos which were found and are not scanned, with the switch."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QWidget

from scanner.ops.status import Status

from ...style.colours import BARS, bar_style
from ...style.icons import closing, iconed
from ...style.spacing import EDGE, NEAR
from ...tasks.service_process import ServiceProcess
from ...tasks.unscanned_videos import UnscannedVideos, video_reader_is_installed
from ...texts.accessible_names import named
from ...texts.counts import counted
from ..elided_label import ElidedLabel


class VideoBar(QFrame):
    """Hidden while there are none, while they are scanned, and once it was closed, until more are found.

    `wanted` follows its button.
    """

    wanted = Signal(bool)

    def __init__(self, videos: UnscannedVideos, service: ServiceProcess, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._videos = videos
        self._service = service
        self.setStyleSheet(bar_style("hint", "VideoBar"))
        self.count = 0
        self._seen = 0
        self.words = named(ElidedLabel(), "Videos that are not scanned")
        self.button = iconed(named(QPushButton("Scan videos, too"), "Scan videos, too"), "film")
        self.button.clicked.connect(lambda: self.wanted.emit(True))
        self.dismiss = closing(named(QToolButton(), "Close this line"), BARS["hint"][1])
        self.dismiss.clicked.connect(self._dismiss)
        row = QHBoxLayout(self)
        row.setContentsMargins(EDGE, NEAR, EDGE, NEAR)
        row.addWidget(self.words, 1)
        row.addWidget(self.button)
        row.addWidget(self.dismiss)
        videos.counted.connect(self._show)
        self.setVisible(False)

    def follow(self, standing: Status) -> None:
        """Look whether there are any, unless they are scanned."""
        if self._service.current().videos:
            self._videos.forget()
            self._show(0)
        else:
            self._videos.look([(root.path, root.swept_at) for root in standing.roots])

    def _show(self, count: int) -> None:
        self.count = 0 if self._service.current().videos else count
        self._seen = min(self._seen, self.count)
        words = f"{counted(self.count, 'video')} in the watched folders {'is' if self.count == 1 else 'are'} not scanned"
        readable = video_reader_is_installed()
        self.words.setText(words if readable else f"{words}: install what reads them with pip install 'dfscan[video]'")
        self.button.setVisible(readable)
        self.setVisible(self.count > self._seen)

    def _dismiss(self) -> None:
        self._seen = self.count
        self.setVisible(False)
