"""Questions that the window asks before something ends."""

from PySide6.QtWidgets import QMessageBox, QWidget

from ..texts.outside import plain_box


def ask_to_close(window: QWidget, pending: int) -> bool:
    """Whether to close while images wait to be scanned."""
    images = "1 image is" if pending == 1 else f"{pending:,} images are"
    return confirmed(
        window,
        f"{images} still to be scanned. Close all the same?",
        "Scanning ends with this window. What is done is kept; the rest waits, and the next start offers to go on.",
        "Close",
    )


def confirmed(window: QWidget, title: str, words: str, button: str) -> bool:
    """Whether the person agrees; Esc and the default do not."""
    box = QMessageBox(QMessageBox.Icon.Question, title, title, parent=window)
    box.setInformativeText(words)
    plain_box(box)
    yes = box.addButton(button, QMessageBox.ButtonRole.AcceptRole)
    no = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(no)
    box.setEscapeButton(no)
    box.exec()
    agreed = box.clickedButton() == yes
    box.deleteLater()
    return agreed
