"""What a person has set in the window; kept beside the database, so that the data folder alone moves everything."""

import getpass
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QObject, QSettings, Signal


@dataclass(frozen=True)
class Preferences:
    """`quarantine_folder` empty: one in the data folder."""

    reviewer: str
    quarantine_folder: str
    auto_advance: bool = True
    notify: bool = True


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

    def shape(self, name: str) -> QByteArray | None:
        """The size and place of a window or splitter, as it was left."""
        value = self._file.value(f"shape/{name}")
        return value if isinstance(value, QByteArray) else None

    def keep_shape(self, name: str, shape: QByteArray) -> None:
        """Keep it for the next start."""
        self._file.setValue(f"shape/{name}", shape)


def _own_name() -> str:
    try:
        return getpass.getuser()[:100]
    except (OSError, KeyError):
        return "someone"
