"""How quick the real window is with many flagged images whose thumbnails are cached: start, keys, scrolling, memory.

python tests/benchmarks/gui_queue.py [ROWS]
"""

import gc
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from sqlalchemy import insert

from scanner.database import schema
from scanner.database.engine import open_database
from scanner.database.models import Content, Detection, File, Model
from scanner.domain.prediction import Face, Prediction
from scanner.domain.states import Basis

STARTS = 5
KEYS = 60
SCROLL_SECONDS = 10.0
PICTURES = 400


def main(rows: int) -> None:
    """Fill a data folder, then drive the window in processes of its own."""
    with tempfile.TemporaryDirectory() as folder:
        make_pictures(Path(folder), rows)
        fill_database(Path(folder), rows)
        for _ in range(STARTS):
            subprocess.run([sys.executable, __file__, "start", folder], check=True)
        subprocess.run([sys.executable, __file__, "drive", folder], check=True)


def make_pictures(folder: Path, rows: int) -> None:
    """`rows` files; some hundred real pictures, which the others are hard links to, and a thumbnail of each."""
    from gui.media.judged_pictures import JudgedPictures
    from gui.media.thumbnail_cache import ThumbnailCache

    pictures = folder / "pictures"
    pictures.mkdir()
    cache = ThumbnailCache(folder / "thumbnails", JudgedPictures(lambda _: None), cap_bytes=100 << 30)
    for number in range(PICTURES):
        noise = Image.frombytes("RGB", (32, 24), os.urandom(2304)).resize((1024, 768), Image.Resampling.BICUBIC)
        noise.save(pictures / f"{number}.jpg", quality=85)
    sources = [pictures / f"{number % PICTURES}.jpg" for number in range(rows)]
    kept = folder / "thumbnails" / "large"
    for number in range(PICTURES, rows):
        os.link(sources[number], pictures / f"{number}.jpg")
    for number in range(PICTURES):  # a link changes its file's ctime
        cache.thumbnail(str(sources[number]))
    for number in range(PICTURES, rows):
        link = pictures / f"{number}.jpg"
        thumbnail = kept / (hashlib.md5(link.as_uri().encode(), usedforsecurity=False).hexdigest() + ".png")
        _mark(kept, sources[number], link, thumbnail)


def fill_database(folder: Path, rows: int) -> None:
    """`rows` flagged files, each with a content of its own, a face, and a fingerprint."""
    now = datetime.now(UTC)
    pictures = folder / "pictures"
    database = open_database(f"sqlite:///{folder / 'dfscan.sqlite'}")
    schema.upgrade(database)
    ids = range(1, rows + 1)
    scored = {"model_id": 1, "threshold": 0.75, "band_low": 0.5, "device": "cpu", "scanned_at": now, "seconds": 0.01}
    prediction = Prediction(Basis.FACES, (Face((300, 200, 200, 260), 0.9, 0.8),), branches={"clip": 0.5, "resnet": 0.6}).to_json()
    contents = [
        {
            "id": i,
            "sha256": f"{i:064x}",
            "size": 1,
            "fingerprint": int.from_bytes(os.urandom(8), "big", signed=True),
            "first_seen_at": now,
        }
        for i in ids
    ]
    with database.write() as session:
        session.execute(insert(Model), [{"id": 1, "sha256": "m" * 64, "name": "lite", "card": {}, "first_used_at": now}])
        session.execute(insert(Content), contents)
        labelled = [(i, 0.5 + (i * 7919 % rows) / rows / 2) for i in ids]
        session.execute(
            insert(Detection),
            [
                {
                    "id": i,
                    "content_id": i,
                    "made_with": "faces",
                    "score": s,
                    "label": "fake" if s >= 0.75 else "uncertain",
                    **scored,
                    **prediction,
                }
                for i, s in labelled
            ],
        )
        files = {"size": 1, "mtime_ns": 1, "state": "scored", "finished_at": now}
        session.execute(
            insert(File),
            [{"id": i, "path": str(pictures / f"{i - 1}.jpg"), "content_id": i, "detection_id": i, **files} for i in ids],
        )
    database.close()


