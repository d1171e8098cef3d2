"""Preferences, and what is in quarantine or trash."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from scanner.base.escape import printable
from scanner.quarantine.removals import Removed

from ..texts.accessible_names import named
from .preferences import DARK, LIGHT, SYSTEM, Preferences

_ID = 256


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
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(buttons)
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
        self.tree.itemSelectionChanged.connect(self._show_what_can_be_done)
        self.empty = QLabel("Nothing was moved away.")
        self.restore = QPushButton("Restore")
        self.restore.setToolTip("Gives name, place and times back")
        self.restore.clicked.connect(self._restore)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.restore, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
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
