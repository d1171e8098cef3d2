"""Sizes and places of the window's parts, as they were left."""

from PySide6.QtWidgets import QMainWindow

from ..pages.review_page import ReviewPage
from .preferences import PreferenceStore


def keep_layout(store: PreferenceStore, window: QMainWindow, review: ReviewPage | None) -> None:
    """Keep them for the next start."""
    store.keep_shape("window", window.saveGeometry())
    if review is not None:
        store.keep_shape("columns", review.splitter.saveState())
        store.keep_shape("rows", review.right.saveState())
        store.keep_number("cell", review.grid.size_number)


def restore_layout(store: PreferenceStore, review: ReviewPage) -> None:
    """Of the page, as they were kept."""
    for name, splitter in (("columns", review.splitter), ("rows", review.right)):
        if shape := store.shape(name):
            if splitter is review.right:
                review.keep_rows()
            splitter.restoreState(shape)
    review.grid.resize_cells(store.number("cell", review.grid.size_number))
