"""The manifest: one CSV that is the only thing the loop reads."""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner.errors import KnownError

COLUMNS = ("path", "label", "source", "family", "generator", "group", "split")


class ManifestError(KnownError):
    """The manifest cannot be used as it is."""


@dataclass(frozen=True)
class Row:
    """One image. `label` is 1 for fake, 0 for real; `group` is what must not be split (a person, a video, an original)."""

    path: Path
    label: int
    source: str
    family: str
    generator: str
    group: str
    split: str


@dataclass(frozen=True)
class Manifest:
    """All rows, and the sha256 of the file they came from."""

    rows: tuple[Row, ...]
    sha256: str

    def of_split(self, split: str) -> tuple[Row, ...]:
        """The rows of `split`. Raises ManifestError when there are none, or when only one label is left."""
        rows = tuple(row for row in self.rows if row.split == split)
        if {row.label for row in rows} != {0, 1}:
            raise ManifestError(f"the manifest has no rows of both labels in split {split!r}; fill the column `split`")
        return rows


def read_manifest(path: Path) -> Manifest:
    """Read a manifest; relative paths in it start at its own folder.

    Raises ManifestError when it is missing, lacks a column, names an unknown label, or splits one group.
    """
    try:
        content = path.read_bytes()
        # utf-8-sig: spreadsheets write a byte order mark. newline="": names may hold line ends.
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path} cannot be read: {error}") from None
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise ManifestError(f"{path} lacks the column(s) {', '.join(missing)}; a manifest has {', '.join(COLUMNS)}")
    rows = tuple(_row(path, reader.line_num, fields) for fields in reader)
    split_of: dict[str, str] = {}
    for row in rows:
        if split_of.setdefault(row.group, row.split) != row.split:
            raise ManifestError(f"{path}: group {row.group!r} is in split {row.split!r} and in {split_of[row.group]!r}: a leak")
    return Manifest(rows, hashlib.sha256(content).hexdigest())


def sources_of(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """What a set is made of: per source the number of real and fake images, the families, and the generators of its fakes."""
    found: dict[str, dict[str, Any]] = {}
    for source in sorted({row.source for row in rows}):
        of_source = [row for row in rows if row.source == source]
        fakes = [row for row in of_source if row.label]
        found[source] = {
            "real": len(of_source) - len(fakes),
            "fake": len(fakes),
            "families": sorted({row.family for row in of_source}),
            "generators": sorted({row.generator for row in fakes}),
        }
    return found


def _row(manifest: Path, number: int, fields: dict[str, str | None]) -> Row:
    labels = {"real": 0, "fake": 1}
    if any(fields[column] is None for column in COLUMNS):
        raise ManifestError(f"{manifest}, line {number}: has fewer fields than the header")
    if fields["label"] not in labels:
        raise ManifestError(f"{manifest}, line {number}: label {fields['label']!r} is neither real nor fake")
    path, label, *others = (fields[column] or "" for column in COLUMNS)
    return Row(manifest.parent / path, labels[label], *others)
