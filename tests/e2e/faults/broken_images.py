"""Broken, hostile and odd images, the same ones for the same seed: `write(folder, count, seed)`."""

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from PIL import Image

# Format, suffix, and how it is saved.
WHOLE = (
    ("JPEG", "jpg", {"quality": 90}),
    ("JPEG", "jpeg", {"progressive": True, "quality": 75}),
    ("PNG", "png", {}),
    ("PNG", "apng", {"save_all": True, "frames": 3}),
    ("WEBP", "webp", {"lossless": True}),
    ("WEBP", "webp", {"quality": 60}),
    ("GIF", "gif", {"save_all": True, "frames": 4}),
    ("BMP", "bmp", {}),
    ("TIFF", "tiff", {"compression": "tiff_lzw"}),
    ("TIFF", "tif", {}),
    ("AVIF", "avif", {"quality": 50}),
)
HUGE = 65_500


def write(folder: Path, count: int, seed: int = 4) -> list[Path]:
    """Write `count` of them; returns their paths."""
    paths = []
    for number, (name, suffix, content) in enumerate(islice(_all(random.Random(seed)), count)):
        paths.append(folder / f"{number:04}-{name}.{suffix}")
        paths[-1].write_bytes(content)
    return paths


def _all(rng: random.Random) -> Iterator[tuple[str, str, bytes]]:
    """A hostile one and two damaged ones in turn, so that a short list has some of everything."""
    damaged = _damaged(rng)
    for hostile in _hostile():
        yield hostile
        yield next(damaged)
        yield next(damaged)
    yield from damaged


def _damaged(rng: random.Random) -> Iterator[tuple[str, str, bytes]]:
    kinds: tuple[Callable[[random.Random, bytes], bytes], ...] = (_truncated, _flipped, _holed, _doubled, _stretched, _shuffled)
    for seed in cycle(range(10_000)):
        whole = [(form, suffix, _whole(form, how, seed)) for form, suffix, how in WHOLE]
        for kind in kinds:
            for form, suffix, content in whole:
                yield f"{kind.__name__[1:]}-{form.lower()}", suffix, kind(rng, content)
        for form, _, content in whole:
            yield f"misnamed-{form.lower()}", rng.choice(["jpg", "png", "gif", "heic", "tif"]), content


def _whole(form: str, how: dict[str, object], seed: int) -> bytes:
    generator = np.random.default_rng(seed)
    frames = [
        Image.fromarray(generator.integers(0, 255, (8, 8, 3), np.uint8)).resize((160, 120), Image.Resampling.BICUBIC)
        for _ in range(int(str(how.get("frames", 1))))
    ]
    save = {name: value for name, value in how.items() if name != "frames"}
    if len(frames) > 1:
        save["append_images"] = frames[1:]
    buffer = BytesIO()
    frames[0].save(buffer, form, **save)
    return buffer.getvalue()


