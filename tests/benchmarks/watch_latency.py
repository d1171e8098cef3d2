"""How long after a file is copied into a watched folder its verdict is in the database; model warm.

python tests/benchmarks/watch_latency.py [FILES]
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image
from sqlalchemy import func, select

from scanner.database.engine import Database, open_database
from scanner.database.models import File
from scanner.workers import live_workers


def main(files: int) -> None:
    """Copy files in one after the other, each once the one before has its verdict."""
    with tempfile.TemporaryDirectory() as place:
        folder, data = Path(place) / "watched", Path(place) / "data"
        folder.mkdir()
        environment = {**os.environ, "DFSCAN_DATA_DIR": str(data)}
        with (Path(place) / "log").open("w") as log:
            watch = subprocess.Popen([sys.executable, "-m", "scanner", "watch", str(folder)], env=environment, stderr=log)
        while not (data / "dfscan.sqlite").exists():
            time.sleep(0.1)
        time.sleep(1)
        database = open_database(f"sqlite:///{data / 'dfscan.sqlite'}")
        while not live_workers(database, datetime.now(UTC)):
            time.sleep(0.1)
        latencies = [latency(database, folder / f"{number}.jpg", number) for number in range(files + 1)][1:]
        stopping = time.perf_counter()
        watch.send_signal(signal.SIGINT)
        watch.wait()
        database.close()
        print(
            f"{files} files: median {statistics.median(latencies):.2f} s, slowest {max(latencies):.2f} s "
            f"from copied to verdict (settle time 2 s included); Ctrl-C to end {time.perf_counter() - stopping:.2f} s"
        )


def latency(database: Database, path: Path, seed: int) -> float:
    """Seconds from the end of writing to the verdict."""
    pixels = np.random.default_rng(seed).integers(0, 255, (16, 16, 3), np.uint8)
    Image.fromarray(pixels).resize((256, 256)).save(path)
    began = time.perf_counter()
    while True:
        with database.read() as session:
            query = select(func.count()).select_from(File).where(File.path == str(path), File.state == "scored")
            if session.scalar(query):
                return time.perf_counter() - began
        time.sleep(0.02)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
