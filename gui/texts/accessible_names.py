"""Names for those who do not see the window."""

from typing import TypeVar

from PySide6.QtWidgets import QWidget

W = TypeVar("W", bound=QWidget)


def named(widget: W, name: str) -> W:
    """The widget, under a name that screen readers say."""
    widget.setAccessibleName(name)
    return widget
