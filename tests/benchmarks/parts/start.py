"""The start of `report`, `status` and `verify` beside a bare start of Python, with 10,000 rows."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from ..measure import Figure, Limit, Sizes, in_turn, medians
from ..trees import fill, open_new

ROWS = 10_000


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Each in a process of its own, in turn."""
    with tempfile.TemporaryDirectory() as place:
        database = open_new(f"sqlite:///{place}/dfscan.sqlite")
        fill(database, ROWS, recent=ROWS)
        database.close()
        (Path(place) / "pictures").mkdir()
        dfscan = [sys.executable, "-m", "scanner", "--data-dir", place]
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "python -c 'import sqlalchemy.orm'": [sys.executable, "-c", "import sqlalchemy.orm"],
            "report --since yesterday": [*dfscan, "report", "--since", "yesterday"],
            "status": [*dfscan, "status"],
            "verify": [*dfscan, "verify", f"{place}/pictures"],
        }
        times = medians(in_turn(2 * sizes.runs + 1, **{name: partial(_run, command) for name, command in commands.items()}))
        for name, seconds in times.items():
            limit = Limit("<", 0.5) if name in ("report --since yesterday", "status", "verify") else None
            yield Figure(name, seconds, "s", seconds / times["python -c pass"], "python -c pass", limit)


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
