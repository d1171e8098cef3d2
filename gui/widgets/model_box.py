"""Which model scores, and what older models have left."""

import json
from collections.abc import Callable, Sequence

from PySide6.QtCore import QProcess, Signal
from PySide6.QtWidgets import QComboBox, QGroupBox, QLabel, QPushButton, QVBoxLayout, QWidget

from scanner.base.settings import Settings
from scanner.domain.asked import Asked
from scanner.results.problems import count_stale, rescan_stale, wanted

from ..models.presenter import QueuePresenter
from ..style.icons import iconed
from ..tasks.service_process import ServiceProcess
from ..texts.accessible_names import named
from ..texts.counts import counted
from ..texts.outside import plain


class ModelBox(QGroupBox):
    """The choice of a model, which is that of the command line, too; the service begins anew with the one that is chosen.

    `choice` gives the choice as it is now, wherever it was made.
    """

    model_chosen = Signal(str)

    def __init__(
        self,
        presenter: QueuePresenter,
        service: ServiceProcess,
        command: Sequence[str],
        choice: Callable[[], str],
        settings: Settings,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setTitle("Model")
        self._presenter = presenter
        self._service = service
        self._command = command
        self._settings = settings
        self._stale_sha256 = ""
        self._asking: QProcess | None = None
        self._choice = choice
        self.chosen = choice()
        self.model = named(QComboBox(), "Model")
        self.model.addItem(self.chosen or "The best at hand", self.chosen)
        self.model.activated.connect(self._choose)
        self.state = plain(QLabel())
        self.state.setWordWrap(True)
        self.rescan = iconed(QPushButton("Re-scan what is stale"), "refresh-cw")
        self.rescan.setVisible(False)
        self.rescan.clicked.connect(self._rescan)
        layout = QVBoxLayout(self)
        layout.addWidget(self.model)
        layout.addWidget(self.state)
        layout.addWidget(self.rescan)
        layout.addStretch()

    def list_models(self) -> None:
        """Ask for the checkpoints at hand; the list is filled when they are known."""
        if self._asking is not None or self.model.count() > 1:
            return
        self.state.setText("Looking for models\N{HORIZONTAL ELLIPSIS}")
        self._asking = self._ask_command(["model", "list", "--json"], self._show_models)

    def follow_choice(self) -> None:
        """Show what is chosen now, and scan with it."""
        chosen = self._choice()
        if chosen != self.chosen:
            self.chosen = chosen
            if self.model.findData(chosen) < 0:
                self.model.addItem(chosen or "The best at hand", chosen)
            self.model.setCurrentIndex(self.model.findData(chosen))
            if self.isVisible():
                self._look_for_stale()
        self._service.follow_choices()

    def end(self) -> None:
        """Wait for no answer."""
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.kill()
            asking.waitForFinished(5000)

    def _show_models(self, said: str) -> None:
        try:
            names = [row["name"] for row in json.loads(said)]
        except (ValueError, TypeError, KeyError):
            self.state.setText("The models at hand cannot be listed; is the worker extra installed?")
            return
        self.state.clear()
        for name in names:
            if self.model.findData(name) < 0:
                self.model.addItem(name, name)
        self._look_for_stale()

    def _choose(self) -> None:
        name = self.model.currentData()
        if name == self.chosen:
            return
        self.model_chosen.emit(name)
        self.follow_choice()
        if self.chosen != name:
            self.model.setCurrentIndex(self.model.findData(self.chosen))
            self._presenter.complained.emit(
                f"{self.chosen or 'The best model at hand'} goes on scanning: a flag, an environment variable or config.toml "
                f"names it, and goes before the choice of {name}. Take it out there."
            )

    def _look_for_stale(self) -> None:
        self.rescan.setVisible(False)
        self._asking = self._ask_command(["model", "show", self.chosen, "--json"], self._count_stale)

    def _count_stale(self, said: str) -> None:
        try:
            self._stale_sha256 = str(json.loads(said)["sha256"])
        except (ValueError, TypeError, KeyError):
            return
        database, want = self._presenter.database, wanted(self._settings, self._stale_sha256)
        self._presenter.ask(lambda: count_stale(database, want), self._show_stale, "stale")

    def _show_stale(self, count: int) -> None:
        self.rescan.setVisible(count > 0)
        stale = f"{counted(count, 'verdict is', 'verdicts are')} of another model or of other settings."
        self.state.setText(stale if count else "All verdicts are of this model and these settings.")

    def _rescan(self) -> None:
        database, sha256 = self._presenter.database, self._stale_sha256
        want, asked = wanted(self._settings, sha256), Asked(sha256, self._settings.faces)

        def done(count: int) -> None:
            self._show_stale(0)
            self._presenter.said.emit(f"{counted(count, 'image waits', 'images wait')} for the new verdict")
            self._service.start()

        self._presenter.write(lambda: rescan_stale(database, want, database.now(), asked=asked), done)

    def _ask_command(self, arguments: Sequence[str], answered: Callable[[str], None]) -> QProcess:
        """Run `dfscan ...`: what needs PyTorch is asked in a process of its own."""
        self.end()
        process = QProcess(self)

        def finished() -> None:
            process.deleteLater()
            if self._asking is process:  # else something else was asked meanwhile
                self._asking = None
                answered(bytes(process.readAllStandardOutput().data()).decode("utf-8", "replace"))

        process.finished.connect(finished)
        process.start(self._command[0], [*self._command[1:], *arguments])
        return process
