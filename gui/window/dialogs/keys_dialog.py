"""What `?` shows: the keys, what they do, and how they are changed."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QKeySequenceEdit,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...style.spacing import ROOMY
from ...texts.accessible_names import named
from ...texts.outside import plain
from ..key_bindings import Key, bound_keys, keys_shown, portable, refusal
from .buttons import closing_buttons

_NAME = int(Qt.ItemDataRole.UserRole)
_TABS = "Alt+1 to Alt+5 choose the tab. Shift with arrows or clicks selects several; Ctrl+Space or Ctrl with clicks, single ones."


class KeysDialog(QDialog):
    """`keys` as they come with the program, and those `changed` by name; `changed_keys` gives what is to be kept."""

    changed_keys = Signal(object)

    def __init__(self, keys: Sequence[Key], changed: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self._keys = tuple(keys)
        self._changed = dict(changed)
        self.tree = named(QTreeWidget(), "Keys and what they do")
        self.tree.setHeaderLabels(["Key", "What it does"])
        self.tree.setRootIsDecorated(False)
        self.tree.setAlternatingRowColors(True)
        self.tree.setStyleSheet(ROOMY)
        for key in keys:
            item = QTreeWidgetItem(["", key.meaning])
            item.setData(0, _NAME, key.name)
            self.tree.addTopLevelItem(item)
        self.tree.currentItemChanged.connect(self._show_choice)
        self.edit = named(QKeySequenceEdit(), "New key")
        self.edit.setMaximumSequenceLength(1)
        self.edit.setClearButtonEnabled(True)
        self.edit.editingFinished.connect(self._try)
        self.use = QPushButton("Set")
        self.use.setAutoDefault(False)
        self.use.clicked.connect(self._use)
        self.words = named(plain(QLabel()), "Whether the key is free")
        self.words.setWordWrap(True)
        self.words.setMinimumHeight(2 * self.words.fontMetrics().height())
        self.reset = QPushButton("Reset")
        self.reset.setAutoDefault(False)
        self.reset.clicked.connect(self._reset)
        self.reset_all = QPushButton("Reset all")
        self.reset_all.setAutoDefault(False)
        self.reset_all.clicked.connect(self._reset_all)
        self._lay_out()
        self._show_keys()
        self.tree.setCurrentIndex(self.tree.model().index(0, 0))

    def _lay_out(self) -> None:
        tabs = plain(QLabel(_TABS))
        tabs.setWordWrap(True)
        row = QHBoxLayout()
        row.addWidget(plain(QLabel("New key")))
        row.addWidget(self.edit, 1)
        row.addWidget(self.use)
        row.addWidget(self.reset)
        buttons = closing_buttons(self)
        buttons.addButton(self.reset_all, QDialogButtonBox.ButtonRole.ResetRole)
        layout = QVBoxLayout(self)
        layout.addWidget(self.tree, 1)
        layout.addWidget(tabs)
        layout.addLayout(row)
        layout.addWidget(self.words)
        layout.addWidget(buttons)
        self.resize(560, 620)

    def _show_keys(self) -> None:
        for row, key in enumerate(self._bound()):
            item = self.tree.topLevelItem(row)
            assert item is not None
            item.setText(0, keys_shown(key))
            font = item.font(0)
            font.setBold(key.name in self._changed)
            item.setFont(0, font)
        self.tree.resizeColumnToContents(0)
        self._show_what_can_be_done()

    def _show_choice(self) -> None:
        self.edit.clear()
        self.words.clear()
        self._show_what_can_be_done()

    def _show_what_can_be_done(self) -> None:
        self.reset.setEnabled(self._chosen() in self._changed)
        self.reset_all.setEnabled(bool(self._changed))

    def _try(self) -> None:
        """Say whether what was pressed is free."""
        if not self.edit.keySequence().isEmpty():
            self.words.setText(refusal(self._bound(), self._chosen(), self._wanted()))

    def _use(self) -> None:
        name, wanted = self._chosen(), self._wanted()
        refused = refusal(self._bound(), name, wanted)
        self.words.setText(refused)
        if not refused:
            self._keep({**self._changed, name: portable(wanted)})

    def _reset(self) -> None:
        """The key that came with the program, if nothing else has it now."""
        name = self._chosen()
        changed = {other: sequence for other, sequence in self._changed.items() if other != name}
        came = next(key.sequence for key in self._keys if key.name == name)
        refused = refusal([key for key in bound_keys(self._keys, changed) if key.name != name], name, came)
        self.words.setText(refused)
        if not refused:
            self._keep(changed)

    def _reset_all(self) -> None:
        self._keep({})

    def _keep(self, changed: dict[str, str]) -> None:
        came = {key.name: portable(key.sequence) for key in self._keys}
        self._changed = {name: sequence for name, sequence in changed.items() if sequence != came[name]}
        self.edit.clear()
        self.words.clear()
        self._show_keys()
        self.changed_keys.emit(dict(self._changed))

    def _bound(self) -> tuple[Key, ...]:
        return bound_keys(self._keys, self._changed)

    def _chosen(self) -> str:
        item = self.tree.currentItem()
        return str(item.data(0, _NAME)) if item is not None else ""

    def _wanted(self) -> str:
        return self.edit.keySequence().toString(QKeySequence.SequenceFormat.PortableText)
