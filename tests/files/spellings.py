"""A file system that finds names by any spelling, as exFAT, NTFS and APFS do: laid over the real one inside this process."""

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_FUNCTIONS = ("lstat", "stat", "open", "scandir", "listdir", "access", "readlink")


def fold(name: str) -> str:
    """What two spellings of one name have in common."""
    return unicodedata.normalize("NFC", name).casefold()


def find_by_any_spelling(monkeypatch: pytest.MonkeyPatch, top: Path) -> None:
    """Below `top` every call finds a name by any spelling; what a folder lists are the names as they are."""
    listed, looked_at = os.listdir, os.lstat

    def exists(path: str) -> bool:
        try:
            looked_at(path)
        except OSError:
            return False
        return True

    def on_disk(path: Any) -> Any:
        if not isinstance(path, str | os.PathLike) or not os.fspath(path).startswith(os.path.join(str(top), "")):
            return path
        found = str(top)
        for name in Path(path).relative_to(top).parts:
            if not exists(os.path.join(found, name)) and exists(found):
                name = next((other for other in listed(found) if fold(other) == fold(name)), name)
            found = os.path.join(found, name)
        return os.path.join(found, "") if os.fspath(path).endswith(os.sep) else found

    def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any = ".", *arguments: Any, **more: Any) -> Any:
            return function(on_disk(path), *arguments, **more)

        return call

    for name in _FUNCTIONS:
        monkeypatch.setattr(os, name, wrapped(getattr(os, name)))
