"""`dfscan explain --serve` in a process of its own: it needs PyTorch, which has no place in a window.

One question at a time goes in, one JSON object a line; one answer a line comes back.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from scanner.base.access.private import make_missing
from scanner.base.settings import Settings
from scanner.domain.explain_answer import ExplainAnswer

from ..tasks.service_process import last_line

COMMAND = (sys.executable, "-m", "scanner", "explain", "--serve")
_END_MILLISECONDS = 3_000


class ExplainProcess(QObject):
    """Started at the first question. Of several questions that wait only the last is asked."""

    answered = Signal(object)
    failed = Signal(str)

    def __init__(self, settings: Settings, command: Sequence[str] = COMMAND, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._command = command
        self._process: QProcess | None = None
        self._model = ""
        self._asked = ""
        self._asked_for_all = False
        self._next: tuple[str, Path, int | None] | None = None
        self.log_file = settings.data_dir / "logs" / "explain.log"

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None

    def ask(self, path: str, out: Path, model: str, most: int | None) -> None:
        """Explain the image at `path` by the checkpoint `model`; heatmaps are written into the folder `out`.

        `most`: of so many inputs, those with the highest scores; None: of all. That may take minutes, so it is given up when
        something else is asked.
        """
        if self._process is not None and (model != self._model or (self._asked and self._asked_for_all)):
            self.close()
        self._next = (path, out, most)
        if self._process is None:
            self._start(model)
        self._ask_next()

    def forget(self) -> None:
        """Ask no more of what waits; what is being worked on is answered all the same."""
        self._next = None

    def close(self) -> None:
        """End the process, and wait for its end. It only reads images and writes heatmaps: it can end at any moment."""
        process, self._process, self._asked, self._next = self._process, None, "", None
        if process is not None:
            process.closeWriteChannel()
            process.terminate()
            if not process.waitForFinished(_END_MILLISECONDS):
                process.kill()
                process.waitForFinished(_END_MILLISECONDS)
            process.deleteLater()

    def _start(self, model: str) -> None:
        from scanner.jobs.supervisor import as_environment  # a window that explains nothing needs not wait for it

        self._model = model
        make_missing(self.log_file.parent)
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        for name, value in as_environment(replace(self._settings, model=model or self._settings.model)).items():
            environment.insert(name, value)
        process.setProcessEnvironment(environment)
        process.setStandardErrorFile(str(self.log_file), QProcess.OpenModeFlag.Truncate)
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._ended)
        process.errorOccurred.connect(self._not_started)
        self._process = process
        process.start(self._command[0], list(self._command[1:]))

    def _ask_next(self) -> None:
        if self._process is not None and not self._asked and self._next is not None:
            (self._asked, out, most), self._next = self._next, None
            self._asked_for_all = most is None
            try:
                make_missing(out)
            except OSError as error:
                self._asked = ""
                self.failed.emit(f"{out} cannot be made: {error.strerror}")
                return
            line = json.dumps({"path": self._asked, "out": str(out), "most": most})  # what is no text in a name is escaped
            self._process.write(line.encode() + b"\n")

    def _read(self) -> None:
        while self._process is not None and self._process.canReadLine():
            line = bytes(self._process.readLine().data())
            self._asked = ""
            try:
                self.answered.emit(ExplainAnswer.from_json(json.loads(line)))
            except ValueError:
                self.failed.emit(
                    "The explanation cannot be understood: {line}".format(line=line[:200].decode("utf-8", "replace"))
                )
            self._ask_next()

    def _ended(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._asked, self._next = "", None
            process.deleteLater()
            self.failed.emit(last_line(self.log_file) or "the process that explains has ended")

    def _not_started(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            process, self._process = self._process, None
            self._asked, self._next = "", None
            process.deleteLater()
            self.failed.emit(f"{self._command[0]} cannot be started")
