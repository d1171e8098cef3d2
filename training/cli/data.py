"""What a run learns from: a manifest, the reviews in dfscan's own database, or both; checked for leaks."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from scanner.errors import KnownError
from scanner.settings import Settings

from ..importers import reviews
from ..importers.splits import Naming, Shares, said, with_splits
from ..leaks import find_leaks, refuse_leaks
from ..manifest import Manifest, read_manifest

_CHECKED = "leaks-checked"


class NoReviews(KnownError):
    """The reviews cannot be had."""


def manifest_for(settings: Settings, path: Path | None, *, from_reviews: bool, say: Callable[[str], None]) -> Manifest:
    """The manifest at `path`, with the reviewed images added. Raises ManifestError, NoReviews and click.UsageError."""
    if path is None and not from_reviews:
        raise click.UsageError("name a manifest with --data (`dfscan manifest import` makes one), or --from-reviews")
    manifest = read_manifest(path) if path else Manifest((), "")
    if not from_reviews:
        return manifest
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "reviews.json"
        _write_report(settings, file)
        found = reviews.find(file)
    added = with_splits(found, Naming("reviews"), Shares(val=0.1, test=0.0))
    left_out = said(added.left_out)
    say(f"{len(added.rows):,} reviewed images" + (f"; left out: {left_out}" if left_out else ""))
    told = "\n".join(f"{row.path}\t{row.label}\t{row.group}\t{row.split}" for row in added.rows)
    return Manifest((*manifest.rows, *added.rows), hashlib.sha256(f"{manifest.sha256}\n{told}".encode()).hexdigest())


def check_leaks(manifest: Manifest, run_folder: Path, processes: int, say: Callable[[str], None]) -> None:
    """Fail for pictures that are in two splits. What passed is not read again when the run goes on. Raises LeaksFound."""
    passed = run_folder / _CHECKED
    if passed.exists() and passed.read_text("utf-8") == manifest.sha256:
        return
    say(f"checking {len(manifest.rows):,} images for copies in other splits")
    refuse_leaks(find_leaks(manifest.rows, processes=processes))
    passed.write_text(manifest.sha256, "utf-8")


def _write_report(settings: Settings, file: Path) -> None:
    """Ask dfscan's own report: its form is a contract, and this package needs to know no database."""
    environment = {**os.environ, "DFSCAN_DATA_DIR": str(settings.data_dir), "DFSCAN_DATABASE_URL": settings.database_url}
    command = [sys.executable, "-m", "scanner", "report", "--format", "json", "--output", str(file)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode or not file.exists():
        raise NoReviews(f"the reviews cannot be read: {ended.stderr.strip()}")
