"""Reads protocols: the data sets that a detector is trained on and tested on, and the recipe that it is trained by."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from scanner.base.documents import from_strict_document
from scanner.base.errors import KnownError

from ...data.importers.layouts import LAYOUTS
from ...data.videos.frames import COMPRESSIONS


class ProtocolError(KnownError):
    """A protocol that is not known, says something that cannot be, or whose data sets are not there."""


@dataclass(frozen=True)
class DataSet:
    """One data set as `dfscan manifest import` takes it. Paths start at the root; `frames` of 0 are the protocol's."""

    source: str
    layout: str
    path: str
    images_root: str = ""
    compression: str = ""
    frames: int = 0
    group_by: Literal["file", "folder", "video"] = "file"
    family: str = ""
    generator: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be imported."""
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout {self.layout!r} is not known; choose one of {', '.join(LAYOUTS)}")
        if self.compression and self.compression not in COMPRESSIONS:
            raise ValueError(f"compression must be one of {', '.join(COMPRESSIONS)}")
        if self.frames < 0 or not self.source.strip():
            raise ValueError("source must be a name, and frames cannot be negative")


@dataclass(frozen=True)
class Protocol:
    """What is trained on `train` (its splits train and val) and tested on `test`, and on the split test of `train`.

    `set` are fields of the recipe for this protocol, `start` the checkpoint to start from, if any. With `frames` so many of each
    video are taken. With `faces` pictures are scored as in scanning, by the faces in them; else each is a face crop.
    """

    train: tuple[DataSet, ...]
    test: tuple[DataSet, ...] = ()
    recipe: str = "lite"
    set: tuple[str, ...] = ()
    start: str = ""
    seeds: int = 1
    frames: int = 0
    faces: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be run."""
        names = [each.source for each in (*self.train, *self.test)]
        if not self.train:
            raise ValueError("train must name at least one data set")
        if len(set(names)) < len(names):
            raise ValueError("each data set needs a source of its own: two have the same")
        if self.seeds < 1 or self.frames < 0:
            raise ValueError("seeds must be at least 1, and frames cannot be negative")


def protocol_names() -> tuple[str, ...]:
    """The protocols that come with the program."""
    found = (entry.name for entry in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def protocol_named(wanted: str) -> Protocol:
    """The protocol of that name, or in the file of that path (it ends with `.toml`). Raises ProtocolError."""
    if not wanted.endswith(".toml") and wanted not in protocol_names():
        raise ProtocolError(
            f"protocol {wanted!r} is not known; choose one of {', '.join(protocol_names())}, or name a .toml file"
        )
    try:
        file = Path(wanted) if wanted.endswith(".toml") else files(__package__) / f"{wanted}.toml"
        return from_strict_document(Protocol, tomllib.loads(file.read_text(encoding="utf-8")), path="$")
    except (OSError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{wanted} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(f"{wanted} is not TOML: {error}") from None
    except ValueError as error:
        raise ProtocolError(f"{wanted}: {error}. Mend it there") from None
