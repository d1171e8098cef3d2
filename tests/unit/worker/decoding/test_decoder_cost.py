"""What a decoder process costs beside decoding."""

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.inputs import Ready
from worker.decoding.limits import Limits

PICTURES = 40


def noise(side: int) -> bytes:
    pixels = np.random.default_rng(side).integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).resize((side, side)).save(buffer, "JPEG")
    return buffer.getvalue()


def page_faults(pids: set[int]) -> int:
    """So many pages were asked of the kernel by these processes (proc_pid_stat(5), field 10)."""
    return sum(int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[7]) for pid in pids)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and only glibc is told to keep memory")
@pytest.mark.parametrize("side", [256, 900])
def test_memory_is_kept_for_the_next_picture(side: int) -> None:
    """A picture of 256 pixels took 210 new pages each time, given back and asked for anew."""
    content = noise(side)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with DecoderPool(1, Limits(10_000_000, 60.0, 2000)) as decoders:
        for _ in range(10):
            assert isinstance(decoders.begin(content, 192).result(), Ready)
        pids = {child.pid for child in psutil.Process().children(recursive=True)} - before
        faults = page_faults(pids)
        for _ in range(PICTURES):
            decoders.begin(content, 192).result()
        assert (page_faults(pids) - faults) / PICTURES < 20
