"""A paused container or a stopped worker: all processes stand still for longer than a picture may take."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

SECONDS = 5
PROGRAM = f"""
import sys, time
import psutil
from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.limits import Limits
content = open(sys.argv[1], "rb").read()
if __name__ == "__main__":
    with DecoderPool(2, Limits(10**9, {SECONDS}, 3072)) as pool:
        pool.warm_up()
        futures = [pool.begin(content, 64) for _ in range(6)]
        decoders = psutil.Process().children()[0].children()
        used = sum(decoder.cpu_times().user for decoder in decoders)
        while sum(decoder.cpu_times().user for decoder in decoders) < used + 0.05:
            time.sleep(0.01)
        print("begun", flush=True)
        print([type(future.result()).__name__ for future in futures], flush=True)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stops and finds the processes as Linux does")


def test_pictures_survive_a_pause_of_all_processes(tmp_path: Path, make_picture: Callable[..., Path]) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    picture = make_picture(tmp_path / "a.png", size=(6000, 6000), compress_level=1)
    with subprocess.Popen([sys.executable, str(program), str(picture)], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "begun\n"
        top = psutil.Process(worker.pid)
        family = [top, *top.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        time.sleep(SECONDS + 2)
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.resume()
        output, _ = worker.communicate(timeout=300)
    assert output == f"{['Ready'] * 6}\n"
