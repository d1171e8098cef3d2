"""Asks for what stands above an evidence report, and where to write it."""

from pathlib import Path

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ...style.spacing import GAP
from ...texts.accessible_names import named
from ...texts.counts import counted
from ...texts.outside import plain
from .buttons import agreeing_buttons


class EvidenceDialog(QDialog):
    """`count` images; the folder that is named is made."""

    def __init__(self, count: int, author: str, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Evidence report")
        self.title = named(QLineEdit("Evidence report"), "Title")
        self.author = named(QLineEdit(author), "Author")
        self.folder = named(QLineEdit(str(folder)), "New folder")
        choose = QPushButton("Choose\N{HORIZONTAL ELLIPSIS}")
        choose.setAccessibleName("Choose where the folder is made")
        choose.clicked.connect(self._choose)
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(choose)
        form = QFormLayout()
        form.addRow("Title", self.title)
        form.addRow("Author", self.author)
        form.addRow("New folder", row)
        words = plain(
            QLabel(
                f"A report of {counted(count, 'image')}, with pictures, decisions and sums. "
                "Heatmaps are in it for images whose heatmap was shown (H)."
            )
        )
        words.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setSpacing(2 * GAP)
        layout.addWidget(words)
        layout.addLayout(form)
        layout.addWidget(agreeing_buttons(self, QDialogButtonBox.StandardButton.Save))
        self.resize(560, self.sizeHint().height())

    def _choose(self) -> None:
        inside = QFileDialog.getExistingDirectory(self, "Where the report's folder is made")
        if inside:
            self.folder.setText(str(Path(inside) / Path(self.folder.text()).name))
