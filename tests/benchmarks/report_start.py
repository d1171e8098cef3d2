"""How long `dfscan report` takes with many rows, beside a bare start of Python.

python tests/benchmarks/report_start.py [ROWS]
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert

from scanner.database import schema
from scanner.database.engine import open_database
from scanner.database.models import Content, Detection, File, Model

RUNS = 11


def main(rows: int) -> None:
    """Fill a database, then time the two side by side."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), rows)
        dfscan = [sys.executable, "-m", "scanner", "--data-dir", folder]
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "report --since yesterday": [*dfscan, "report", "--since", "yesterday"],
            "report --since yesterday --json": [*dfscan, "report", "--since", "yesterday", "--json"],
            "status": [*dfscan, "status"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(RUNS):  # in turn, so that a noisy moment hits all alike
            for name, command in commands.items():
                times[name].append(seconds_of(command))
        base = statistics.median(times["python -c pass"])
        for name, taken in times.items():
            median = statistics.median(taken)
            print(f"{name:32} median {median:.3f} s, fastest {min(taken):.3f} s, {median / base:5.1f} x python, {rows:,} rows")


def fill(folder: Path, rows: int) -> None:
    """A database with `rows` scored files."""
    database = open_database(f"sqlite:///{folder / 'dfscan.sqlite'}")
    schema.upgrade(database)
    now = datetime.now(UTC)
    ids = range(1, rows + 1)
    scored = {"model_id": 1, "threshold": 0.9, "band_low": 0.5, "device": "cpu", "scanned_at": now, "seconds": 0.01}
    with database.write() as session:
        session.execute(insert(Model), [{"id": 1, "sha256": "m" * 64, "name": "lite", "card": {}, "first_used_at": now}])
        session.execute(insert(Content), [{"id": i, "sha256": f"{i:064x}", "size": 1, "first_seen_at": now} for i in ids])
        session.execute(
            insert(Detection),
            [
                {"id": i, "content_id": i, "score": i / rows, "label": "fake" if i / rows >= 0.9 else "real", **scored}
                for i in ids
            ],
        )
        files = {"size": 1, "mtime_ns": 1, "state": "scored", "finished_at": now}
        session.execute(
            insert(File), [{"id": i, "path": f"/p/{i}.jpg", "content_id": i, "detection_id": i, **files} for i in ids]
        )
    database.close()


def seconds_of(command: Sequence[str]) -> float:
    """Wall time of a command."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
