"""What is in quarantine or trash, to be given back."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPushButton, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from scanner.base.escape import printable
from scanner.quarantine.journal import Removed

from ...style.spacing import ROOMY
from ...texts.accessible_names import named
from ...texts.outside import plain
from ...widgets.empty_state import EmptyPicture
from .buttons import closing_buttons

_ID = 256


class KeptDialog(QDialog):
    """Files in quarantine and trash, to be given back."""

    restore_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Quarantine and trash")
        self.tree = named(QTreeWidget(), "Files that were moved away")
        self.tree.setHeaderLabels(["File", "Now in", "By", "When"])
        self.tree.setSelectionMode(QTreeWidget.SelectionMode.ExtendedSelection)
        self.tree.setRootIsDecorated(False)
        self.tree.setStyleSheet(ROOMY)
        self.tree.itemSelectionChanged.connect(self._show_what_can_be_done)
        self.empty = QWidget()
        nothing = QVBoxLayout(self.empty)
        nothing.addStretch()
        nothing.addWidget(EmptyPicture("archive"), 0, Qt.AlignmentFlag.AlignHCenter)
        nothing.addWidget(plain(QLabel("Nothing was moved away.")), 0, Qt.AlignmentFlag.AlignHCenter)
        nothing.addStretch()
        self.restore = QPushButton("Restore")
        self.restore.setToolTip("Gives name, place and times back")
        self.restore.clicked.connect(self._restore)
        buttons = closing_buttons(self)
        buttons.addButton(self.restore, QDialogButtonBox.ButtonRole.ActionRole)
        layout = QVBoxLayout(self)
        layout.addWidget(self.tree)
        layout.addWidget(self.empty)
        layout.addWidget(buttons)
        self.resize(820, 420)
        self.show_kept(())

    def show_kept(self, kept: Sequence[Removed]) -> None:
        """Fill the list."""
        self.tree.clear()
        for removal in kept:
            when = f"{removal.created_at.astimezone():%Y-%m-%d %H:%M}"
            item = QTreeWidgetItem([printable(removal.original_path), removal.kind, removal.reviewer, when])
            item.setData(0, _ID, removal.id)
            self.tree.addTopLevelItem(item)
        self.tree.setColumnWidth(0, 460)
        self.tree.setVisible(bool(kept))
        self.empty.setVisible(not kept)
        self._show_what_can_be_done()

    def _show_what_can_be_done(self) -> None:
        self.restore.setEnabled(bool(self.tree.selectedItems()))

    def _restore(self) -> None:
        self.restore_wanted.emit([item.data(0, _ID) for item in self.tree.selectedItems()])
