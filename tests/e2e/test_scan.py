"""`dfscan scan` as a user runs it."""

import os
import signal
import socket
import struct
import subprocess
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select

from scanner.database.models import Content, Detection, File, Worker

VERDICT = (0, 1)
MakePicture = Callable[..., Path]


def test_every_picture_gets_a_verdict(dfscan, tmp_path: Path, make_picture: MakePicture) -> None:
    """Every picture gets a verdict and a second run scores nothing."""
    folder = tmp_path / "pictures"
    (folder / "deeper" / "still").mkdir(parents=True)
    for seed, name in enumerate(["a.jpg", "b.PNG", "deeper/c.webp", "deeper/d.gif", "deeper/still/e.bmp", "deeper/f.tiff"]):
        make_picture(folder / name, seed)
    (folder / "copy of a.jpg").write_bytes((folder / "a.jpg").read_bytes())
    (folder / "no suffix").write_bytes((folder / "b.PNG").read_bytes())
    (folder / "notes.txt").write_text("no picture")

    done = dfscan.run("scan", folder, exit_status=VERDICT)

    report = dfscan.report()
    assert report["totals"]["files"] == 8
    for item in report["items"]:
        assert item["state"] == "scored"
        assert item["label"] in ("fake", "uncertain", "real")
        assert 0 <= item["score"] <= 1
        assert item["model"] == "lite"
    assert (done.returncode == 1) == (report["totals"]["fake"] + report["totals"]["uncertain"] > 0)
    with dfscan.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Detection)) == 6  # one per content, not per file
        workers = session.scalar(select(func.count()).select_from(Worker))

    again = dfscan.run("scan", folder, exit_status=done.returncode)

    assert "0 new, 0 changed, 8 already known" in again.stderr
    with dfscan.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Detection)) == 6
        assert session.scalar(select(func.count()).select_from(Worker)) == workers  # not even started


def test_difficult_files_have_reasons(laptop, tmp_path: Path, make_picture: MakePicture) -> None:
    """Difficult files have a reason and the others a verdict."""
    folder = tmp_path / "difficult"
    folder.mkdir()
    whole = make_picture(folder / "good.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("I am no picture")
    (folder / "bomb.png").write_bytes(_png_bomb(30_000))
    os.mkfifo(folder / "fifo.jpg")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "here").symlink_to(folder)
    strange = os.fsencode(folder) + b"/new\nline 'quote\" \xff\xfe.jpg"
    make_picture(tmp_path / "strange.jpg", 5).rename(os.fsdecode(strange))

    done = laptop.run("scan", folder, exit_status=2)

    items = {os.fsencode(item["path"]): item for item in laptop.report()["items"]}
    assert items.pop(strange)["state"] == "scored"
    assert items.pop(os.fsencode(folder / "good.jpg"))["state"] == "scored"
    reasons = {os.path.basename(path).decode(): item["error"] for path, item in items.items()}
    assert set(reasons) == {"truncated.jpg", "empty.jpg", "text.jpg", "bomb.png", "fifo.jpg", "loop.jpg", "here"}
    assert "truncated" in reasons["truncated.jpg"]
    assert "0 bytes" in reasons["empty.jpg"]
    assert "no image" in reasons["text.jpg"]
    assert "30,000 x 30,000" in reasons["bomb.png"]
    assert "FIFO" in reasons["fifo.jpg"]
    assert "symbolic link" in reasons["loop.jpg"]
    assert "symbolic link" in reasons["here"]
    for reason in reasons.values():
        assert reason in done.stdout
    assert "\\n" in done.stdout  # the newline in the name does not break the table's lines


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_unreadable_file_is_retried(laptop, tmp_path: Path, make_picture: MakePicture) -> None:
    """An unreadable file has a reason and can be retried."""
    picture = make_picture(tmp_path / "locked.jpg")
    picture.chmod(0)
    laptop.run("scan", picture, exit_status=2)
    assert "Permission denied" in laptop.report()["items"][0]["error"]
    picture.chmod(0o600)
    laptop.run("retry")
    laptop.run("scan", picture, exit_status=VERDICT)
    assert laptop.report()["items"][0]["state"] == "scored"


