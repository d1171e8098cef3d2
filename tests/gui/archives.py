"""An archive of real pictures with verdicts, and a window on it, as the tests of the window see them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.models.presenter import QueuePresenter
from gui.pages.review_page import ReviewPage
from gui.window.main_window import MainWindow
from scanner.database.engine import Database
from scanner.discovery.intake import take_in
from scanner.discovery.walk import Found
from scanner.domain.evidence import Evidence
from scanner.domain.outcomes import ContentFacts, Failed, Scored
from scanner.domain.prediction import Prediction
from scanner.jobs.leases import claim
from scanner.results.record import record, register_model
from scanner.review.ordering import QueueItem

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
WAIT = 180_000


@dataclass
class Archive:
    """A data folder, a folder of pictures, and a worker's hand that scores what is put in."""

    data_dir: Path
    folder: Path
    database: Database
    count: int = 0
    card: dict[str, Any] = field(default_factory=dict)  # what the model says of itself, beside its name

    def add(
        self,
        name: str,
        score: float,
        *,
        picture: Path | None = None,
        model: str = "lite",
        prediction: Prediction = Prediction(),  # noqa: B008  (it is frozen)
        evidence: tuple[Evidence, ...] | None = None,
        fingerprint: int | None = None,
    ) -> Path:
        """A picture with its verdict, as a worker would leave them. Each comes a minute after the one before."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.count += 1
        if picture is not None:
            path.write_bytes(picture.read_bytes())
        else:
            colour = (self.count * 37 % 256, self.count * 91 % 256, self.count * 53 % 256)
            Image.new("RGB", (60, 40), colour).save(path)
        self._conclude(path, (score, prediction), model, evidence=evidence, fingerprint=fingerprint)
        return path

    def add_many(self, count: int) -> None:
        """`count` flagged pictures that look alike but count as different contents."""
        self.add("0000.png", 0.76)
        entries = []
        for number in range(1, count):
            path = self.folder / f"{number:04}.png"
            path.write_bytes((self.folder / "0000.png").read_bytes())
            entries.append(Found(str(path), path.stat().st_size, path.stat().st_mtime_ns))
        now = START + timedelta(hours=1)
        model = register_model(self.database, sha256="cd" * 32, name="lite", card={}, threshold=0.75, band_low=0.5, now=now)
        for start in range(0, len(entries), 400):
            take_in(self.database, entries[start : start + 400], root_id=None, now=now)
            files = claim(self.database, "hand", 400, now=now, lease_seconds=60, max_attempts=3)
            scored = [Scored(file, ContentFacts(f"{file.id:064x}", file.size), 0.8 + file.id / 1e5, 0.1) for file in files]
            record(self.database, "hand", scored, model, device="cpu", now=now)

    def fail(self, name: str, reason: str) -> Path:
        """A file that cannot be scored."""
        path = self.folder / name
        path.write_bytes(b"")
        self._conclude(path, reason, "lite")
        return path

    def _conclude(
        self,
        path: Path,
        found: tuple[float, Prediction] | str,
        model_name: str,
        *,
        evidence: tuple[Evidence, ...] | None = None,
        fingerprint: int | None = None,
    ) -> None:
        self.count += 1
        now = START + timedelta(minutes=self.count)
        sha256 = hashlib.sha256(model_name.encode()).hexdigest()
        card = {"name": model_name, "recipe": {"name": "lite"}, **self.card}
        model = register_model(self.database, sha256=sha256, name=model_name, card=card, threshold=0.75, band_low=0.5, now=now)
        status = path.stat()
        take_in(self.database, [Found(str(path), status.st_size, status.st_mtime_ns)], root_id=None, now=now)
        [file] = claim(self.database, "hand", 1, now=now, lease_seconds=60, max_attempts=3)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        content = ContentFacts(sha256, status.st_size, "PNG", 60, 40, evidence, fingerprint)
        outcome = Failed(file, "empty", found) if isinstance(found, str) else Scored(file, content, found[0], 0.1, found[1])
        record(self.database, "hand", [outcome], model, device="cpu", now=now)


@dataclass
class Opened:
    """A window on an archive, and short ways to what tests look at."""

    window: MainWindow
    bot: QtBot

    @property
    def presenter(self) -> QueuePresenter:
        assert self.window.presenter is not None
        return self.window.presenter

    @property
    def page(self) -> ReviewPage:
        assert self.window.view is not None
        return self.window.view.review

    @property
    def names(self) -> list[str]:
        """The names in the grid."""
        rows = range(self.presenter.model.rowCount())
        return [Path(item.path).stem for row in rows if (item := self.presenter.model.item(row))]

    @property
    def tabs(self) -> list[str]:
        """The titles of the tabs."""
        assert self.window.view is not None
        bar = self.window.view.tabs
        return [bar.tabText(number) for number in range(bar.count())]

    def current(self) -> QueueItem:
        found = self.page.current()
        assert found is not None
        return found

    def until(self, true: Callable[[], bool]) -> None:
        self.bot.waitUntil(true, timeout=WAIT)

    def shows(self, *names: str) -> None:
        """Wait until the grid shows exactly these."""
        self.until(lambda: self.names == list(names))

    def unstack(self) -> None:
        """Every near copy gets a tile of its own; done when the queue is there anew, as it comes in the background."""
        with self.bot.waitSignal(self.presenter.queue_started, timeout=WAIT):
            self.window.actions_of.stacking.setChecked(False)

    def press(self, keys: str) -> None:
        """Press single keys in the grid."""
        self.window.activateWindow()  # without a window system nothing gives the focus back after a question
        self.until(self.window.isActiveWindow)
        for key in keys:
            shift = Qt.KeyboardModifier.ShiftModifier if key.isupper() else Qt.KeyboardModifier.NoModifier
            self.bot.keyClick(self.page.grid, key, shift)
