"""Colours that can be read, in light and dark, and one set of icons."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import Archive, Opened
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QPalette
from PySide6.QtWidgets import QApplication

import gui
from gui.style.colours import BADGES, BARS, palette, use_palette
from gui.style.icons import FOLDER, icon
from gui.window.action_icons import ICONS
from gui.window.actions import all_keys
from gui.window.dialogs.preferences_dialog import PreferencesDialog

Open = Callable[..., Opened]
HERE = Path(gui.__file__).parent
ROLE, GROUP = QPalette.ColorRole, QPalette.ColorGroup
# Text, and all grounds that it stands on.
PAIRS = [
    (ROLE.WindowText, ROLE.Window),
    *((text, ground) for text in (ROLE.Text, ROLE.PlaceholderText, ROLE.Link) for ground in (ROLE.Base, ROLE.AlternateBase)),
    (ROLE.PlaceholderText, ROLE.Window),
    (ROLE.Link, ROLE.Window),
    (ROLE.LinkVisited, ROLE.Base),
    (ROLE.BrightText, ROLE.Window),
    (ROLE.ButtonText, ROLE.Button),
    (ROLE.HighlightedText, ROLE.Highlight),
    (ROLE.ToolTipText, ROLE.ToolTipBase),
]


def luminance(colour: QColor) -> float:
    """WCAG 2.2, relative luminance."""
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: QColor, other: QColor) -> float:
    """WCAG 2.2, contrast ratio."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_is_that_of_the_standard() -> None:
    assert contrast(QColor("white"), QColor("black")) == pytest.approx(21)
    assert contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_has_the_contrast_of_level_aa(qapp: QApplication, dark: bool, text: ROLE, ground: ROLE) -> None:
    for group in (GROUP.Active, GROUP.Inactive):
        colours = palette(dark=dark)
        assert contrast(colours.color(group, text), colours.color(group, ground)) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
def test_what_is_chosen_and_what_is_disabled_can_be_told(qapp: QApplication, dark: bool) -> None:
    """3 : 1 for what is no text (WCAG 2.2, 1.4.11); disabled text is exempt, and has as much."""
    colours = palette(dark=dark)
    for ground in (ROLE.Base, ROLE.Window):
        assert contrast(colours.color(ROLE.Highlight), colours.color(ground)) >= 2.5
    for text, ground in ((ROLE.WindowText, ROLE.Window), (ROLE.Text, ROLE.Base), (ROLE.ButtonText, ROLE.Button)):
        assert contrast(colours.color(GROUP.Disabled, text), colours.color(ground)) >= 3


@pytest.mark.parametrize("pair", [*BADGES.values(), *BARS.values()], ids=[*BADGES, *BARS])
def test_words_on_pictures_and_bars_have_it_too(pair: tuple[QColor, QColor]) -> None:
    assert contrast(*pair) >= 4.5


def test_colours_stand_in_one_place() -> None:
    """So that no pair escapes these tests. The program's icon has its own."""
    strays = [
        f"{path.relative_to(HERE)}: {found}"
        for path in HERE.rglob("*.py")
        if path.name not in ("colours.py", "icon.py")
        for found in re.findall(r"#[0-9a-fA-F]{6}\b|color: *(?:white|black)", path.read_text("utf-8"))
    ]
    assert strays == []


def test_the_theme_is_worn_by_the_whole_window(five: Archive, open_window: Open, qapp: QApplication) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    ground = opened.page.grid.palette().color(ROLE.Base)
    assert ground == palette(dark=False).color(ROLE.Base)
    opened.window.dialogs.show_preferences()
    [dialog] = opened.window.findChildren(PreferencesDialog)
    dialog.theme.setCurrentIndex(dialog.theme.findData("dark"))
    dialog.accept()
    dark = palette(dark=True).color(ROLE.Base)
    for widget in (opened.page.grid, opened.page.details, opened.page.look.preview):
        opened.until(lambda widget=widget: widget.palette().color(ROLE.Base) == dark)
    use_palette(dark=False)


def inks(shown: QIcon, mode: QIcon.Mode = QIcon.Mode.Normal) -> set[str]:
    """The colours of the pixels that are wholly drawn."""
    picture = shown.pixmap(QSize(48, 48), mode).toImage()
    pixels = (picture.pixelColor(x, y) for x in range(picture.width()) for y in range(picture.height()))
    return {pixel.name() for pixel in pixels if pixel.alpha() == 255}


def test_icons_take_the_colour_of_the_text(qapp: QApplication) -> None:
    shown = icon("search")
    for dark in (False, True, False):
        use_palette(dark=dark)
        assert inks(shown) == {palette(dark=dark).color(ROLE.ButtonText).name()}
        assert inks(shown, QIcon.Mode.Disabled) == {palette(dark=dark).color(GROUP.Disabled, ROLE.ButtonText).name()}
    assert inks(icon("x", QColor("#ffffff"))) == {"#ffffff"}


@pytest.mark.parametrize("dark", [False, True])
def test_a_button_that_stays_down_is_told_from_others(five: Archive, open_window: Open, dark: bool) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    use_palette(dark=dark)
    button = opened.page.filters.more

    def ground() -> float:
        picture = button.grab().toImage()
        return luminance(picture.pixelColor(picture.width() // 2, 4))

    up = ground()
    button.setChecked(True)
    assert abs(ground() - up) > 0.05 * (1 if dark else 10)
    assert button.palette().color(ROLE.ButtonText) == QColor("#ffffff")
    button.setChecked(False)
    assert ground() == pytest.approx(up, abs=0.01)


def test_each_icon_is_in_the_set_and_is_drawn(qapp: QApplication) -> None:
    """None is missing, none is left over, and the licence comes with them."""
    kept = {path.stem for path in FOLDER.glob("*.svg")}
    code = "".join(path.read_text("utf-8") for path in HERE.rglob("*.py"))
    assert {name for name in kept if f'"{name}"' not in code} == set()
    assert all(inks(icon(name)) for name in kept)
    assert set(ICONS.values()) <= kept
    assert "ISC License" in (FOLDER / "LICENSE").read_text("utf-8")
    assert all("lucide-static" in (FOLDER / f"{name}.svg").read_text("utf-8") for name in kept)


def test_menus_and_buttons_have_icons(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    without = {key.name for key in all_keys()} - set(ICONS)
    assert without <= {"next", "previous", "larger", "smaller", "select_all", "escape"}
    assert all(
        not opened.window.actions_of.by_name[name].icon().isNull() for name in ICONS if name in opened.window.actions_of.by_name
    )
    assert opened.window.view is not None
    for button in (opened.page.filters.more, opened.window.view.run_button, opened.page.deciding.notice.button):
        assert not button.icon().isNull()
