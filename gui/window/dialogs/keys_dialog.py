"""What `?` shows: the keys and what they do."""

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from ..actions import Key, all_keys


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