def test_killed_worker_loses_nothing(laptop, tmp_path: Path, make_picture: MakePicture, wait_until) -> None:
    """Killing the worker in the middle loses nothing and scores nothing twice; with servers: `test_rounds_of_kill`."""
    folder = tmp_path / "many"
    folder.mkdir()
    for seed in range(160):
        make_picture(folder / f"{seed}.jpg", seed)
    laptop.run("db", "upgrade")  # makes the tables that are asked below
    scan = laptop.start("scan", folder)

    def scored() -> int:
        with laptop.database.read() as session:
            return session.scalar(select(func.count()).select_from(Detection)) or 0

    for at_least in (1, 60):
        wait_until(lambda at_least=at_least: scored() >= at_least or scan.poll() is not None, 120, f"{at_least} detections")
        for child in psutil.Process(scan.pid).children() if scan.poll() is None else []:
            child.send_signal(signal.SIGKILL)
    assert scan.wait(240) in (0, 1)
    with laptop.database.read() as session:
        assert session.scalar(select(func.count()).select_from(File).where(File.state == "scored")) == 160
        assert session.scalar(select(func.count()).select_from(Content)) == scored() == 160
    assert laptop.worker_log().count("worker ready") > 1  # it was killed indeed


def test_two_scans_at_once_share_the_work(laptop, tmp_path: Path, make_picture: MakePicture) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    for seed in range(80):
        make_picture(folder / f"{seed}.jpg", seed)
    scans = [laptop.start("scan", folder) for _ in range(2)]
    assert all(scan.wait(240) in (0, 1) for scan in scans)
    with laptop.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Detection)) == 80
        assert session.scalar(select(func.count()).select_from(File).where(File.state == "scored")) == 80


def test_originals_are_not_touched(laptop, tmp_path: Path, make_picture: MakePicture) -> None:
    folder = tmp_path / "originals"
    folder.mkdir()
    make_picture(folder / "a.jpg")
    make_picture(folder / "b.png", 1)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) for path in folder.iterdir()}
    laptop.run("scan", folder, exit_status=VERDICT)
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) for path in folder.iterdir()}


def test_what_stops_a_scan_says_what_to_do(laptop, tmp_path: Path, make_picture: MakePicture) -> None:
    picture = make_picture(tmp_path / "a.jpg")
    missing = laptop.run("scan", tmp_path / "nowhere", exit_status=2)
    assert "nowhere does not exist" in missing.stderr
    no_model = laptop.run("--model", "unknown", "scan", picture, exit_status=2)
    assert "there is no checkpoint named 'unknown'" in no_model.stderr
    no_device = laptop.run("scan", "--device", "cuda:7", picture, exit_status=2)
    assert "device 'cuda:7' is not available" in no_device.stderr
    for done in (missing, no_model, no_device):
        assert "Traceback" not in done.stderr
    # None of it was charged to the file.
    laptop.run("scan", picture, exit_status=VERDICT)
    assert laptop.report()["items"][0]["state"] == "scored"


def test_the_data_folder_may_not_be_writable(laptop, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    laptop.environment |= {"DFSCAN_DATA_DIR": str(tmp_path / "file" / "data"), "DFSCAN_DATABASE_URL": ""}
    done = laptop.run("report", exit_status=2)
    assert "cannot be made" in done.stderr
    assert "DFSCAN_DATA_DIR" in done.stderr


def test_no_connection_leaves_the_machine(laptop, tmp_path: Path, make_picture: MakePicture) -> None:
    picture = make_picture(tmp_path / "a.jpg")
    scan = laptop.start("scan", picture)
    seen = set()
    while scan.poll() is None:
        time.sleep(0.01)
        try:
            for process in [psutil.Process(scan.pid), *psutil.Process(scan.pid).children(recursive=True)]:
                seen |= {c for c in process.net_connections("inet") if c.family in (socket.AF_INET, socket.AF_INET6)}
        except psutil.Error:
            continue
    assert not seen


def _png_bomb(side: int) -> bytes:
    """A valid header of a huge PNG, and little behind it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(side * 3 + 1) * 100)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_the_supervisor_dying_takes_the_worker_along(laptop, tmp_path: Path, make_picture: MakePicture, wait_until) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    watch = laptop.start("watch", folder)
    wait_until(lambda: "worker ready" in laptop.worker_log(), 120, "the worker")
    children = psutil.Process(watch.pid).children(recursive=True)
    watch.kill()
    _, alive = psutil.wait_procs(children, timeout=120)
    assert not alive


def test_scan_reads_a_folder_it_may_not_write(laptop, tmp_path: Path, make_picture: MakePicture) -> None:
    folder = tmp_path / "read only"
    folder.mkdir()
    make_picture(folder / "a.jpg")
    folder.chmod(0o555)
    try:
        laptop.run("scan", folder, exit_status=VERDICT)
    finally:
        folder.chmod(0o755)
    assert subprocess.run(["ls", "-A", folder], capture_output=True, text=True, check=True).stdout.split() == ["a.jpg"]
