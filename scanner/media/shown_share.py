"""How much of a damaged picture viewers still show."""

import zlib
from hashlib import sha256
from io import BytesIO

from PIL import Image, ImageChops

from .png_chunks import SIGNATURE, chunks

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PIECE = 1 << 10
# What a scan of a JPEG is continued with, to see where the file says nothing of its own: anything without a marker.
_NOISE = b"".join(sha256(bytes([number])).digest() for number in range(128)).replace(b"\xff", b"\xaa")
_JPEG_END = b"\xff\xd9"


def shown_share(content: bytes) -> float:
    """The part of the rows, 0..1, that a mended PNG or JPEG (`mending.mended`) has; of others, all."""
    if content.startswith(SIGNATURE):
        return _of_png(content)
    return _of_jpeg(content) if content.startswith(b"\xff\xd8") else 1.0


def _of_png(content: bytes) -> float:
    wanted, unpacked, unpacker = 0, 0, zlib.decompressobj()
    for chunk in chunks(content):
        body = memoryview(content)[chunk.start : chunk.start + chunk.length]
        if chunk.kind == b"IHDR" and len(body) >= 10:
            width, height, bits, colours = int.from_bytes(body[:4]), int.from_bytes(body[4:8]), body[8], body[9]
            wanted = height * (1 + -(-width * bits * _CHANNELS.get(colours, 4) // 8))
        if chunk.kind == b"IDAT":
            try:
                # Little by little: what is before a damage is told only if it was asked for by itself.
                for at in range(0, len(body), _PIECE):
                    unpacked += len(unpacker.decompress(body[at : at + _PIECE]))
            except zlib.error:
                break
    return min(1.0, unpacked / wanted) if wanted else 0.0


def _of_jpeg(content: bytes) -> float:
    """Two ways of going on where it is cut off: above the first row in which they differ it says all itself."""
    begun = content.removesuffix(_JPEG_END)
    first, second = (_small(begun + tail) for tail in (_JPEG_END, _NOISE + _JPEG_END))
    differ = ImageChops.difference(first, second).getbbox()
    return differ[1] / first.height if differ else 1.0


def _small(content: bytes) -> Image.Image:
    picture = Image.open(BytesIO(content), formats=["JPEG"])
    picture.draft("RGB", (picture.width // 8, picture.height // 8))
    return picture.convert("L")
