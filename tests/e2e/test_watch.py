"""`dfscan watch` as a user runs it."""

import json
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from scanner.database import schema
from scanner.database.models import Detection, File
from scanner.discovery.intake import take_in
from scanner.discovery.walk import Found
from scanner.roots.roots import add_roots

MakePicture = Callable[..., Path]


@pytest.fixture
def watched(dfscan, tmp_path: Path, wait_until) -> Path:
    """A watched folder, and another one beside it, with a worker that is ready."""
    folder = tmp_path / "watched"
    folder.mkdir()
    (tmp_path / "other").mkdir()
    dfscan.start("watch", folder, tmp_path / "other")
    wait_until(lambda: "worker ready" in dfscan.worker_log(), 120, "the worker")
    return folder


def detections(dfscan) -> int:
    with dfscan.database.read() as session:
        return session.scalar(select(func.count()).select_from(Detection)) or 0


def test_the_life_of_a_watched_folder(dfscan, watched: Path, tmp_path: Path, make_picture: MakePicture, wait_until) -> None:
    # Copied in, a whole folder moved in, written slowly.
    make_picture(watched / "copied.jpg", 1)
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    make_picture(tmp_path / "elsewhere" / "deep" / "moved in.png", 2)
    (tmp_path / "elsewhere").rename(watched / "elsewhere")
    content = make_picture(tmp_path / "slow.jpg", 3).read_bytes()
    with (watched / "slow.jpg").open("wb") as slow:
        for start in range(0, len(content), len(content) // 8):
            slow.write(content[start : start + len(content) // 8])
            slow.flush()
            time.sleep(2 if start == 0 else 0.3)  # once for longer than a file takes to settle
    names = {"copied.jpg", "moved in.png", "slow.jpg"}
    wait_until(lambda: dfscan.scored() == names, 60, "three verdicts")
    assert detections(dfscan) == 3

    # Renamed, if only in its case, or moved to another root: the verdict goes along and nothing is scored again.
    (watched / "copied.jpg").rename(watched / "renamed.jpg")
    (watched / "slow.jpg").rename(watched / "SLOW.jpg")
    (watched / "elsewhere" / "deep" / "moved in.png").rename(tmp_path / "other" / "moved on.png")
    wait_until(lambda: dfscan.scored() == {"renamed.jpg", "SLOW.jpg", "moved on.png"}, 60, "the renamed files' verdicts")
    assert detections(dfscan) == 3

    # Changed: scored anew.
    make_picture(watched / "renamed.jpg", 4)
    wait_until(lambda: detections(dfscan) == 4, 60, "the changed file's verdict")

    # Stopped: nothing stays leased.
    watch = dfscan.started[0]
    watch.send_signal(signal.SIGINT)
    assert watch.wait(120) == 0
    with dfscan.database.read() as session:
        assert session.scalar(select(func.count()).select_from(File).where(File.lease_owner.is_not(None))) == 0


def test_what_comes_while_nothing_watches_is_found_later(laptop, tmp_path: Path, make_picture: MakePicture, wait_until) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    make_picture(folder / "before.jpg", 1)
    laptop.run("db", "upgrade")  # makes the tables that are asked below
    watch = laptop.start("watch", folder)
    wait_until(lambda: laptop.scored() == {"before.jpg"}, 120, "the verdict on what was there")
    watch.kill()
    watch.wait()
    (folder / "before.jpg").unlink()
    make_picture(folder / "meanwhile.jpg", 2)
    laptop.start("watch")  # the folder is remembered
    wait_until(lambda: laptop.scored() == {"meanwhile.jpg"}, 120, "the verdict on what came meanwhile")
    assert laptop.statuses("--status", "missing") == {"before.jpg": "missing"}


def test_an_empty_and_a_broken_message_stop_nothing(laptop, tmp_path: Path, make_picture: MakePicture, wait_until) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    laptop.start("watch", folder)
    wait_until(lambda: "worker ready" in laptop.worker_log(), 120, "the worker")
    (laptop.data_dir / "queue" / "messages" / "1_a.dfscan.msg").touch()
    (laptop.data_dir / "queue" / "messages" / "1_b.dfscan.msg").write_text("{")
    make_picture(folder / "a.jpg")
    wait_until(lambda: laptop.scored() == {"a.jpg"}, 60, "the verdict")
    assert laptop.worker_log().count("worker ready") == 1  # it did not have to be restarted


def test_watch_without_a_folder_says_what_to_do(laptop, tmp_path: Path) -> None:
    assert "name one: dfscan watch" in laptop.run("watch", exit_status=2).stderr
    (tmp_path / "file").touch()
    assert "is not a folder" in laptop.run("watch", tmp_path / "file", exit_status=2).stderr


@pytest.mark.parametrize("is_there", [False, True])
def test_a_folder_is_forgotten(laptop, tmp_path: Path, make_picture: MakePicture, is_there: bool) -> None:
    """One deleted for good, as `verify` says how, and one that is only to be watched no more."""
    folder = tmp_path / "pics"
    folder.mkdir()
    picture = make_picture(folder / "a.jpg")
    now = datetime.now(UTC)
    schema.upgrade(laptop.database)
    [root] = add_roots(laptop.database, [str(folder)], now)
    take_in(laptop.database, [Found(str(picture), 1, 1)], root_id=root.id, now=now)
    if not is_there:
        picture.unlink()
        folder.rmdir()
        assert f"dfscan watch --forget {folder}" in laptop.run("verify", exit_status=2).stdout
    assert "watched no more" in laptop.run("watch", "--forget", folder).stderr
    assert json.loads(laptop.run("status", "--json").stdout)["roots"] == []
    assert laptop.statuses("--status", "missing") == ({} if is_there else {"a.jpg": "missing"})
    assert "is not watched" in laptop.run("watch", "--forget", folder, exit_status=2).stderr
    laptop.run("watch", "--forget", exit_status=2)
