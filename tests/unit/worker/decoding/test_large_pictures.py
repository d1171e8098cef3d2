"""Pictures below the documented limit of pixels are decoded within the documented memory."""

import lzma
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.base.settings import Settings
from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.inputs import Ready
from worker.decoding.limits import Limits

FILES = Path(__file__).parents[3] / "files"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", name="pool")
def _pool() -> Iterator[DecoderPool]:
    settings = Settings(Path())
    limits = Limits(int(settings.max_megapixels * 1e6), 300, settings.decode_megabytes)
    with DecoderPool(1, limits, faces=True) as decoders:
        yield decoders


def test_a_heic_of_200_megapixels(pool: DecoderPool) -> None:
    """Of 4096 x 4096 tiles of one colour, as phones store them."""
    ready = pool.begin(lzma.decompress((FILES / "heic_201_megapixels.xz").read_bytes()), 224).result()
    assert isinstance(ready, Ready), ready
    assert (ready.format, ready.width, ready.height) == ("HEIF", 16384, 12288)


@pytest.mark.parametrize(("bits", "colours", "pixel"), [(8, 6, b"\xc8\x28\x1e\xff"), (16, 0, b"\xc8\x28")])
def test_a_png_of_240_megapixels(pool: DecoderPool, bits: int, colours: int, pixel: bytes) -> None:
    """With transparency, and of deep grey: what takes steps on the way to RGB."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    width, height = 16000, 15000
    packer, row = zlib.compressobj(1), b"\0" + pixel * width
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    ready = pool.begin(content, 224).result()
    assert isinstance(ready, Ready), ready
    assert ready.inputs[0].image_HWC[9, 9].tolist() == ([200, 40, 30] if colours else [200, 200, 200])
