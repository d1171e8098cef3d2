"""Help: how one works with the window, what the models say of themselves, and which version this is."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from PySide6.QtWidgets import QDialog, QMessageBox, QVBoxLayout, QWidget

from scanner.review.image_details import ModelCard, model_cards

from ...models.presenter import QueuePresenter
from ...texts.accessible_names import named
from ...texts.outside import Document, in_html, plain_box
from ..icon import program_icon
from .buttons import closing_buttons

_INDENT = 16
_GUIDE = """
<h3>Decide</h3>
<p>Look at an image and press <b>{fake}</b> (fake), <b>{real}</b> (real) or <b>{unsure}</b> (unsure). Nothing is ever
lost: <b>{undo}</b> takes the last decision back and returns to its image. <b>{note}</b> writes a note, which belongs to
the image. Shift and Ctrl select several; the buttons say how many a decision is for.</p>
<h3>Look closely</h3>
<p><b>{loupe}</b> shows the picture on the whole screen, <b>{zoom}</b> pixel by pixel, <b>{heatmap}</b> where the score comes
from, <b>{boxes}</b> the faces, <b>{compare}</b> a near copy beside it, <b>{difference}</b> where the two differ.
<b>{facts}</b> lists EXIF and origin, <b>{magnifier}</b> magnifies single pixels. <b>{error_levels}</b> and <b>{noise}</b> show
traces of editing that only a trained eye should read: they are no verdict. The strip below the picture has every face and frame;
a click looks at it.</p>
<h3>What a verdict means</h3>
<p>A score is an estimate, not a proof. The details say how often the model was wrong where it was measured. Nothing
found does not make an image real; not judged means that there was no face to judge.</p>
<h3>Find</h3>
<p><b>{search}</b> searches; filters in force stand below the search, each with a way to lift it. <b>{escape}</b> leads
back to the images from anywhere. <b>{keys}</b> shows all keys, and changes them.</p>
<h3>Hand on</h3>
<p><b>{export}</b> exports a table, <b>{evidence}</b> an evidence report with pictures, decisions and sums that
<code>dfscan verify-report</code> checks.</p>
"""

_ABOUT = """Finds deepfakes among your images. Files are only read, and nothing leaves this computer.

Apache License 2.0. The icons are Lucide (ISC License)."""


def show_guide(window: QWidget, keys: Mapping[str, str]) -> None:
    """How one works with the window, with the keys in force by the names of what they do."""
    named_keys = {name: in_html(key or "no key") for name, key in keys.items()}
    _show(window, "Guide", _GUIDE.format(**named_keys))


def show_about(window: QWidget) -> None:
    """Which version this is, and what it promises."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, "About dfscan", f"dfscan {version('dfscan')}", parent=window)
    box.setIconPixmap(program_icon().pixmap(64, 64))
    box.setInformativeText(_ABOUT)
    plain_box(box)
    box.finished.connect(box.deleteLater)
    box.open()


def show_cards(window: QWidget, presenter: QueuePresenter) -> None:
    """What the models that have given verdicts say of themselves."""

    def show(cards: Sequence[ModelCard]) -> None:
        parts = [f"<h3>{in_html(card.name)}</h3><p>SHA-256 {in_html(card.sha256)}</p>{card_table(card.card)}" for card in cards]
        _show(window, "Models", "".join(parts) or "<p>No model has given a verdict yet.</p>")

    presenter.ask(lambda: model_cards(presenter.database), show, "cards")


def card_table(card: Mapping[str, Any]) -> str:
    """What a checkpoint says of itself, as one table; the parts of a part are indented below it.

    Tables in tables would take Qt seconds to lay out.
    """
    return f"<table cellpadding='2'>{''.join(_rows(card, 0))}</table>"


def _rows(card: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name, value in card.items():
        below = _parts(value)
        told = "" if below else _told(value)
        title = in_html(str(name).replace("_", " "))
        yield f"<tr><td style='padding-left:{_INDENT * depth}px; padding-right:12px'>{title}</td><td>{told}</td></tr>"
        yield from _rows(below, depth + 1)


def _parts(value: object) -> Mapping[str, Any]:
    """What a value has below it: a list of several such has them by their numbers."""
    if isinstance(value, list | tuple) and any(isinstance(part, Mapping) for part in value):
        return {str(number): part for number, part in enumerate(value, 1)}
    return value if isinstance(value, Mapping) else {}


def _told(value: object) -> str:
    if isinstance(value, Mapping):
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(_told(part) for part in value) or "none"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "unknown"}[value]
    return in_html(f"{value:.4g}" if isinstance(value, float) else str(value))


def _show(window: QWidget, title: str, document: str) -> None:
    dialog = QDialog(window)
    dialog.setWindowTitle(title)
    text = named(Document(), title)
    text.setHtml(document)
    column = QVBoxLayout(dialog)
    column.addWidget(text)
    column.addWidget(closing_buttons(dialog))
    dialog.resize(640, 520)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
