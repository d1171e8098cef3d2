"""The window's colours, light and dark. Text on its ground has a contrast of 4.5 : 1 at least (WCAG 2.2, 1.4.3, level AA).

All colours stand here, so that one test can compute the contrast of each pair.
"""

from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

_Role = QPalette.ColorRole

LIGHT = {
    _Role.Window: "#f3f5f7",
    _Role.WindowText: "#1b2430",
    _Role.Base: "#ffffff",
    _Role.AlternateBase: "#edf0f4",
    _Role.Text: "#1b2430",
    _Role.Button: "#e8ecf0",
    _Role.ButtonText: "#1b2430",
    _Role.BrightText: "#8f1d2f",
    _Role.Highlight: "#2b5c8a",
    _Role.HighlightedText: "#ffffff",
    _Role.Link: "#1d5a96",
    _Role.LinkVisited: "#5b3f86",
    _Role.PlaceholderText: "#586472",
    _Role.ToolTipBase: "#2a3441",
    _Role.ToolTipText: "#ffffff",
    _Role.Accent: "#2b5c8a",
}
DARK = {
    _Role.Window: "#1b2026",
    _Role.WindowText: "#e3e8ee",
    _Role.Base: "#252c34",
    _Role.AlternateBase: "#2c343d",
    _Role.Text: "#e3e8ee",
    _Role.Button: "#38424d",
    _Role.ButtonText: "#e3e8ee",
    _Role.BrightText: "#ff9aa8",
    _Role.Highlight: "#3f78ad",
    _Role.HighlightedText: "#ffffff",
    _Role.Link: "#8fbcec",
    _Role.LinkVisited: "#c3a8ea",
    _Role.PlaceholderText: "#a8b2bd",
    _Role.ToolTipBase: "#3a4552",
    _Role.ToolTipText: "#ffffff",
    _Role.Accent: "#3f78ad",
}
# Text of what cannot be used now: WCAG asks nothing of it, and it is still to be read.
DISABLED = {"light": "#6a7581", "dark": "#8b96a2"}
# The style draws the edge of a box for a tick in this colour, made darker; that of dark windows could not be seen.
TICKED = "#98a4b0"
# Ground and text of words on pictures; the same in light and dark.
BADGES = {
    "fake": (QColor("#a3233a"), QColor("#ffffff")),
    "uncertain": (QColor("#e6b422"), QColor("#000000")),
    "real": (QColor("#2a6a45"), QColor("#ffffff")),
    "unsure": (QColor("#4a5568"), QColor("#ffffff")),
    "found-real": (QColor("#3b4a5a"), QColor("#ffffff")),  # nothing found, or not judged: not a person's "real", which is green
    "stack": (QColor("#2b5c8a"), QColor("#ffffff")),
    "origin": (QColor("#5b3f86"), QColor("#ffffff")),
    "unjudged": (QColor("#d0d4da"), QColor("#000000")),
}
# Where a magnified picture ends.
SURROUND = QColor("#202020")
# Ground and text of a button that stays down: what the style makes of it is not seen in dark windows.
CHECKED = (QColor("#2b5c8a"), QColor("#ffffff"))
# Lines across the window.
BARS = {
    "trouble": (QColor("#7a1f2b"), QColor("#ffffff")),
    "waiting": (QColor("#2b5c8a"), QColor("#ffffff")),
    "hint": (QColor("#465363"), QColor("#ffffff")),
}


def palette(*, dark: bool) -> QPalette:
    """For the whole program; the colours of edges follow from those of buttons and windows."""
    colours = DARK if dark else LIGHT
    made = QPalette(QColor(colours[_Role.Button]), QColor(colours[_Role.Window]))
    for role, colour in colours.items():
        made.setColor(role, QColor(colour))
    for role in (_Role.WindowText, _Role.Text, _Role.ButtonText, _Role.PlaceholderText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(DISABLED["dark" if dark else "light"]))
    made.setColor(QPalette.ColorGroup.Disabled, _Role.Highlight, QColor(colours[_Role.AlternateBase]))
    made.setColor(QPalette.ColorGroup.Disabled, _Role.HighlightedText, QColor(DISABLED["dark" if dark else "light"]))
    return made


def use_palette(*, dark: bool) -> None:
    """Light or dark, for all windows, those that are open, too."""
    if isinstance(app := QGuiApplication.instance(), QApplication):
        made = palette(dark=dark)
        app.setPalette(made)
        if dark:
            made.setColor(_Role.Window, QColor(TICKED))
        for kind in ("QCheckBox", "QListView", "QTreeView"):
            app.setPalette(made, kind)  # type: ignore[arg-type]  # it takes text, whatever its stub says


def bar_style(kind: str, widget: str) -> str:
    """The style sheet of a line across the window, by the name of its class."""
    ground, text = (colour.name() for colour in BARS[kind])
    return (
        f"{widget} {{ background: {ground}; }} {widget} QLabel {{ color: {text}; }} "
        f"{widget} QToolButton {{ color: {text}; border: none; padding: 2px; }}"
    )