def _mark(kept: Path, source: Path, link: Path, thumbnail: Path) -> None:
    """The source's thumbnail once more, marked as that of `link`: the mark is an uncompressed chunk of the PNG."""
    import zlib

    stored = (kept / (hashlib.md5(source.as_uri().encode(), usedforsecurity=False).hexdigest() + ".png")).read_bytes()
    at = stored.index(b"tEXtThumb::URI\0")
    length = int.from_bytes(stored[at - 4 : at], "big")
    body = b"tEXtThumb::URI\0" + link.as_uri().encode()
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    thumbnail.write_bytes(stored[: at - 4] + chunk + stored[at + 4 + length + 4 :])


def start(folder: str) -> None:
    """From the process's first line (imports included) until the first picture, its thumbnail and its details are in sight."""
    began = time.perf_counter()
    window, process_events = _window(folder)
    usable = began
    while not (window.view and window.presenter.model.rowCount() and window.view.review.current()):
        process_events()
    usable = time.perf_counter()
    while not window.view.review.details.toPlainText():
        process_events()
    print(f"usable window after {usable - began:.2f} s, details after {time.perf_counter() - began:.2f} s", flush=True)
    _close(window, process_events)


def drive(folder: str) -> None:
    """Keys and scrolling, with a timer that notices when the event loop does not come round."""
    import psutil
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    window, process_events = _window(folder)
    while not (window.view and window.presenter.model.rowCount() and window.view.review.current()):
        process_events()
    _idle(process_events, 2.0)
    page = window.view.review

    def next_image(key: str) -> float:
        path = page.current().path
        began = time.perf_counter()
        QTest.keyClick(page.grid, key)
        while page.current() is None or page.current().path == path or page.look.preview._image.isNull():
            process_events()
        page.look.preview.repaint()
        return time.perf_counter() - began

    for key, name in (("j", "next image (J)"), ("f", "decide and next image (F)")):
        times = []
        for _ in range(KEYS):
            times.append(next_image(key))
            _idle(process_events, 0.05)
        print(f"{name:28} median {1000 * statistics.median(times):.1f} ms, slowest {1000 * max(times):.1f} ms", flush=True)
    blocks = []
    bar = page.grid.verticalScrollBar()
    end = time.perf_counter() + SCROLL_SECONDS
    while time.perf_counter() < end:
        began = time.perf_counter()
        bar.setValue(bar.value() + 90)
        process_events()
        blocks.append(time.perf_counter() - began)
        time.sleep(0.004)
    worst = sorted(blocks)[-1]
    late = 1000 * sorted(blocks)[int(len(blocks) * 0.99)]
    print(f"scrolling, {page.model.rowCount():,} rows loaded: longest turn of the loop {1000 * worst:.1f} ms, 99 % {late:.1f} ms")
    began = time.perf_counter()
    longest = 0.0
    QTest.keyClick(page.grid, Qt.Key.Key_End)
    while not page.model.is_complete:
        turn = time.perf_counter()
        process_events()
        longest = max(longest, time.perf_counter() - turn)
    took = time.perf_counter() - began
    print(f"to the end: {page.model.rowCount():,} rows in {took:.1f} s, longest turn of the loop {1000 * longest:.1f} ms")
    print(f"memory: {psutil.Process().memory_info().rss / 1e6:.0f} MB")
    _close(window, process_events)


def _window(folder: str):  # type: ignore[no-untyped-def]
    gc.set_threshold(50_000, 20, 100)  # as the command does
    gc.disable()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    from gui.media.judged_pictures import JudgedPictures
    from gui.window import main_window
    from gui.window.main_window import MainWindow
    from scanner.base.settings import Settings

    gc.freeze()  # as the command does
    gc.enable()
    app = QApplication([])
    app.setStyle("Fusion")
    # Its pictures are hard links of a few, with contents that are numbers: none is what was judged.
    main_window.judged_in = lambda _: JudgedPictures(lambda _: None)  # type: ignore[attr-defined]
    window = MainWindow(Settings(data_dir=Path(folder)), lambda: datetime.now(UTC))
    window.application = app  # Qt needs it for as long as there is a window
    window.show()
    window.open()

    def process_events() -> None:
        app.processEvents()
        time.sleep(0.001)  # as an event loop does: waiting, it lets the other threads work

    return window, process_events


def _idle(process_events, seconds: float) -> None:  # type: ignore[no-untyped-def]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        process_events()
        time.sleep(0.002)


def _close(window, process_events) -> None:  # type: ignore[no-untyped-def]
    window.close()
    process_events()


if __name__ == "__main__":
    if sys.argv[1:2] == ["start"]:
        start(sys.argv[2])
    elif sys.argv[1:2] == ["drive"]:
        drive(sys.argv[2])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
