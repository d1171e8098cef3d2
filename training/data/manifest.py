"""The manifest: one CSV that is the only thing the loop reads."""

import csv
import hashlib
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from scanner.base.errors import KnownError
from scanner.base.escape import in_shell
from scanner.base.files import open_regular, written_whole

# Larger pictures are refused, as by the default setting `max_megapixels` of scanning.
MAX_PIXELS = 256_000_000
SPLITS = ("train", "val", "test")
# Other names that data sets have for them.
_MEANT = {"training": "train", "validation": "val", "valid": "val", "dev": "val", "testing": "test"}
COLUMNS = ("path", "label", "source", "family", "generator", "group", "split")
# May be missing: most sets are of photographs.
VIDEO = "video"


class ManifestError(KnownError):
    """The manifest cannot be used as it is."""


@dataclass(frozen=True, slots=True)
class Row:
    """One image. `label` is 1 for fake, 0 for real; `group` is what must not be split (a person, a video, an original).

    `video` is what the image is a frame of, within its source; a group may hold several.
    """

    path: Path
    label: int
    source: str
    family: str
    generator: str
    group: str
    split: str
    video: str = ""

    def read(self) -> bytes:
        """The bytes of its file. Raises OSError, for what is no regular file, too: reading a FIFO would wait for ever."""
        with open_regular(self.path) as opened:
            return opened.read()


@dataclass(frozen=True)
class Manifest:
    """All rows, and the sha256 of the file they came from."""

    rows: tuple[Row, ...]
    sha256: str

    def has_split(self, split: str) -> bool:
        """Whether any row is of `split`."""
        return any(row.split == split for row in self.rows)

    def of_split(self, split: str) -> tuple[Row, ...]:
        """The rows of `split`, real and fake ones. Raises ManifestError when there are none of a label."""
        rows = self.all_of_split(split)
        missing = [name for label, name in enumerate(("real", "fake")) if label not in {row.label for row in rows}]
        if missing:
            raise ManifestError(
                f"the manifest has no {missing[0]} images in split {split!r}, and both labels are needed there: "
                "add some, or divide the rows anew (column `split`)"
            )
        return rows

    def all_of_split(self, split: str) -> tuple[Row, ...]:
        """The rows of `split`, which may be of one label only. Raises ManifestError when there are none."""
        rows = tuple(row for row in self.rows if row.split == split)
        if not rows:
            there = ", ".join(repr(name) for name in sorted({row.split for row in self.rows})) or "no rows at all"
            raise ManifestError(f"the manifest has no rows in split {split!r}; in its column `split` there are: {there}")
        return rows


def read_manifest(path: Path, *, twice: bool = False) -> Manifest:
    """Read a manifest; relative paths in it start at its own folder, and those of rows are absolute.

    Raises ManifestError when it is missing, lacks a column or has it twice, names an unknown label, splits one group, divides a
    video, or lists a picture `twice` where that is not allowed.
    """
    try:
        content, folder = path.read_bytes(), path.absolute().parent
        # utf-8-sig: spreadsheets write a byte order mark. newline="": names may hold line ends.
        reader = csv.DictReader(io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline=""))
        _refuse_columns(path, reader.fieldnames or ())
        texts: dict[str, str] = {}
        rows = tuple(_row(path, folder, reader.line_num, fields, texts) for fields in reader)
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} cannot be read: {error}") from None
    except csv.Error as error:  # most often a quotation mark that is never closed
        raise ManifestError(f"{path}, line {reader.line_num}: is no CSV ({error}); mend its quotation marks") from None
    _refuse_split_groups(path, rows)
    refuse_divided_videos(path, rows)
    if not twice:
        _refuse_twice(path, rows)
    return Manifest(rows, hashlib.sha256(content).hexdigest())


