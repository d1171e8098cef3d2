"""Decoder processes, and what they are given."""

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.inputs import Ready
from worker.decoding.limits import Limits
from worker.decoding.troubles import PoolBroke
from worker.detector.image.picture import PictureError

LIMITS = Limits(pixels=50_000_000, seconds=120, megabytes=3072)
SIZE = 64


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool(2, LIMITS) as decoders:
        decoders.warm_up()
        yield decoders


@pytest.fixture
def content(tmp_path: Path, make_picture: Callable[..., Path]) -> bytes:
    return make_picture(tmp_path / "good.jpg").read_bytes()


def decode(pool: DecoderPool, content: bytes) -> Ready | PictureError | PoolBroke:
    return pool.begin(content, SIZE).result()


def plain_png(side: int) -> bytes:
    """A black picture of `side` x `side` pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(side * 3 + 1)) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def decoder_processes(before: set[int]) -> list[psutil.Process]:
    """The decoders started since `before`: children of a child, the server that forks them."""
    here = psutil.Process()
    return [p for p in here.children(recursive=True) if p.pid not in before and p.ppid() != here.pid]


@pytest.fixture
def before() -> set[int]:
    """The processes there are already."""
    return {process.pid for process in psutil.Process().children(recursive=True)}
