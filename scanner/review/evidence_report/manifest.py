"""The sums of an evidence report: written with it, and checked later, with the images that it is about."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...base.errors import KnownError
from ...base.escape import printable
from ...base.files import open_regular

MANIFEST = "SHA256SUMS"
DOCUMENT = "report.json"


class NoEvidenceReport(KnownError):
    """A folder that holds no evidence report."""


@dataclass(frozen=True)
class Checked:
    """What a check found. `problems` are changes, each in a sentence; `away` are images that are no longer at their place.

    `manifest_sha256` is to be compared with the one that was noted when the report was written: whoever changes the report can
    change its sums, too.
    """

    files: int
    images: int
    problems: tuple[str, ...]
    away: tuple[str, ...]
    manifest_sha256: str


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Hex sha256 of a regular file. Raises OSError."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path) -> str:
    """Write the sums of all files below `folder`, as `sha256sum` does; returns the sum of the manifest."""
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in sorted(_files(folder)) if name != MANIFEST]
    (folder / MANIFEST).write_text("".join(lines), "utf-8")
    return sha256_of(folder / MANIFEST)


def verify_report(folder: Path) -> Checked:
    """Compare every file of a report, and every image that it is about, with its sum. Raises NoEvidenceReport."""
    try:
        lines = (folder / MANIFEST).read_text("utf-8").splitlines()
        manifest_sha256 = sha256_of(folder / MANIFEST)
    except (OSError, ValueError) as error:
        raise NoEvidenceReport(
            f"{printable(str(folder))} holds no evidence report: {MANIFEST} cannot be read ({error}); name the report's folder"
        ) from None
    problems, named = [], set()
    for line in lines:
        expected, _, name = line.partition("  ")
        named.add(name)
        problem = _compare(folder, name, expected)
        if problem:
            problems.append(problem)
    problems += [
        f"{printable(name)} is not in {MANIFEST}: it was added" for name in sorted(set(_files(folder)) - named - {MANIFEST})
    ]
    if DOCUMENT not in named:
        problems.append(f"{DOCUMENT} is not in {MANIFEST}")
    images, changed, away = _images(folder)
    return Checked(len(named), images, (*problems, *changed), away, manifest_sha256)


def _compare(folder: Path, name: str, expected: str) -> str | None:
    parts = Path(name).parts
    if not parts or os.path.isabs(name) or ".." in parts:
        return f"{MANIFEST} names {printable(name)!r}, which is no file of the report"
    try:
        found = sha256_of(folder / name)
    except OSError as error:
        return f"{printable(name)} cannot be read: {error.strerror or error}"
    return None if found == expected else f"{printable(name)} was changed: its SHA-256 is {found}, not {expected}"


def _images(folder: Path) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """How many images there are, which were changed, and which are away."""
    try:
        images = json.loads((folder / DOCUMENT).read_text("utf-8"))["images"]
        expected = [(os.fsdecode(os.fsencode(image["path"])), str(image["sha256"])) for image in images]
    except (OSError, ValueError, KeyError, TypeError):
        return 0, (f"{DOCUMENT} cannot be read",), ()
    changed, away = [], []
    for path, sha256 in expected:
        try:
            found = sha256_of(path)
        except OSError:
            away.append(path)
            continue
        if found != sha256:
            changed.append(f"the image {printable(path)} was changed: its SHA-256 is {found}, not {sha256}")
    return len(expected), tuple(changed), tuple(away)


def _files(folder: Path) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield os.path.relpath(os.path.join(parent, name), folder).replace(os.sep, "/")