def _truncated(rng: random.Random, content: bytes) -> bytes:
    """Cut at a boundary of a format (a marker, a chunk, a page of a disk), in a header, or anywhere."""
    names = (b"IDAT", b"IEND", b"mdat", b"VP8L")
    marks = [at for at in range(len(content) - 1) if content[at] == 0xFF or content[at : at + 4] in names]
    cuts = [0, 1, 2, 11, 12, 32, 33, len(content) - 1, len(content) // 2, 4096 % len(content), rng.randrange(len(content))]
    return content[: rng.choice([*cuts, *(rng.sample(marks, min(8, len(marks))))])]


def _flipped(rng: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    reach = rng.choice([64, len(changed)])
    for _ in range(rng.choice([1, 8, 64])):
        changed[rng.randrange(min(reach, len(changed)))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _holed(rng: random.Random, content: bytes) -> bytes:
    """A block of zeros: what a copy that was broken off leaves."""
    start = rng.randrange(len(content))
    return content[:start] + bytes(min(4096, len(content) - start)) + content[start + 4096 :]


def _doubled(_: random.Random, content: bytes) -> bytes:
    return content + b"PK\3\4" + content


def _stretched(rng: random.Random, content: bytes) -> bytes:
    """Two bytes somewhere in the header say much more than is there."""
    at = rng.randrange(8, min(40, len(content) - 2))
    return content[:at] + b"\xff\xff" + content[at + 2 :]


def _shuffled(rng: random.Random, content: bytes) -> bytes:
    middle = len(content) // 2
    body = bytearray(content[middle:])
    rng.shuffle(body)
    return content[:middle] + bytes(body)


def _hostile() -> Iterator[tuple[str, str, bytes]]:
    """Made by hand: bombs, chunks that lie, metadata that bites, and what is no image at all."""
    row = zlib.compress(bytes(30_001 * 50), 9)
    yield "bomb", "png", _png((30_000, 30_000), [(b"IDAT", row)])
    yield "bomb-grey", "png", _png((20_000, 20_000), [(b"IDAT", zlib.compress(bytes(20_001 * 500), 9))], colour=0)
    bomb = zlib.compress(bytes(200 << 20), 9)
    for kind, head in ((b"iCCP", b"icc\0\0"), (b"zTXt", b"Comment\0\0"), (b"iTXt", b"Comment\0\1\0\0\0")):
        yield f"bomb-{kind.decode()}", "png", _png((8, 8), [(kind, head + bomb), (b"IDAT", zlib.compress(bytes(25 * 8)))])
    yield "text-flood", "png", _png((8, 8), [(b"tEXt", b"k\0" + b"x" * 5000)] * 2000 + [(b"IDAT", zlib.compress(bytes(25 * 8)))])
    yield "long-chunk", "png", _png((8, 8), [])[:33] + struct.pack(">I", 0xFFFFFFFF) + b"IDAT" + b"x" * 100
    yield "no-pixels", "png", _png((0, 0), [(b"IDAT", zlib.compress(b""))])
    yield "two-headers", "png", _png((8, 8), [(b"IHDR", struct.pack(">IIBBBBB", HUGE, HUGE, 16, 6, 0, 0, 0))])
    yield "bad-palette", "png", _png((8, 8), [(b"PLTE", b"x" * 5), (b"IDAT", zlib.compress(bytes(9 * 8)))], colour=3)
    frame = b",\0\0\0\0" + struct.pack("<HHB", HUGE, HUGE, 0) + b"\x08\x01x\0;"
    yield "bomb", "gif", b"GIF89a" + struct.pack("<HHBBB", HUGE, HUGE, 0, 0, 0) + frame
    for name, width, height in (("bomb", HUGE, -HUGE), ("negative", -8, -8)):
        sides = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
        yield name, "bmp", b"BM" + struct.pack("<IHHI", 1000, 0, 0, 54) + sides
    yield "loop", "tif", b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + struct.pack("<HHII", 256, 4, 1, HUGE) + struct.pack("<I", 8)
    yield "many-entries", "tif", b"II*\0\x08\0\0\0" + struct.pack("<H", 0xFFFF) + b"\1" * 400
    plain = _whole("JPEG", {}, 1)
    for name, exif in _exifs():
        yield f"exif-{name}", "jpg", plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]
    yield "icc-junk", "jpg", plain[:2] + b"\xff\xe2" + struct.pack(">H", 2000) + b"ICC_PROFILE\0\1\xff" + b"z" * 1984 + plain[2:]
    yield "app-flood", "jpg", plain[:2] + (b"\xff\xe1" + struct.pack(">H", 0xFFFF) + b"y" * 0xFFFD) * 200 + plain[2:]
    yield "huge-sides", "jpg", _with_sides(plain, HUGE, HUGE)
    yield "no-sides", "jpg", _with_sides(plain, 0, 0)
    for name, content in (
        ("postscript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n"),
        ("svg", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://192.0.2.1/x"/></svg>'),
        ("pdf", b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n"),
        ("zip", b"PK\3\4" + bytes(100)),
        ("elf", b"\x7fELF" + bytes(100)),
        ("zeros", bytes(70_000)),
        ("nothing", b""),
    ):
        for suffix in ("jpg", "png", "webp", "avif", "heic"):
            yield name, suffix, content


def _png(sides: tuple[int, int], chunks: list[tuple[bytes, bytes]], colour: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", *sides, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in [(b"IHDR", header), *chunks, (b"IEND", b"")])


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _with_sides(jpeg: bytes, width: int, height: int) -> bytes:
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def _exifs() -> Iterator[tuple[str, bytes]]:
    def exif(*entries: tuple[int, int, int, int], following: int = 0) -> bytes:
        packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
        return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + struct.pack("<I", following)

    yield "orientation-99", exif((274, 3, 1, 99))
    yield "orientation-text", exif((274, 2, 4, 0x41414141))
    yield "loop", exif((34665, 4, 1, 8), following=8)
    yield "far-away", exif((270, 2, 0xFFFFFFFF, 0xFFFFFFF0))
    yield "many", exif(*[(270 + number, 7, 0x7FFFFFFF, number) for number in range(4000)])
    yield "junk", b"Exif\0\0" + b"\xde\xad" * 20_000
    yield "empty", b"Exif\0\0"
