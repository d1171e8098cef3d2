"""Everything that a file says of itself, as a table: origin, EXIF, other texts. Each cell is plain text, whatever is in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..texts.accessible_names import named
from ..texts.outside import plain

_TITLES = ("Part", "Name", "Value")


@dataclass(frozen=True)
class Fact:
    """One row."""

    part: str
    name: str
    value: str


class FactsTable(QWidget):
    """Rows that hold the searched text are shown; the selected ones can be copied."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts: tuple[Fact, ...] = ()
        self.search = named(QLineEdit(), "Search what the file says of itself")
        self.search.setPlaceholderText("Search tags and values")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.words = named(plain(QLabel()), "About the table")
        self.table = named(QTableWidget(0, len(_TITLES)), "What the file says of itself")
        self.table.setHorizontalHeaderLabels(_TITLES)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(len(_TITLES) - 1, QHeaderView.ResizeMode.Stretch)
        self.copy = QAction("Copy", self.table)
        self.copy.setShortcut(QKeySequence.StandardKey.Copy)
        self.copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.copy.triggered.connect(self._copy_selected)
        self.table.addAction(self.copy)
        self.copy_all = QAction("Copy all that is shown", self.table)
        self.copy_all.triggered.connect(self._copy_all)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._show_menu)
        row = QHBoxLayout()
        row.addWidget(self.search, 1)
        row.addWidget(self.words)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 3, 0, 0)
        column.addLayout(row)
        column.addWidget(self.table, 1)

    def show_facts(self, facts: Sequence[Fact], words: str) -> None:
        """Fill the table; `words` say what there is, or why there is nothing."""
        if tuple(facts) != self._facts:
            self._facts = tuple(facts)
            self.table.setRowCount(len(facts))
            for row, fact in enumerate(facts):
                for column, text in enumerate((fact.part, fact.name, fact.value)):
                    self.table.setItem(row, column, QTableWidgetItem(text))
            self._filter()
        self.words.setText(words)

    def shown(self) -> tuple[Fact, ...]:
        """Those that hold what is searched for."""
        return tuple(fact for row, fact in enumerate(self._facts) if not self.table.isRowHidden(row))

    def _filter(self, *_: object) -> None:
        words = self.search.text().casefold().split()
        for row, fact in enumerate(self._facts):
            text = f"{fact.part} {fact.name} {fact.value}".casefold()
            self.table.setRowHidden(row, not all(word in text for word in words))

    def _copy_selected(self) -> None:
        rows = sorted({index.row() for index in self.table.selectionModel().selectedRows()})
        self._put([self._facts[row] for row in rows if not self.table.isRowHidden(row)])

    def _copy_all(self) -> None:
        self._put(self.shown())

    def _put(self, facts: Sequence[Fact]) -> None:
        if facts:
            QGuiApplication.clipboard().setText("\n".join(f"{fact.part}\t{fact.name}\t{fact.value}" for fact in facts))

    def _show_menu(self, at: QPoint) -> None:
        menu = QMenu(self.table)
        menu.addActions([self.copy, self.copy_all])
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.table.viewport().mapToGlobal(at))
