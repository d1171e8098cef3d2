"""The keys, once: what the actions are bound to and what `?` shows."""

from dataclasses import dataclass

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QVBoxLayout, QWidget


@dataclass(frozen=True)
class Key:
    """A key (as Qt writes it) and what it does."""

    name: str
    sequence: str
    meaning: str


def all_keys() -> tuple[Key, ...]:
    """In the order in which people learn them."""
    return (
        Key("fake", "F", "It is fake"),
        Key("real", "R", "It is real"),
        Key("unsure", "U", "Unsure"),
        Key("note", "N", "Write a note; Enter stores it alone"),
        Key("undo", "Z", "Undo (also Ctrl+Z)"),
        Key("redo", "Shift+Z", "Redo (also Ctrl+Shift+Z)"),
        Key("zoom", "Space", "Picture pixel by pixel, and back"),
        Key("zoom_in", "+", "Nearer"),
        Key("zoom_out", "-", "Further away"),
        Key("heatmap", "H", "Show where the score comes from, and back"),
        Key("boxes", "B", "Show the boxes of faces, and back"),
        Key("compare", "C", "Side by side with a near copy, and back"),
        Key("group", "G", "Decide on the ticked near copies together, and back"),
        Key("next", "J", "Next image (also the arrow keys)"),
        Key("previous", "K", "Previous image"),
        Key("search", "Ctrl+F", "Search"),
        Key("copy_path", "Ctrl+Shift+C", "Copy the path"),
        Key("open_folder", "O", "Open the folder"),
        Key("quarantine", "Q", "Move to quarantine"),
        Key("trash", "Del", "Move to the trash"),
        Key("export", "Ctrl+E", "Export the selection as a report"),
        Key("select_all", "Ctrl+A", "Select all loaded images"),
        Key("refresh", "F5", "Read the queue anew"),
        Key("escape", "Esc", "Back to the images, from anywhere"),
        Key("keys", "?", "These keys"),
    )


class KeysDialog(QDialog):
    """What `?` shows."""

    def __init__(self, extra: tuple[Key, ...] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        for row, key in enumerate((*all_keys(), *extra)):
            name = QLabel(f"<b>{key.sequence}</b>")
            grid.addWidget(name, row, 0)
            grid.addWidget(QLabel(key.meaning), row, 1)
        tabs = QLabel("Alt+1 to Alt+5 choose the tab; Shift and Ctrl with arrows or clicks select several.")
        tabs.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(grid)
        layout.addWidget(tabs)
        layout.addWidget(buttons)
