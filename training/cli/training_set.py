"""What a run learns from: a manifest, the reviews in dfscan's own database, or both; checked before anything is trained."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import click

from scanner.base.errors import KnownError
from scanner.base.files import write_whole
from scanner.base.settings import Settings

from ..data.bias import find_bias
from ..data.importers import reviews
from ..data.importers.found import ImportFailed
from ..data.importers.splits import Naming, Shares, said, with_splits
from ..data.leaks import Leaks, find_leaks, refuse_leaks
from ..data.manifest import Manifest, ManifestError, Row, read_manifest, refuse_unknown_splits
from ..evaluation.left_out import LeftOut, without
from ..loop.distributed import Team

_CHECKED = "leaks-checked.json"


class NoReviews(KnownError):
    """The reviews cannot be had, or are too few to learn from."""


@dataclass(frozen=True)
class Gathered:
    """A manifest's rows, and those of reviews, which follow them."""

    manifest: Manifest
    reviewed: tuple[Row, ...] = ()

    def without(self, dropped: Collection[int]) -> Manifest:
        """All rows less those numbers; the hash tells what was left out, too."""
        rows = (*self.manifest.rows, *self.reviewed)
        kept = tuple(row for number, row in enumerate(rows) if number not in dropped)
        if not self.reviewed:
            return Manifest(kept, self.manifest.sha256)
        told = "\n".join(f"{row.path}\t{row.label}\t{row.group}\t{row.split}" for row in kept[len(self.manifest.rows) :])
        return Manifest(kept, hashlib.sha256(f"{self.manifest.sha256}\n{told}".encode()).hexdigest())


def gathered(
    settings: Settings, path: Path | None, *, from_reviews: bool, say: Callable[[str], None], out: LeftOut | None = None
) -> Gathered:
    """The manifest at `path`, and the reviewed images. Raises ManifestError, NoReviews and click.UsageError.

    Both labels must be there to train with, to validate with and, in a split `test`, to report of. What
    is to be left `out` must be there, and is not counted.
    """
    if path is None and not from_reviews:
        raise click.UsageError("name a manifest with --data (`dfscan manifest import` makes one), or --from-reviews")
    found = Gathered(read_manifest(path) if path else Manifest((), ""), _reviewed(settings, say) if from_reviews else ())
    refuse_unknown_splits(found.without(()).rows, say)
    everything = found.without(())
    left = without(everything, out)[0] if out else everything
    try:
        for split in ("train", "val", *(("test",) if left.has_split("test") else ())):
            left.of_split(split)
    except ManifestError as error:
        if path:
            raise
        count = len(found.reviewed)
        raise NoReviews(f"{count:,} reviewed images are too few: {error}. Review more, or add a manifest with --data") from None
    return found


def checked(found: Gathered, run_folder: Path, processes: int, team: Team, say: Callable[[str], None]) -> Manifest:
    """The rows to train with, the same in every process of `team`; the leader looks for leaks and bias.

    A leak in the manifest fails. Reviewed images that leak are left out: whoever reviews does not choose what lies twice on the
    disk. What passed is not read again when the run goes on. Raises LeaksFound and ManifestError.
    """
    return found.without(set(team.agree(_dropped(found, run_folder, processes, say) if team.leads else [])))


def _dropped(found: Gathered, run_folder: Path, processes: int, say: Callable[[str], None]) -> list[int]:
    """Numbers of the reviewed rows to leave out."""
    everything, record = found.without(()), run_folder / _CHECKED
    try:
        passed = json.loads(record.read_bytes())
        if passed["manifest"] == everything.sha256:
            return list(passed["dropped"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none yet, or none that can be trusted
    say(f"checking {len(everything.rows):,} images for copies in other splits")
    leaks = find_leaks(everything.rows, processes=processes)
    leaking = _leaking_reviews(leaks, set(found.reviewed))
    refuse_leaks(leaks.apart_from(leaking))
    dropped = [number for number, row in enumerate(everything.rows) if row in leaking]
    if dropped:
        say(f"left out {len(dropped):,} reviewed images that are unreadable, or copies of others in another split")
    if bias := find_bias(found.without(dropped).rows):
        say(f"note: {bias.text()}")
    write_whole(record, json.dumps({"manifest": everything.sha256, "dropped": dropped}))
    return dropped


def _leaking_reviews(leaks: Leaks, reviewed: Collection[Row]) -> set[Row]:
    """The reviewed rows without which nothing reviewed leaks."""
    leaking = {found.row for found in leaks.unreadable if found.row in reviewed}
    for copies in leaks.copies:
        leaking |= {row for row in copies.rows if row in reviewed}
    pairs = [[row for row in (found.row, found.other) if row in reviewed] for found in leaks.near_copies]
    # Copies of the manifest's first: of two reviewed ones, one may then be gone already; else the one of the earlier split goes.
    for pair in sorted(pairs, key=len):
        if not leaking.intersection(pair):
            leaking.update(pair[:1])
    return leaking


def _reviewed(settings: Settings, say: Callable[[str], None]) -> tuple[Row, ...]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "reviews.json"
        _write_report(settings, file)
        try:
            found = reviews.find(file)
        except ImportFailed:
            raise NoReviews("nothing was reviewed as fake or real so far: review some images first (`dfscan gui`)") from None
    added = with_splits(found, Naming("reviews"), Shares(val=0.1, test=0.0))
    left_out = said(added.left_out)
    say(f"{len(added.rows):,} reviewed images" + (f"; left out: {left_out}" if left_out else ""))
    return added.rows


def _write_report(settings: Settings, file: Path) -> None:
    """Ask dfscan's own report: its form is a contract, and this package needs to know no database."""
    environment = {**os.environ, "DFSCAN_DATA_DIR": str(settings.data_dir), "DFSCAN_DATABASE_URL": settings.database_url}
    command = [sys.executable, "-m", "scanner", "report", "--format", "json", "--output", str(file)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode or not file.exists():
        raise NoReviews(f"the reviews cannot be read: {ended.stderr.strip()}")
