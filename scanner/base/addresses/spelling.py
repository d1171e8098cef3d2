"""The name of a file as the disk spells it, where the file system lets it be called by other spellings, too.

exFAT, NTFS and APFS find IMG.JPG as img.jpg; APFS and HFS+ find a letter with its accent and the two apart; FAT knows short
names (PICTUR~1.JPG). What a folder lists is the spelling that counts.
"""

import os
import unicodedata
from collections.abc import Iterator

# Folders whose spelling is kept in memory.
_MOST = 5000


class Speller:
    """Spells the paths of one pass over many. What it learned of folders is soon out of date: use it for one batch."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}
        self._listed: tuple[str, frozenset[str]] = ("", frozenset())

    def spelled(self, path: str, *, below: str = os.sep) -> str:
        """`path` with each name below the folder `below` as its own folder lists it; what is not there stays as it is given."""
        folder, name = os.path.split(path)
        if not name or not path.startswith(os.path.join(below, "")):
            return path
        return os.path.join(self._folder(folder, below), self._name(folder, name))

    def _folder(self, folder: str, below: str) -> str:
        known = self._folders.get(folder)
        if known is None:
            if len(self._folders) >= _MOST:
                self._folders.clear()
            known = self._folders[folder] = self.spelled(folder, below=below)
        return known

    def _name(self, folder: str, name: str) -> str:
        if not _has_other_spellings(os.path.join(folder, name), [os.path.join(folder, other) for other in _others(name)]):
            return name
        names = self._names_in(folder)
        if name in names or not names:
            return name
        alike = [other for other in names if _folded(other) == _folded(name)]
        if not alike:  # a short name
            alike = [other for other in names if _is_same(os.path.join(folder, other), os.path.join(folder, name))]
        return alike[0] if len(alike) == 1 else name

    def _names_in(self, folder: str) -> frozenset[str]:
        if self._listed[0] != folder:
            try:
                self._listed = folder, frozenset(os.listdir(folder or os.curdir))
            except OSError:
                return frozenset()
        return self._listed[1]


def as_spelled(path: str, *, below: str = os.sep) -> str:
    """`path` as the disk spells it; see `Speller`."""
    return Speller().spelled(path, below=below)


def is_misspelled(path: str, *, below: str | None, speller: Speller | None = None) -> bool:
    """Whether what is found at `path` has another name on the disk; names above the folder `below` are not looked at."""
    return below is not None and (speller or Speller()).spelled(path, below=below) != path


def _others(name: str) -> Iterator[str]:
    """Other spellings, of which a file system that does not tell them apart finds one."""
    for other in (name.swapcase(), *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))):
        if other != name:
            yield other


def _has_other_spellings(path: str, others: list[str]) -> bool:
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return False
    for other in others:
        try:
            if os.path.samestat(status, os.lstat(other)):
                return True
        except (OSError, ValueError):
            continue
    return False


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_same(path: str, other: str) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.lstat(other))
    except OSError:
        return False
