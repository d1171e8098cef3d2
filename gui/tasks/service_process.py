"""`dfscan watch` as a process of its own: started, paused, stopped; it survives no window that started it."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from scanner.base.access.private import make_missing
from scanner.base.settings import Settings
from scanner.jobs.supervisor import as_environment

_STOP_MILLISECONDS = 8_000


class ServiceProcess(QObject):
    """`changed` tells of every change of state; `complained` when it ended by itself."""

    changed = Signal()
    complained = Signal(str)

    def __init__(self, settings: Settings, current: Callable[[], Settings], parent: QObject | None = None) -> None:
        """`current` gives the settings as they are chosen now; of them, the model and whether videos are scanned are followed."""
        super().__init__(parent)
        self._settings = settings
        self.current = current
        self._started = settings
        self._process: QProcess | None = None
        self._stopping = False
        self._again = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.timeout.connect(self.resume)
        self.is_paused = False
        self.log_file = settings.data_dir / "logs" / "watch.log"

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None

    def start(self) -> None:
        """Start it with the model that is chosen now; nothing happens when it runs."""
        self._pause.stop()
        self.is_paused = False
        if self._process is not None:
            self.changed.emit()
            return
        self._stopping = False
        make_missing(self.log_file.parent)
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        self._started = self._chosen()
        for name, value in as_environment(self._started).items():
            environment.insert(name, value)
        process.setProcessEnvironment(environment)
        process.setStandardOutputFile(QProcess.nullDevice())
        process.setStandardErrorFile(str(self.log_file), QProcess.OpenModeFlag.Truncate)
        process.setStandardInputFile(QProcess.nullDevice())
        process.finished.connect(self._ended)
        process.errorOccurred.connect(self._not_started)
        self._process = process
        process.start(sys.executable, ["-m", "scanner", "watch"])
        self.changed.emit()

    def follow_choices(self) -> None:
        """Begin anew if something else was chosen since it was started."""
        if self._process is not None and self._started != self._chosen():
            self.restart()

    def stop(self) -> None:
        """Ask it to finish what is in hand and end; killed after some seconds. No work is lost by it."""
        self._pause.stop()
        self.is_paused = False
        self._again = False
        self._end()

    def restart(self) -> None:
        """Let it begin anew, with other folders or another model, if it runs."""
        if self._process is not None:
            self._again = True
            self._end()

    def pause(self, minutes: int) -> None:
        """Stop it, and start it again after `minutes`, or when asked to (0)."""
        self._again = False
        self._end()
        self.is_paused = True
        if minutes:
            self._pause.start(minutes * 60_000)
        self.changed.emit()

    def resume(self) -> None:
        """End of a pause."""
        self.start()

    def toggle(self) -> None:
        """Pause, or go on."""
        if self.is_paused:
            self.resume()
        else:
            self.pause(0)

    def close(self) -> None:
        """Stop it and wait for its end."""
        self._again = False
        process = self._process
        if process is not None:
            self._end()
            if not process.waitForFinished(_STOP_MILLISECONDS):
                process.kill()
                process.waitForFinished(_STOP_MILLISECONDS)

    def last_words(self) -> str:
        """The last line of its log."""
        return last_line(self.log_file)

    def _chosen(self) -> Settings:
        now = self.current()
        return replace(self._settings, model=now.model, videos=now.videos)

    def _end(self) -> None:
        process = self._process
        if process is not None and not self._stopping:
            self._stopping = True
            process.terminate()
            QTimer.singleShot(_STOP_MILLISECONDS, process, process.kill)
            self.changed.emit()

    def _ended(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            status, crashed = process.exitCode(), process.exitStatus() == QProcess.ExitStatus.CrashExit
            process.deleteLater()
            if not self._stopping and (status or crashed):
                self.complained.emit(f"The watch service has ended: {self.last_words()}")
        self.changed.emit()
        if self._again:
            self._again = False
            self.start()

    def _not_started(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._process.deleteLater()
            self._process = None
            self.complained.emit(f"The watch service cannot be started: {sys.executable}")
            self.changed.emit()


def last_line(log: Path) -> str:
    """The last line of a log, without the program's name."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].removeprefix("dfscan: ") if lines else ""
