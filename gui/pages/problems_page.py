"""Files that could not be scored: why, and another chance."""

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, QPersistentModelIndex, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from scanner.base.escape import printable
from scanner.results.problems import Problem, ProblemOrder, problems_page, retry_failed

from ..models.presenter import QueuePresenter
from ..style.icons import icon, iconed
from ..style.spacing import EDGE
from ..texts.accessible_names import named
from ..texts.counts import counted
from ..texts.outside import plain, tip
from ..widgets.empty_state import EmptyPicture

_PAGE = 500
_NOTHING = "Every file has a verdict. Files that cannot be read would be listed here, with the reason."
_NOT_FOUND = "No file without a verdict has this in its name or folder."
_Index = QModelIndex | QPersistentModelIndex
_NO_PARENT = QModelIndex()


class ProblemsModel(QAbstractTableModel):
    """Problems, loaded page by page."""

    def __init__(self, ask_page: Callable[[Problem | None], None]) -> None:
        super().__init__()
        self._ask_page = ask_page
        self._problems: list[Problem] = []
        self._complete = True

    def rowCount(self, parent: _Index = _NO_PARENT) -> int:
        """Loaded rows."""
        return 0 if parent.isValid() else len(self._problems)

    def columnCount(self, parent: _Index = _NO_PARENT) -> int:
        """File, reason, when."""
        return 0 if parent.isValid() else 3

    def data(self, index: _Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Texts, and the problem itself."""
        if not index.isValid() or index.row() >= len(self._problems):
            return None
        problem = self._problems[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return problem
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        when = f"{problem.failed_at.astimezone():%Y-%m-%d %H:%M}" if problem.failed_at else ""
        text = (printable(problem.path), problem.reason, when)[index.column()]
        return tip(text) if role == Qt.ItemDataRole.ToolTipRole else text

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Titles of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole and 0 <= section < 3:
            return ("File", "Why it has no verdict", "When")[section]
        return None

    def canFetchMore(self, parent: _Index) -> bool:
        """Whether the database has more."""
        return not parent.isValid() and not self._complete

    def fetchMore(self, parent: _Index) -> None:
        """Ask for the next page; it comes later."""
        if self.canFetchMore(parent):
            self._ask_page(self._problems[-1] if self._problems else None)

    def start(self, problems: Sequence[Problem]) -> None:
        """The first page."""
        if list(problems) == self._problems[: len(problems)] and len(problems) == len(self._problems):
            return
        self.beginResetModel()
        self._problems = list(problems)
        self._complete = len(problems) < _PAGE
        self.endResetModel()

    def append(self, problems: Sequence[Problem]) -> None:
        """The next page."""
        self._complete = len(problems) < _PAGE
        if problems:
            self.beginInsertRows(_NO_PARENT, len(self._problems), len(self._problems) + len(problems) - 1)
            self._problems.extend(problems)
            self.endInsertRows()


class ProblemsPage(QWidget):
    """The table, and buttons for another chance."""

    def __init__(self, presenter: QueuePresenter, wake: Callable[[], object], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presenter = presenter
        self._wake = wake
        self._order = ProblemOrder.NEWEST
        self._is_known = False  # whether the database has answered
        self.model = ProblemsModel(self._load_after)
        self.table = named(QTableView(), "Files without a verdict")
        self.table.setModel(self.model)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setWordWrap(True)
        self.table.setAlternatingRowColors(True)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.table.verticalHeader().setVisible(False)
        self.table.verticalHeader().setDefaultSectionSize(2 * self.table.fontMetrics().height() + 6)  # most reasons in full
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setSortIndicator(2, Qt.SortOrder.DescendingOrder)
        header.sectionClicked.connect(self._sort)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._show_menu)
        self.search = named(QLineEdit(placeholderText="Search names and folders"), "Search")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self.reload)
        self.retry_selected = iconed(QPushButton("Try the selected again"), "refresh-cw")
        self.retry_selected.clicked.connect(self._retry_selected)
        self.retry_all = iconed(QPushButton("Try all again"), "refresh-cw")
        self.retry_all.clicked.connect(self._retry_all)
        self.empty = plain(QLabel())
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.table)
        nothing = QWidget()
        column = QVBoxLayout(nothing)
        column.addStretch(2)
        column.addWidget(EmptyPicture("circle-check"), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.empty)
        column.addStretch(3)
        self.stack.addWidget(nothing)
        row = QHBoxLayout()
        row.addWidget(self.search, 1)
        row.addWidget(self.retry_selected)
        row.addWidget(self.retry_all)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, 0)
        layout.addLayout(row)
        layout.addWidget(self.stack, 1)
        self.table.selectionModel().selectionChanged.connect(self._show_what_can_be_done)
        self.model.modelReset.connect(self._show_what_can_be_done)
        self._show_what_can_be_done()
        presenter.counts_changed.connect(self._reload_if_shown)

    def reload(self) -> None:
        """Read the list anew."""
        self._load(None, self._show)

    def _show(self, problems: Sequence[Problem]) -> None:
        """The first page, anew. A list that fills is read anew all the time: what is selected stays selected."""
        chosen, place = self._chosen_ids(), self.table.verticalScrollBar().value()
        current = self.table.currentIndex().data(Qt.ItemDataRole.UserRole)
        self._is_known = True
        self.model.start(problems)
        rows = QItemSelectionModel.SelectionFlag.Rows
        for row, problem in enumerate(problems):
            index = self.model.index(row, 0)
            if problem.file_id in chosen:
                self.table.selectionModel().select(index, QItemSelectionModel.SelectionFlag.Select | rows)
            if current is not None and problem.file_id == current.file_id:
                self.table.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        self.table.verticalScrollBar().setValue(place)
        self._show_what_can_be_done()

    def _chosen_ids(self) -> set[int]:
        return {index.data(Qt.ItemDataRole.UserRole).file_id for index in self.table.selectionModel().selectedRows()}

    def _reload_if_shown(self) -> None:
        if self.isVisible() and self.model.rowCount() <= _PAGE:
            self.reload()

    def _load_after(self, last: Problem | None) -> None:
        self._load(last, self.model.append)

    def _load(self, after: Problem | None, show: Callable[[Sequence[Problem]], None]) -> None:
        text, database = self.search.text().strip(), self._presenter.database
        order = self._order
        self._presenter.ask(lambda: problems_page(database, text=text, after=after, limit=_PAGE, order=order), show, "problems")

    def _sort(self, section: int) -> None:
        """By a column; the times, clicked again, the other way round."""
        by_time = ProblemOrder.OLDEST if self._order is ProblemOrder.NEWEST else ProblemOrder.NEWEST
        self._order = (ProblemOrder.PATH, ProblemOrder.REASON, by_time)[section]
        upwards = Qt.SortOrder.DescendingOrder if self._order is ProblemOrder.NEWEST else Qt.SortOrder.AscendingOrder
        self.table.horizontalHeader().setSortIndicator(section, upwards)
        self.reload()

    def _show_what_can_be_done(self) -> None:
        self.stack.setCurrentIndex(0 if self.model.rowCount() or not self._is_known else 1)
        self.empty.setText(_NOT_FOUND if self.search.text().strip() else _NOTHING)
        self.retry_selected.setEnabled(self.table.selectionModel().hasSelection())
        self.retry_all.setEnabled(self.model.rowCount() > 0)

    def _show_menu(self, at: QPoint) -> None:
        """What can be done with the selected files."""
        menu = QMenu(self)
        menu.addAction(icon("refresh-cw"), "Try again", self._retry_selected)
        menu.addAction(icon("copy"), "Copy the path", self._copy_paths)
        menu.aboutToHide.connect(menu.deleteLater)
        if self.table.selectionModel().hasSelection():
            menu.popup(self.table.viewport().mapToGlobal(at))

    def _copy_paths(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        QGuiApplication.clipboard().setText("\n".join(printable(index.data(Qt.ItemDataRole.UserRole).path) for index in rows))

    def _retry_selected(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        if rows:  # the list may have been read anew since the menu was opened; no path would mean every file
            self._retry([index.data(Qt.ItemDataRole.UserRole).path for index in rows], "")

    def _retry_all(self) -> None:
        self._retry([], self.search.text().strip())

    def _retry(self, paths: Sequence[str], text: str) -> None:
        def work() -> int:
            database = self._presenter.database
            count = retry_failed(database, paths=paths, kind=None, now=database.now(), text=text)
            if count:
                self._wake()
            return count

        def done(count: int) -> None:
            self._presenter.said.emit(f"{counted(count, 'file is', 'files are')} pending again")
            self.reload()
            self._presenter.look()

        self._presenter.write(work, done)
