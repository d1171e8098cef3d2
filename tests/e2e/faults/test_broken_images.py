"""Hundreds of broken images, and decoders that crash, hang and eat memory: each costs itself, and has a reason."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
from broken_images import write
from guard import waits
from guard.faults import EAT, HANG, SEGFAULT

DECODER_MEGABYTES = 1024
WORKER_MEGABYTES = 4096


def test_every_broken_image_has_a_verdict_or_a_reason(
    laptop, originals: Path, seal: Callable[[], None], make_picture: Callable[..., Path], scaled: Callable[[int, int], int]
) -> None:
    broken = write(originals, scaled(300, 60))
    marks = {"segfault": SEGFAULT, "hang": HANG, "eat": EAT}
    for number, (name, mark) in enumerate(marks.items()):
        picture = make_picture(originals / f"{name}.png", 1000 + number)
        picture.write_bytes(picture.read_bytes() + mark)
    good = [make_picture(originals / f"good{number}.jpg", 2000 + number) for number in range(5)]
    seal()
    laptop.environment |= {
        "DFSCAN_TEST_FAULTS": "1",
        "DFSCAN_DECODE_MEGABYTES": str(DECODER_MEGABYTES),
        "DFSCAN_DECODE_SECONDS": "10",
    }
    most = _scan_and_measure(laptop, originals)

    items = {Path(item["path"]).name: item for item in laptop.report()["items"]}
    assert len(items) == len(broken) + len(marks) + len(good)
    for name, item in items.items():
        assert item["state"] in ("scored", "failed"), name
        assert item["state"] == "scored" or item["error"], name
    assert {items[path.name]["state"] for path in good} == {"scored"}
    assert "decoder process died (Segmentation fault)" in items["segfault.png"]["error"]
    assert "took longer than 10 s" in items["hang.png"]["error"]
    assert f"more than {DECODER_MEGABYTES} MB" in items["eat.png"]["error"]
    assert laptop.worker_log().count("worker ready") == 1  # not one of them cost the worker
    assert max(most.values()) < WORKER_MEGABYTES, most
    assert "0 unexplained" in laptop.run("verify", originals).stdout


def test_the_worker_itself_may_die_hang_or_grow(
    laptop, originals: Path, seal: Callable[[], None], make_picture: Callable[..., Path]
) -> None:
    names = ["kills the worker.png", "hangs the worker.png", *(f"leaks {number}.png" for number in range(2)), "a.png", "b.png"]
    for number, name in enumerate(names):
        make_picture(originals / name, number)
    seal()
    laptop.environment |= {
        "DFSCAN_TEST_FAULTS": "1",
        "DFSCAN_FILE_SECONDS": "5",
        waits.VARIABLE: "1",
        "DFSCAN_MAX_ATTEMPTS": "3",  # in one batch both are charged for the death; tried twice, each is taken alone
        "DFSCAN_WORKER_MEGABYTES": "1",  # raised to a quarter above what the model needs
        "DFSCAN_BATCH_SIZE": "2",
    }
    done = laptop.run("scan", originals, exit_status=2, timeout=900)

    items = {Path(item["path"]).name: item for item in laptop.report()["items"]}
    for name in ("kills the worker.png", "hangs the worker.png"):
        item = items.pop(name)
        assert (item["error"] or "").startswith("given up after 3 tries"), (item, done.stderr, laptop.worker_log())
    assert {item["state"] for item in items.values()} == {"scored"}, items
    log = laptop.worker_log()
    assert re.search(r"grown .*beyond", log)
    assert re.search(r"reading .*hangs the worker.png has taken", log)


def _scan_and_measure(laptop, folder: Path) -> dict[int, int]:
    """Scan to the end; the most resident memory (MiB) that each process under it has had, by pid."""
    scan: subprocess.Popen[str] = laptop.start("scan", folder)
    most: dict[int, int] = {}
    while scan.poll() is None:
        try:
            for process in psutil.Process(scan.pid).children(recursive=True):
                most[process.pid] = max(most.get(process.pid, 0), process.memory_info().rss >> 20)
            scan.wait(0.2)
        except (psutil.Error, subprocess.TimeoutExpired):
            continue
    assert scan.returncode == 2  # some failed, as they must
    return most
