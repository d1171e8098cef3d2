"""Search, order and filters above the grid; saved filters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from scanner.base.escape import printable
from scanner.domain.evidence import FILTERS
from scanner.review.criteria import Criteria, Order
from scanner.review.saved_filters import NamedCriteria

from ..style.icons import iconed, switch
from ..style.spacing import NEAR
from ..texts.accessible_names import named
from ..texts.outside import in_menu, plain
from .filter_chips import FilterChips

_TYPING_MILLISECONDS = 250


@dataclass(frozen=True)
class Asked:
    """What the controls say; `since` and `until` are phrases that are still to be understood."""

    criteria: Criteria
    since: str
    until: str


class FilterBar(QWidget):
    """Emits `changed` when anything else is asked for, and `left` when the keys are to mean images again."""

    changed = Signal()
    left = Signal()
    save_wanted = Signal()
    saved_chosen = Signal(str)
    delete_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MILLISECONDS)
        self._typing.timeout.connect(self.changed)
        self._make_controls()
        self._lay_out()

    def asked(self) -> Asked:
        """The controls as criteria (the tab is not among them)."""
        low, high = sorted((self.score_from.value(), self.score_to.value()))
        criteria = Criteria(
            order=Order(self.order.currentData()),  # Qt gives the plain text of an enumeration's member back
            text=self.search.text().strip(),
            folder=self.folder.currentData() or "",
            labels=self.label.currentData(),
            model=self.model.currentData() or "",
            score_from=low,
            score_to=high,
            evidence=self.evidence.currentData(),
        )
        return Asked(criteria, self.since.text().strip(), self.until.text().strip())

    def show_criteria(self, criteria: Criteria) -> None:
        """Set the controls, without saying so."""
        # Not the fields for text: a silent one would keep the cross that clears it, or lack it.
        widgets = [self.order, self.label, self.folder, self.model, self.score_from, self.score_to, self.evidence]
        for widget in widgets:
            widget.blockSignals(True)
        self.search.setText(criteria.text)
        self.order.setCurrentIndex(max(0, self.order.findData(criteria.order)))
        _choose(self.label, criteria.labels)
        _choose(self.folder, criteria.folder)
        _choose(self.model, criteria.model)
        _choose(self.evidence, criteria.evidence)
        self.score_from.setValue(criteria.score_from)
        self.score_to.setValue(criteria.score_to)
        self.since.setText(f"{criteria.since.astimezone():%Y-%m-%d %H:%M}" if criteria.since else "")
        self.until.setText(f"{criteria.until.astimezone():%Y-%m-%d %H:%M}" if criteria.until else "")
        for widget in widgets:
            widget.blockSignals(False)
        self._typing.stop()
        self.chips.show_filters(self.in_force())
        if replace(criteria, text="", labels=()).is_narrowed:
            self.more.setChecked(True)

    def set_choices(self, folders: Sequence[str], models: Sequence[str]) -> None:
        """Watched folders and known models; what is chosen stays."""
        for box, texts in ((self.folder, folders), (self.model, models)):
            if [box.itemData(row) for row in range(1, box.count())] == list(texts):
                continue
            chosen = box.currentData()
            box.blockSignals(True)
            while box.count() > 1:
                box.removeItem(1)
            for text in texts:
                box.addItem(printable(text), text)
            _choose(box, chosen or "")
            box.blockSignals(False)

    def in_force(self) -> list[tuple[str, str]]:
        """Each filter that narrows the queue: its name, and its words. The order and the tab are none."""
        asked = self.asked()
        found = asked.criteria
        scores = (found.score_from, found.score_to)
        words = {
            "search": f"name: {found.text}" if found.text else "",
            "label": self.label.currentText().lower() if found.labels else "",
            "folder": f"folder: {printable(found.folder)}" if found.folder else "",
            "model": f"model: {found.model}" if found.model else "",
            "evidence": f"origin: {self.evidence.currentText().lower()}" if found.evidence else "",
            "since": f"since {asked.since}" if asked.since else "",
            "until": f"until {asked.until}" if asked.until else "",
            "score": "score {:.2f} to {:.2f}".format(*scores) if scores != (0, 1) else "",
        }
        return [(name, told) for name, told in words.items() if told]

    def lift(self, name: str) -> None:
        """Take one filter of `in_force` away; all of them without a name."""
        if not name:
            self.clear()
            return
        for box in (self.label, self.folder, self.model, self.evidence):
            if getattr(self, name, None) is box:
                box.setCurrentIndex(0)
        for edit in (self.search, self.since, self.until):
            if getattr(self, name, None) is edit:
                edit.clear()
        if name == "score":
            self.score_from.setValue(0.0)
            self.score_to.setValue(1.0)
        self.changed.emit()
        self.left.emit()

    def set_saved(self, saved: Sequence[NamedCriteria]) -> None:
        """Fill the menu of saved filters."""
        self._menu.clear()
        for kept in saved:
            self._menu.addAction(in_menu(kept.name), lambda name=kept.name: self.saved_chosen.emit(name))  # type: ignore[misc]
        if saved:
            self._menu.addSeparator()
        self._menu.addAction("Save this filter\N{HORIZONTAL ELLIPSIS}", self.save_wanted.emit)
        if saved:
            deleting = self._menu.addMenu("Delete")
            for kept in saved:
                deleting.addAction(in_menu(kept.name), lambda name=kept.name: self.delete_wanted.emit(name))  # type: ignore[misc]

    def set_folder(self, path: str) -> None:
        """Only what lies in a folder, watched or below a watched one."""
        self.more.setChecked(True)
        _choose(self.folder, path)

    def clear(self) -> None:
        """No filters; the order stays."""
        self.show_criteria(Criteria(order=Order(self.order.currentData())))
        self.changed.emit()
        self.left.emit()

    def _make_controls(self) -> None:
        self.search = QLineEdit(placeholderText="Search names and folders", clearButtonEnabled=True)
        self.search.setAccessibleName("Search")
        self.search.textChanged.connect(self._typing.start)
        self.search.returnPressed.connect(self.left)
        self.order = named(QComboBox(), "Order")
        for order, text in (
            (Order.MOST_CERTAIN, "Highest score first"),
            (Order.LEAST_CERTAIN, "Lowest score first"),
            (Order.NEWEST, "Newest first"),
            (Order.OLDEST, "Oldest first"),
            (Order.FOLDER, "By folder"),
            (Order.DISAGREEMENT, "Branches or parts disagree"),
        ):
            self.order.addItem(text, order)
        self.label = named(QComboBox(), "Label")
        for labels, text in (
            ((), "Any flagged"),
            (("fake",), "Only fake"),
            (("uncertain",), "Only uncertain"),
            (("real",), "Only real"),
            (("fake", "uncertain", "real"), "Any label"),
        ):
            self.label.addItem(text, labels)
        self.folder = named(QComboBox(), "Folder")
        self.folder.addItem("Any folder", "")
        self.model = named(QComboBox(), "Model")
        self.model.addItem("Any model", "")
        self.evidence = named(QComboBox(), "Evidence of origin")
        for word, text in {"": "With or without", **FILTERS}.items():
            self.evidence.addItem(text, word)
        for box in (self.folder, self.model):  # a long name must not widen the window
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
        for box in (self.order, self.label, self.folder, self.model, self.evidence):
            box.currentIndexChanged.connect(self.changed)
            box.activated.connect(self.left)
        self.score_from = _score_box("Lowest score", 0.0)
        self.score_to = _score_box("Highest score", 1.0)
        for spin in (self.score_from, self.score_to):
            spin.valueChanged.connect(self._typing.start)
            spin.lineEdit().returnPressed.connect(self.left)
        self.since = named(QLineEdit(placeholderText="yesterday, 7d, 2026-11-01"), "Scanned since")
        self.until = named(QLineEdit(placeholderText="today, last monday"), "Scanned before")
        for edit in (self.since, self.until):
            edit.editingFinished.connect(self.changed)
            edit.returnPressed.connect(self.left)
        self.more = switch(named(QPushButton(), "More filters"), "sliders-horizontal")
        self.more.setText("Filters")
        self._menu = QMenu(self)
        self.saved = iconed(named(QPushButton("Saved"), "Saved filters"), "bookmark")
        self.saved.setMenu(self._menu)
        self.cleared = iconed(named(QPushButton(), "Clear all filters"), "x")
        self.cleared.setText("Clear")
        self.cleared.clicked.connect(self.clear)

    def _lay_out(self) -> None:
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.search, 1)
        for widget in (self.more, self.saved):
            first.addWidget(widget)
        for box in (self.label, self.order):
            second.addWidget(box, 1)
        scores, times = QHBoxLayout(), QHBoxLayout()
        for layout, one, two in ((scores, self.score_from, self.score_to), (times, self.since, self.until)):
            layout.addWidget(one)
            layout.addWidget(plain(QLabel("to" if layout is scores else "until")))
            layout.addWidget(two)
        scores.addStretch()
        scores.addWidget(self.cleared)
        panel = QWidget()
        form = QFormLayout(panel)
        form.setContentsMargins(0, NEAR, 0, NEAR)
        form.addRow("Folder", self.folder)
        form.addRow("Model", self.model)
        form.addRow("Origin", self.evidence)
        form.addRow("Scanned", times)
        form.addRow("Score", scores)
        panel.setVisible(False)
        self.more.toggled.connect(panel.setVisible)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(first)
        column.addLayout(second)
        column.addWidget(panel)
        self.chips = FilterChips()
        self.chips.lifted.connect(self.lift)
        self.changed.connect(lambda: self.chips.show_filters(self.in_force()))
        column.addWidget(self.chips)


def _score_box(name: str, value: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox(minimum=0.0, maximum=1.0, singleStep=0.05, decimals=2, value=value)
    box.setAccessibleName(name)
    return box


def _choose(box: QComboBox, value: object) -> None:
    """Choose by value; a folder or model that is not listed is added, so that a saved filter never means something else."""
    for row in range(box.count()):
        if box.itemData(row) == value or (isinstance(value, tuple) and tuple(box.itemData(row) or ()) == value):
            box.setCurrentIndex(row)
            return
    if isinstance(value, str) and value:
        box.addItem(printable(value), value)
        box.setCurrentIndex(box.count() - 1)
