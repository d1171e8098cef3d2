"""`kill -9` at random moments of worker and watcher: every file exactly one verdict, and nothing stays leased."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from sqlalchemy import func, select

from scanner.database.models import Detection, File


def test_rounds_of_kill(
    dfscan,
    originals: Path,
    seal: Callable[[], None],
    make_picture: Callable[..., Path],
    scaled: Callable[[int, int], int],
    wait_until: Callable[..., None],
) -> None:
    rounds, files = scaled(30, 2), scaled(600, 60)
    rng = random.Random(4)
    watch = dfscan.start("watch", originals)
    killed = {"worker": 0, "scanner.discovery.watcher": 0}
    for number in range(files):
        make_picture(originals / f"{number}.jpg", number)
        if (number + 1) % (files // rounds) == 0 and sum(killed.values()) < 2 * rounds:
            for kind in killed:
                victim = _child(watch.pid, kind)
                time.sleep(rng.uniform(0, 3))  # any moment will do: that is the point
                if victim is not None and victim.is_running():
                    victim.kill()
                    killed[kind] += 1
            scored = _count(dfscan, Detection)
            wait_until(lambda scored=scored, at=number: _count(dfscan, Detection) > min(scored, at), 300, "work to go on")
    seal()
    wait_until(lambda: _count(dfscan, File, File.state == "scored") == files, 600, "all verdicts")
    assert killed["worker"] >= rounds - 1
    assert killed["scanner.discovery.watcher"] >= rounds - 1
    assert _count(dfscan, File) == files
    assert _count(dfscan, Detection) == files
    assert _count(dfscan, File, File.lease_owner.is_not(None)) == 0
    dfscan.run("verify", originals)


def _child(pid: int, kind: str) -> psutil.Process | None:
    """The worker or the watcher, as soon as there is one."""
    for _ in range(900):  # the supervisor waits a while when one dies soon after another
        for child in psutil.Process(pid).children():
            try:
                if kind in child.cmdline():
                    return child
            except psutil.Error:
                continue
        time.sleep(0.1)
    return None


def _count(dfscan, table: type, *conditions: object) -> int:
    with dfscan.database.read() as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0
