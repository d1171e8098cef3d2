"""Text from outside in the window: paths, notes, names of people, errors, cards, what files say of themselves.

Qt takes text with tags in it for HTML: it would hide what a name says, load local files, and wait for a FIFO among them. So each
label is made `plain`, and what can only be HTML or may become it (tool tips, documents, menus) is escaped here.
"""

import html
from typing import TypeVar

from PySide6.QtCore import Qt, QUrl
from PySide6.QtWidgets import QLabel, QMessageBox, QTextBrowser, QWidget

from scanner.base.escape import escaped_lines

_MARGIN = 10  # around a text that is read


class Document(QTextBrowser):
    """HTML of the window's own. It loads nothing: pictures in it are those that were added to its document."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.document().setDocumentMargin(_MARGIN)

    def loadResource(self, kind: int, name: QUrl | str) -> None:
        """None, whatever is named."""


L = TypeVar("L", bound=QLabel)


def plain(label: L) -> L:
    """The label, which shows its text to the letter."""
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def plain_box(box: QMessageBox) -> QMessageBox:
    """The box with its texts, which are shown to the letter."""
    box.setTextFormat(Qt.TextFormat.PlainText)
    for label in box.findChildren(QLabel):  # the informative text, too
        plain(label)
    return box


def tip(text: str) -> str:
    """As a tool tip, which cannot be told to be plain."""
    if not {"<", "&"} & set(text):
        return text
    return f"<p style='white-space:pre-wrap'>{html.escape(text)}</p>"


def in_html(text: str) -> str:
    """As a part of a document; what would turn the direction of the text, or cannot be seen, is escaped."""
    return html.escape(escaped_lines(text))


def in_menu(text: str) -> str:
    """As an entry of a menu or a button's text, where & marks a key."""
    return text.replace("&", "&&")
