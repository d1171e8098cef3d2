"""Near copies of the image in sight: a strip of thumbnails, to compare with and to decide on together."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QIcon, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from scanner.base.escape import printable
from scanner.results.near_copies import NearCopy

from ...media.thumbnails import Thumbnails
from ...style.icons import iconed, switch
from ...style.spacing import NEAR
from ...texts.accessible_names import named
from ...texts.key_words import with_key
from ...texts.outside import tip
from ...texts.verdict_texts import label_line
from ..elided_label import ElidedLabel

_SIDE = 60
_VERY_NEAR = 4
_COPY = int(Qt.ItemDataRole.UserRole)


class NearStrip(QWidget):
    """Hidden while there are none. `chosen` names a copy to compare with; `ticked_changed` follows what is decided together."""

    chosen = Signal(object)
    ticked_changed = Signal()

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._thumbnails.ready.connect(self._show_thumbnail)
        self._label = ""
        self.title = ElidedLabel()
        self.group = switch(named(QPushButton(), "Decide on the ticked ones together"), "list-checks")
        self.group.setToolTip("The next decision counts for this image and the ticked copies; one undo takes it back")
        self.group.toggled.connect(self._show_ticks)
        self.compare = iconed(named(QPushButton(), "Compare side by side"), "columns-2")
        self.compare.clicked.connect(self.choose)
        self.list = named(QListWidget(), "Near copies")
        self.list.setFlow(QListWidget.Flow.LeftToRight)
        self.list.setWrapping(False)
        self.list.setIconSize(QSize(_SIDE, _SIDE))
        self.list.setFixedHeight(_SIDE + 34)
        self.list.setHorizontalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.itemActivated.connect(self._activated)
        self.list.itemChanged.connect(self._item_changed)
        row = QHBoxLayout()
        row.addWidget(self.title, 1)
        row.addWidget(self.compare)
        row.addWidget(self.group)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(NEAR)
        column.addLayout(row)
        column.addWidget(self.list)
        self.show_keys({})
        self.setVisible(False)

    def show_keys(self, keys: Mapping[str, str]) -> None:
        """The keys in force, by the names of what they do."""
        self.group.setText("Decide together" + with_key(keys.get("group", "")))
        self.compare.setText("Compare" + with_key(keys.get("compare", "")))

    @property
    def copies(self) -> tuple[NearCopy, ...]:
        """Those in the strip, the nearest first."""
        return tuple(self.list.item(row).data(_COPY) for row in range(self.list.count()))

    @property
    def ticked(self) -> tuple[NearCopy, ...]:
        """Those that the next decision counts for, too."""
        if not self.group.isChecked():
            return ()
        items = (self.list.item(row) for row in range(self.list.count()))
        return tuple(item.data(_COPY) for item in items if item.checkState() == Qt.CheckState.Checked)

    def show_copies(self, copies: Sequence[NearCopy], label: str) -> None:
        """Fill the strip with the copies of an image of `label`; the nearest is the one that is compared with."""
        if copies and tuple(copies) == self.copies and label == self._label:
            return
        self.forget()
        self._label = label
        for copy in copies:
            item = QListWidgetItem(_caption(copy))
            item.setData(_COPY, copy)
            item.setToolTip(tip(_told(copy)))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{printable(copy.path)}, {_caption(copy)}")
            self.list.addItem(item)
            self._show_thumbnail(copy.path)
        if copies:
            self.title.setText(f"Near copies: {len(copies)}")
            self.list.setCurrentRow(0)
        self._allow(bool(copies))
        self.setVisible(bool(copies))

    def forget(self) -> None:
        """Another image is in sight, and its copies are not known yet. The strip keeps its place, so that nothing jumps."""
        self.list.clear()
        self.title.setText("")
        self._allow(False)

    def toggle_group(self) -> None:
        """Decide on the ticked ones together, or not."""
        if self.group.isEnabled() and self.isVisible():
            self.group.toggle()

    def _allow(self, possible: bool) -> None:
        """What is done together must be in sight."""
        self.group.setChecked(False)
        for button in (self.group, self.compare):
            button.setEnabled(possible)

    def step(self, by: int) -> None:
        """Compare with the next one, or the one before."""
        row = self.list.currentRow() + by
        if 0 <= row < self.list.count():
            self.list.setCurrentRow(row)
            self.choose()

    def hideEvent(self, event: QHideEvent) -> None:
        """What is done together must be in sight."""
        if not event.spontaneous():
            self.group.setChecked(False)
        super().hideEvent(event)

    def choose(self) -> None:
        """Compare with the current copy."""
        if (item := self.list.currentItem()) is not None:
            self.chosen.emit(item.data(_COPY))

    def _activated(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(_COPY))

    def _show_ticks(self, together: bool) -> None:
        """Near copies may differ in just the face that was forged: only what agrees with the image is ticked by itself."""
        self.list.blockSignals(True)
        for row in range(self.list.count()):
            item = self.list.item(row)
            if together:
                copy = item.data(_COPY)
                agrees = copy.label == self._label and not copy.distance and copy.decision is None
                item.setCheckState(Qt.CheckState.Checked if agrees else Qt.CheckState.Unchecked)
            else:
                item.setData(Qt.ItemDataRole.CheckStateRole, None)
        self.list.blockSignals(False)
        self.list.viewport().update()
        self.ticked_changed.emit()

    def _item_changed(self, _: QListWidgetItem) -> None:
        if self.group.isChecked():
            self.ticked_changed.emit()

    def _show_thumbnail(self, path: str) -> None:
        for row in range(self.list.count()):
            item = self.list.item(row)
            if item.data(_COPY).path == path and item.icon().isNull():
                image = self._thumbnails.find(path)
                if image is not None and not image.isNull():
                    side = round(_SIDE * self.devicePixelRatioF())
                    small = image.scaled(
                        side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
                    )
                    icon = QIcon()
                    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):  # its colours are what is looked at
                        icon.addPixmap(QPixmap.fromImage(small), mode)
                    item.setIcon(icon)


def _caption(copy: NearCopy) -> str:
    """Verdict, nearness, decision."""
    decided = f"\nreviewed: {copy.decision}" if copy.decision else ""
    return f"{label_line(copy.label, copy.score)}\n{_nearness(copy.distance)}{decided}"


def _told(copy: NearCopy) -> str:
    return f"{printable(copy.path)}\n{copy.distance} of 64 bits of the fingerprint differ"


def _nearness(distance: int) -> str:
    """Of the 64 bits of two fingerprints, `distance` differ."""
    if not distance:
        return "looks the same"
    return "very near" if distance <= _VERY_NEAR else "near"
