"""The row of buttons at the bottom of a dialog."""

from PySide6.QtWidgets import QDialog, QDialogButtonBox

_Button = QDialogButtonBox.StandardButton


def closing_buttons(dialog: QDialog) -> QDialogButtonBox:
    """Close, which also Esc does."""
    return _connected(dialog, _Button.Close)


def agreeing_buttons(dialog: QDialog, agree: QDialogButtonBox.StandardButton = _Button.Ok) -> QDialogButtonBox:
    """Agree, or cancel."""
    return _connected(dialog, agree | _Button.Cancel)


def _connected(dialog: QDialog, kinds: QDialogButtonBox.StandardButton) -> QDialogButtonBox:
    buttons = QDialogButtonBox(kinds)
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    return buttons
