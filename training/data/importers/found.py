"""What an importer is asked, and what it gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..manifest import ManifestError


class ImportFailed(ManifestError):
    """The folder or file is not of the layout that was named, or holds nothing that can be used."""


@dataclass(frozen=True)
class Picture:
    """One picture as a data set names it. `label` is 1 for fake.

    `group` is what must not be split, within this set. `split` is None where the set itself has none. `video` is what it is a
    frame of, and `compression` how that was compressed, as far as the set says so.
    """

    path: Path
    label: int
    group: str
    split: str | None = None
    generator: str = ""
    family: str = ""
    video: str = ""
    compression: str = ""


@dataclass(frozen=True)
class Found:
    """The pictures of a data set, and how many files were left out for which reason."""

    pictures: tuple[Picture, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)


class Importer(Protocol):
    """A layout. Raises ImportFailed when `root` does not have it."""

    def __call__(self, root: Path, *, images_root: Path | None = None, group_by_folder: bool = False) -> Found:
        """The pictures under `root` (a folder, or a list of files).

        `images_root`: where the files lie that a list names. `group_by_folder`: a folder is one video, where a layout does
        not say what its folders are.
        """
