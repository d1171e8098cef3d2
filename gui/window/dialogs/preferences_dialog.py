"""What a person can set."""

from dataclasses import replace

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ...style.spacing import GAP
from ...texts.accessible_names import named
from ..preferences import DARK, LIGHT, SYSTEM, Preferences
from .buttons import agreeing_buttons


class PreferencesDialog(QDialog):
    """What a person can set."""

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self._preferences = preferences
        self.reviewer = named(QLineEdit(preferences.reviewer), "Your name")
        self.reviewer.setMaxLength(100)
        self.folder = named(QLineEdit(preferences.quarantine_folder), "Quarantine folder")
        choose = QPushButton("Choose\N{HORIZONTAL ELLIPSIS}")
        choose.setAccessibleName("Choose the quarantine folder")
        choose.clicked.connect(self._choose)
        self.advance = QCheckBox("Go to the next image after a decision")
        self.advance.setChecked(preferences.auto_advance)
        self.notify = QCheckBox("Notify me of newly flagged images")
        self.notify.setChecked(preferences.notify)
        self.theme = named(QComboBox(), "Theme")
        for theme, text in ((SYSTEM, "As the desktop is"), (LIGHT, "Light"), (DARK, "Dark")):
            self.theme.addItem(text, theme)
        self.theme.setCurrentIndex(max(0, self.theme.findData(preferences.theme)))
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(choose)
        form = QFormLayout()
        form.addRow("Your name, as stored with each decision", self.reviewer)
        form.addRow("Quarantine folder", row)
        form.addRow("Theme", self.theme)
        form.addRow(self.advance)
        form.addRow(self.notify)
        layout = QVBoxLayout(self)
        layout.setSpacing(2 * GAP)
        layout.addLayout(form)
        layout.addWidget(agreeing_buttons(self))
        self.resize(620, self.sizeHint().height())

    def chosen(self) -> Preferences:
        """The preferences as they are set now."""
        return replace(
            self._preferences,
            reviewer=self.reviewer.text().strip() or self._preferences.reviewer,
            quarantine_folder=self.folder.text().strip() or self._preferences.quarantine_folder,
            auto_advance=self.advance.isChecked(),
            notify=self.notify.isChecked(),
            theme=self.theme.currentData(),
        )

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Where quarantined files are kept", self.folder.text())
        if folder:
            self.folder.setText(folder)
