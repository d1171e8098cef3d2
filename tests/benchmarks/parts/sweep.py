"""A sweep of unchanged files, as the service makes it, beside a bare walk that only looks at each file (os.scandir + stat)."""

import os
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.discovery.candidates import Finding, Source
from scanner.discovery.sweeps import Sweeps
from scanner.roots.roots import WatchedRoot, add_roots

from ..measure import Figure, Limit, Sizes, in_turn, medians
from ..trees import make_tree, open_new


def measure(sizes: Sizes) -> Iterator[Figure]:
    """The first sweep, which takes everything in; then sweeps and walks in turn; then the memory of one more sweep."""
    with tempfile.TemporaryDirectory() as place:
        top = Path(place) / "pictures"
        make_tree(top, sizes.files)
        database = open_new(f"sqlite:///{place}/dfscan.sqlite")
        [root] = add_roots(database, [str(top)], _now())
        began = time.perf_counter()
        sweep(database, root)
        yield Figure(f"first sweep of {sizes.files:,} files", sizes.files / (time.perf_counter() - began), "files/s")
        with database.write() as session:
            session.execute(text("UPDATE files SET state = 'scored', finished_at = pending_since"))
        times = medians(in_turn(sizes.runs, walk=lambda: bare_walk(str(top)), sweep=lambda: sweep(database, root)))
        yield Figure(f"bare walk over {sizes.files:,} files", times["walk"], "s")
        ratio = times["sweep"] / times["walk"]
        yield Figure("sweep of them, unchanged", times["sweep"], "s", ratio, "the bare walk", Limit("<=", 3.0, of_ratio=True))
        tracemalloc.start()
        sweep(database, root)
        yield Figure("most memory a sweep takes at once", tracemalloc.get_traced_memory()[1] / 1e6, "MB")
        tracemalloc.stop()
        database.close()


def bare_walk(folder: str) -> None:
    """Look at every file once, and do nothing with it."""
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)


def sweep(database: Database, root: WatchedRoot) -> None:
    """What the service does in its turns until the sweep of `root` has ended."""
    settings = Settings(data_dir=Path(root.path).parent)
    finding = Finding(settings, database, _now, lambda: True)
    finding.roots = [root]
    sweeps = Sweeps(settings, database, finding, _now)
    sweeps.begin(root, Source.SWEEP)
    while sweeps:
        sweeps.step()


def _now() -> datetime:
    return datetime.now(UTC)
