"""The keys, once: what the actions are bound to and what `?` shows."""

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QVBoxLayout, QWidget


@dataclass(frozen=True)
class Key:
    """A key (as Qt writes it) and what it does."""

    name: str
    sequence: str
    meaning: str


def _tr(text: str) -> str:
    return QCoreApplication.translate("keys", text)


def all_keys() -> tuple[Key, ...]:
    """In the order in which people learn them."""
    return (
        Key("fake", "F", _tr("It is fake")),
        Key("real", "R", _tr("It is real")),
        Key("unsure", "U", _tr("Unsure")),
        Key("note", "N", _tr("Write a note for the next decision")),
        Key("undo", "Z", _tr("Undo (also Ctrl+Z)")),
        Key("redo", "Shift+Z", _tr("Redo (also Ctrl+Shift+Z)")),
        Key("zoom", "Space", _tr("Picture pixel by pixel, and back")),
        Key("zoom_in", "+", _tr("Nearer")),
        Key("zoom_out", "-", _tr("Further away")),
        Key("heatmap", "H", _tr("Show where the score comes from, and back")),
        Key("boxes", "B", _tr("Show the boxes of faces, and back")),
        Key("compare", "C", _tr("Side by side with a near copy, and back")),
        Key("group", "G", _tr("Decide on all near copies together, and back")),
        Key("next", "J", _tr("Next image (also the arrow keys)")),
        Key("previous", "K", _tr("Previous image")),
        Key("search", "Ctrl+F", _tr("Search")),
        Key("copy_path", "Ctrl+Shift+C", _tr("Copy the path")),
        Key("open_folder", "O", _tr("Open the folder")),
        Key("quarantine", "Q", _tr("Move to quarantine")),
        Key("trash", "Del", _tr("Move to the trash")),
        Key("export", "Ctrl+E", _tr("Export the selection as a report")),
        Key("select_all", "Ctrl+A", _tr("Select all loaded images")),
        Key("refresh", "F5", _tr("Read the queue anew")),
        Key("keys", "?", _tr("These keys")),
    )


class KeysDialog(QDialog):
    """What `?` shows."""

    def __init__(self, extra: tuple[Key, ...] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keys"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        for row, key in enumerate((*all_keys(), *extra)):
            name = QLabel(f"<b>{key.sequence}</b>")
            grid.addWidget(name, row, 0)
            grid.addWidget(QLabel(key.meaning), row, 1)
        tabs = QLabel(self.tr("Alt+1 to Alt+5 choose the tab; Shift and Ctrl with arrows or clicks select several."))
        tabs.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(grid)
        layout.addWidget(tabs)
        layout.addWidget(buttons)
