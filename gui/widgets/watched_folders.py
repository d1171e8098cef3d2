"""The watched folders, how each is watched, and what that missed."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QMenu, QWidget

from scanner.base.escape import printable
from scanner.roots.roots import WatchedRoot

from ..style.icons import icon
from ..texts.accessible_names import named

_ROOT_ID, _ROOT_PATH = 256, 257
_NOTHING = "No folder is watched. Add one, and its new images are scored as they come."


class WatchedFolders(QListWidget):
    """`removal_wanted` asks to watch the current one no more."""

    removal_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "Watched folders")
        self.setFixedHeight(150)
        self.setWordWrap(True)
        self.currentRowChanged.connect(self.setCurrentRow)  # the focus makes one the current one, and does not select it
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)

    @property
    def path(self) -> str | None:
        """Of the current one."""
        item = self.currentItem()
        return str(item.data(_ROOT_PATH)) if item is not None else None

    def show_roots(self, roots: Sequence[WatchedRoot]) -> None:
        """Those that are watched; the current one stays, as far as it can."""
        texts = [(root.id, root.path, f"{printable(root.path)}\n    {_ledger(root)}") for root in roots]
        shown = [(self.item(row).data(_ROOT_ID), self.item(row).text()) for row in range(self.count())]
        if shown == [(root_id, text) for root_id, _, text in texts]:
            return
        chosen = self.currentRow()
        self.clear()
        for root_id, path, text in texts:
            item = QListWidgetItem(text)
            item.setData(_ROOT_ID, root_id)
            item.setData(_ROOT_PATH, path)
            self.addItem(item)
        self.setCurrentRow(min(chosen, len(texts) - 1))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The folders; where there is none, what to do."""
        super().paintEvent(event)
        if not self.count():
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(self.viewport().rect(), int(Qt.AlignmentFlag.AlignCenter), _NOTHING)
            painter.end()

    def _show_menu(self, at: QPoint) -> None:
        """What can be done with the folder under the pointer."""
        item = self.itemAt(at) or self.currentItem()
        if item is None:
            return
        self.setCurrentItem(item)
        path = item.data(_ROOT_PATH)
        menu = QMenu(self)
        menu.addAction(icon("folder-open"), "Open the folder", lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(path)))
        menu.addAction(icon("copy"), "Copy the path", lambda: QGuiApplication.clipboard().setText(printable(path)))
        menu.addAction(icon("folder-x"), "Watch no more", self.removal_wanted.emit)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.viewport().mapToGlobal(at))


def _ledger(root: WatchedRoot) -> str:
    """How a folder is watched, and what that missed."""
    if root.paused_reason is not None:
        return f"Paused, nothing in it is marked: {root.paused_reason}"
    how = {"events": "by events", "polled": f"polled ({root.mode_reason})"}
    swept = f"last swept {root.swept_at.astimezone():%Y-%m-%d %H:%M}" if root.swept_at else ""
    counts = f"{root.found_by_events:,} found by events, {root.found_by_sweep:,} only by a sweep, {root.overflows:,} overflows"
    return "; ".join([how.get(root.mode or "", "not watched yet"), swept or "never swept to the end", counts])