def write_manifest(path: Path, rows: Sequence[Row], *, replace: bool = False) -> None:
    """Write a manifest that `read_manifest` gives back. Paths below the manifest's folder are written relative to it, so that the
    two can be moved together; others in full.

    Raises ManifestError when `path` exists (unless `replace`) or cannot be written, and when the rows split one group.
    """
    _refuse_split_groups(path, rows)
    refuse_divided_videos(path, rows)
    folder = path.absolute().parent
    if path.exists() and not replace:
        raise ManifestError(f"{path} exists; name another file, or overwrite it with --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as opened:
            writer = csv.writer(opened, lineterminator="\n")
            with_videos = any(row.video for row in rows)
            writer.writerow((*COLUMNS, VIDEO) if with_videos else COLUMNS)
            for row in rows:
                picture = Path(os.path.abspath(row.path))
                named = picture.relative_to(folder) if picture.is_relative_to(folder) else picture
                label = "fake" if row.label else "real"
                fields = [named.as_posix(), label, row.source, row.family, row.generator, row.group, row.split]
                writer.writerow([*fields, row.video] if with_videos else fields)
    except OSError as error:
        raise ManifestError(f"{path} cannot be written: {error.strerror}") from None


def refuse_unknown_splits(rows: Sequence[Row], say: Callable[[str], None]) -> None:
    """Say which rows are of no split that training knows. Raises ManifestError where one is a misspelt name of a known one."""
    counts = Counter(row.split for row in rows if row.split not in SPLITS)
    for split, count in sorted(counts.items()):
        meant = _MEANT.get(split.strip().lower()) or next(iter(get_close_matches(split.strip().lower(), SPLITS)), None)
        if meant:
            raise ManifestError(f"{count:,} rows are of split {split!r}; did you mean {meant!r}? Mend the column `split`")
        say(f"{count:,} rows of split {split!r} are left out: a run uses {', '.join(SPLITS)}")


def by_collection(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The same with one source for all of a collection, as `web` for `web:one` and `web:two`; it tells how many they are.

    For tables: hundreds of sources of a few pictures each say nothing one by one.
    """
    members: dict[str, set[str]] = {}
    for row in rows:
        collection, is_part, _ = row.source.partition(":")
        if is_part:
            members.setdefault(collection, set()).add(row.source)
    names = {
        source: f"{collection} ({len(sources)} sources)"
        for collection, sources in members.items()
        if len(sources) > 1
        for source in sources
    }
    return tuple(replace(row, source=names.get(row.source, row.source)) for row in rows)


def sources_of(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """What a set is made of: per source the number of real and fake images, the families, and the generators of its fakes."""
    found: dict[str, dict[str, Any]] = {}
    for source in sorted({row.source for row in rows}):
        of_source = [row for row in rows if row.source == source]
        fakes = [row for row in of_source if row.label]
        found[source] = {
            "real": len(of_source) - len(fakes),
            "fake": len(fakes),
            "families": sorted({row.family for row in of_source if row.family}),
            "generators": sorted({row.generator for row in fakes}),
        }
    return found


def separated_otherwise(present: Sequence[str]) -> str:
    """What to say of a header that was read as one column: spreadsheets separate by semicolons or tabs in many countries."""
    if len(present) == 1 and (mark := next((name for name in (";", "\t") if name in present[0]), None)):
        return f". Its fields are separated by {'semicolons' if mark == ';' else 'tabs'}: save it separated by commas"
    return ""


def _refuse_columns(path: Path, present: Sequence[str]) -> None:
    missing = [column for column in COLUMNS if column not in present]
    if missing:
        hint = separated_otherwise(present)
        raise ManifestError(f"{path} lacks the column(s) {', '.join(missing)}; a manifest has {', '.join(COLUMNS)}{hint}")
    twice = [column for column in (*COLUMNS, VIDEO) if present.count(column) > 1]
    if twice:  # which of them is meant nobody knows
        raise ManifestError(f"{path} has the column(s) {', '.join(twice)} more than once; leave one of each")


def _refuse_split_groups(path: Path, rows: Iterable[Row]) -> None:
    split_of: dict[str, str] = {}
    for row in rows:
        if split_of.setdefault(row.group, row.split) != row.split:
            raise ManifestError(f"{path}: group {row.group!r} is in split {row.split!r} and in {split_of[row.group]!r}: a leak")


def refuse_divided_videos(path: Path, rows: Iterable[Row]) -> None:
    """Raises ManifestError where frames of a video are of two groups or labels."""
    known: dict[tuple[str, str], tuple[str, int]] = {}
    for row in rows:
        own = (row.group, row.label)
        if row.video and known.setdefault((row.source, row.video), own) != own:
            raise ManifestError(
                f"{path}: frames of video {row.video!r} (source {row.source!r}) are of two groups or labels; all frames of a "
                "video have the same"
            )


def _refuse_twice(path: Path, rows: Iterable[Row]) -> None:
    counts = Counter(os.path.normpath(row.path) for row in rows)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise ManifestError(
            f"{path}: {len(twice):,} picture(s) are listed more than once, {twice[0]} for one. "
            f"`dfscan manifest merge {in_shell(str(path))} -o FILE` keeps each once"
        )


def _row(manifest: Path, folder: Path, number: int, fields: dict[str | None, Any], texts: dict[str, str]) -> Row:
    """`texts` holds one of each text: of a source's name there would be as many copies as pictures."""
    labels = {"real": 0, "fake": 1}
    if any(fields[column] is None for column in COLUMNS):
        raise ManifestError(f"{manifest}, line {number}: has fewer fields than the header")
    if None in fields:  # a comma in a name, most likely: what follows it would be read as another column
        raise ManifestError(f"{manifest}, line {number}: has more fields than the header; quote names with commas")
    if not fields["path"]:
        raise ManifestError(f"{manifest}, line {number}: names no file (column `path`)")
    if "\0" in fields["path"]:
        raise ManifestError(f"{manifest}, line {number}: no file can have the name {fields['path']!r}")
    if fields["label"] not in labels:
        raise ManifestError(f"{manifest}, line {number}: label {fields['label']!r} is neither real nor fake")
    path, label, *others = (fields[column] or "" for column in COLUMNS)
    told = (texts.setdefault(text, text) for text in (*others, fields.get(VIDEO) or ""))
    return Row(folder / path, labels[label], *told)
