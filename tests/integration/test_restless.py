"""Pictures that are written to all the time: by `scan` and by what `watch` hears of."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.database.models import File
from scanner.discovery import settle
from scanner.discovery.candidates import Finding
from scanner.jobs.leases import claim
from scanner.roots.roots import add_roots
from scanner.services import scan

Row = Callable[[str], File]
EXPECTED = {"rewritten": ("pending", "restless"), "grows": ("skipped", "not-a-file")}


@pytest.fixture
def rewrite(tmp_path: Path) -> Callable[[str], Callable[[], None]]:
    """`rewrite(how)()`: write the picture once more; it is `rewritten` under a size of its own each time, or `grows`."""
    path = tmp_path / "pics" / "cam.jpg"
    path.parent.mkdir()
    path.write_bytes(b"x")
    count = 0

    def prepared(how: str) -> Callable[[], None]:
        def write() -> None:
            nonlocal count
            count += 1
            path.write_bytes(b"x" * (count if how == "grows" else 1 + count % 2))
            os.utime(path, ns=(count, int(datetime.now(UTC).timestamp() * 1e9) + count))

        return write

    return prepared


@pytest.mark.parametrize("how", EXPECTED)
def test_a_scan_judges_what_is_rewritten_and_leaves_what_grows(
    rewrite,
    row: Row,
    database: Database,
    tmp_path: Path,
    now,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    """By a clock that only waiting moves on; what was just written stays fresh however slow the machine is."""
    write, seconds = rewrite(how), [0.0]
    write()

    def sleep(_seconds: float) -> None:
        seconds[0] += 101.0
        write()

    monkeypatch.setattr(scan, "SETTLE_LIMIT_SECONDS", 500.0)
    monkeypatch.setattr(scan, "time", SimpleNamespace(monotonic=lambda: seconds[0], sleep=sleep))
    settings = Settings(tmp_path / "data", settle_seconds=100.0)
    scan.take_in_paths(settings, database, [str(tmp_path / "pics")], lambda: now)
    found = row(str(tmp_path / "pics" / "cam.jpg"))
    assert (found.state, found.error_kind) == EXPECTED[how]
    assert found.error
    assert scan.leaves_out(database, [str(tmp_path / "pics")]) == (how == "grows")


@pytest.mark.parametrize("how", EXPECTED)
def test_a_watch_does_so_after_a_while(
    rewrite,
    row: Row,
    database: Database,
    tmp_path: Path,
    now,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    path, write = tmp_path / "pics" / "cam.jpg", rewrite(how)
    monkeypatch.setattr(settle, "RESTLESS_SECONDS", 0.0)
    finding = Finding(Settings(tmp_path / "data"), database, lambda: now, lambda: True)
    finding.roots = add_roots(database, [str(path.parent)], now)
    for _ in range(3):
        write()
        finding.hint(str(path))
    finding.settle()
    assert (row(str(path)).state, row(str(path)).error_kind) == EXPECTED[how]
    claimed = claim(database, "worker", 1, now=now, lease_seconds=60, max_attempts=3)
    assert [file.is_restless for file in claimed] == ([True] if how == "rewritten" else [])
