"""Several workers share the work, also one to whom the folders have another name."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from guard import waits
from guard.faults import GO_ON, HELD
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from scanner.database.models import Detection, File, Worker
from scanner.jobs.workers import live_workers

MakePicture = Callable[..., Path]


def test_several_workers_share_the_work_and_agree_with_one(
    dfscan,
    other_laptop,
    originals: Path,
    seal: Callable[[], None],
    tmp_path: Path,
    make_picture: MakePicture,
    scaled: Callable[[int, int], int],
    wait_until: Callable[..., None],
) -> None:
    workers = scaled(4, 2)
    for number in range(scaled(600, 48)):
        make_picture(originals / f"{HELD} {number}.jpg", number)
    seal()
    dfscan.environment |= {"DFSCAN_BATCH_SIZE": "4", "DFSCAN_TEST_FAULTS": "1"}
    dfscan.run("db", "upgrade")
    for _ in range(workers):
        dfscan.start("worker")
    wait_until(lambda: len(_ready(dfscan)) == workers, 400, "the workers")

    scan = dfscan.start("scan", "--no-worker", originals)
    wait_until(lambda: len(_owners(dfscan)) == workers, 200, "each to have some in hand")
    (tmp_path / GO_ON).touch()
    assert scan.wait(400) in (0, 1)

    with dfscan.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Detection)) == len(list(originals.iterdir()))
        assert session.scalar(select(func.count()).select_from(File).where(File.lease_owner.is_not(None))) == 0
        assert session.scalar(select(func.max(File.attempts))) == 1  # no file was in two hands
        assert session.scalar(select(func.count()).select_from(Worker)) == workers
    other_laptop.run("scan", originals, exit_status=(0, 1), timeout=600)
    scores = [{item["path"]: item["score"] for item in one.report()["items"]} for one in (dfscan, other_laptop)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)


def test_a_worker_may_know_the_folder_by_another_name(
    laptop, originals: Path, seal: Callable[[], None], tmp_path: Path, make_picture: MakePicture, wait_until: Callable[..., None]
) -> None:
    """The scanner watches a link to the folder and then loses it: only the worker's own name for it leads there."""
    laptop.environment[waits.VARIABLE] = "2"
    make_picture(originals / "a.jpg", 1)
    make_picture(originals / "b.jpg", 2)
    seal()
    name = tmp_path / "as the scanner, not the worker,\ncalls it"
    name.symlink_to(originals)
    laptop.run("db", "upgrade")
    laptop.start("watch", "--no-worker", name)
    wait_until(lambda: len(_column(laptop, File.state)) == 2, 120, "both files")
    laptop.started[0].terminate()
    laptop.started[0].wait(60)
    name.unlink()

    laptop.start("worker")
    wait_until(lambda: set(_column(laptop, File.error_kind)) == {"unreachable"}, 400, "the worker to say that it reaches neither")
    assert {item["state"] for item in laptop.report()["items"]} == {"pending"}
    laptop.started[1].terminate()
    laptop.started[1].wait(60)

    config = Path(laptop.environment["XDG_CONFIG_HOME"]) / "dfscan" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f"path_map = [{json.dumps(f'{name}={originals}')}]\n")
    laptop.start("worker")
    wait_until(lambda: set(_column(laptop, File.state)) == {"scored"}, 400, "the verdicts")


def _owners(dfscan) -> set[str]:
    with dfscan.database.read() as session:
        return set(session.scalars(select(File.lease_owner).where(File.lease_owner.is_not(None))))


def _ready(dfscan) -> list[object]:
    return list(live_workers(dfscan.database, datetime.now(UTC)))


def _column(dfscan, column: InstrumentedAttribute[Any]) -> list[Any]:
    with dfscan.database.read() as session:
        return list(session.scalars(select(column)))
