"""What a person has set in the window; kept beside the database, so that the data folder alone moves everything."""

import getpass
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QObject, QSettings, Qt, Signal
from PySide6.QtGui import QGuiApplication

from scanner.base.choices import chosen_model, chosen_videos
from scanner.base.settings import Settings

from ..style.colours import use_palette

SYSTEM, LIGHT, DARK = THEMES = ("system", "light", "dark")


@dataclass(frozen=True)
class Preferences:
    """`quarantine_folder` empty: one in the data folder. `theme` is one of THEMES."""

    reviewer: str
    quarantine_folder: str
    auto_advance: bool = True
    notify: bool = True
    theme: str = SYSTEM


class PreferenceStore(QObject):
    """Reads and writes gui.ini."""

    changed = Signal()

    def __init__(self, data_dir: Path) -> None:
        super().__init__()
        self._file = QSettings(str(data_dir / "gui.ini"), QSettings.Format.IniFormat)
        self._defaults = Preferences(_own_name(), str(data_dir / "quarantine"))

    def read(self) -> Preferences:
        """The preferences in force."""
        return Preferences(**{name: self._value(name, default) for name, default in vars(self._defaults).items()})

    def write(self, preferences: Preferences) -> None:
        """Keep them, and tell."""
        for name, value in vars(preferences).items():
            self._file.setValue(name, value)
        self._file.sync()
        self.changed.emit()

    def _value(self, name: str, default: Any) -> Any:
        value = self._file.value(name, default, type=type(default))
        return default if value == "" else value

    def keys(self) -> dict[str, str]:
        """The keys that a person has changed, by the names of what they do."""
        kept = self._file.value("keys", "{}")
        try:
            found = json.loads(str(kept))
            return {str(name): str(sequence) for name, sequence in found.items()}
        except (ValueError, TypeError, AttributeError):
            return {}

    def keep_keys(self, keys: Mapping[str, str]) -> None:
        """Keep them, at once."""
        self._file.setValue("keys", json.dumps(dict(keys)))
        self._file.sync()

    def number(self, name: str, default: int) -> int:
        """A number that was kept."""
        return int(self._value(f"shape/{name}", default))

    def keep_number(self, name: str, number: int) -> None:
        """Keep it for the next start."""
        self._file.setValue(f"shape/{name}", number)

    def shape(self, name: str) -> QByteArray | None:
        """The size and place of a window or splitter, as it was left."""
        value = self._file.value(f"shape/{name}")
        return value if isinstance(value, QByteArray) else None

    def keep_shape(self, name: str, shape: QByteArray) -> None:
        """Keep it for the next start."""
        self._file.setValue(f"shape/{name}", shape)


def use_theme(theme: str) -> None:
    """Light or dark, or as the desktop is."""
    schemes = {LIGHT: Qt.ColorScheme.Light, DARK: Qt.ColorScheme.Dark}
    hints = QGuiApplication.styleHints()
    hints.setColorScheme(schemes.get(theme, Qt.ColorScheme.Unknown))
    use_palette(dark=hints.colorScheme() == Qt.ColorScheme.Dark if theme == SYSTEM else theme == DARK)


def follow_desktop() -> None:
    """When the desktop goes from light to dark, or back, so does the window, unless a person has chosen."""
    hints = QGuiApplication.styleHints()
    hints.colorSchemeChanged.connect(lambda scheme: use_palette(dark=scheme == Qt.ColorScheme.Dark))


def with_choices(settings: Settings) -> Settings:
    """Settings with what was chosen since they were read, here or on the command line."""
    data_dir, videos = settings.data_dir, chosen_videos(settings.data_dir)
    return replace(settings, model=chosen_model(data_dir) or settings.model, videos=settings.videos if videos is None else videos)


def _own_name() -> str:
    try:
        return getpass.getuser()[:100]
    except (OSError, KeyError):
        return "someone"
