"""RAW files of cameras: told from plain TIFF by content, and the JPEG preview that the camera put into them.

Most are TIFF (TIFF/EP, ISO 12234-2; DNG specification 1.7) with tags of their own; others only look like it, or have boxes
like MP4 (CR3). Where the preview lies differs from maker to maker, so it is looked for by what a JPEG is (ITU-T T.81, B.1).
"""

import struct
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from PIL.Image import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from .formats import HEAD, image_format

# Pixels of the longer side: a smaller preview is a thumbnail, and is not judged in place of the picture.
SMALLEST_PREVIEW = 640
_ORIENTATION, _PHOTOMETRIC, _SUB_IFDS, _DNG_VERSION = 0x0112, 0x0106, 0x014A, 0xC612
_SENSOR_VALUES = {32803, 34892}  # colour filter array, linear raw
_DIRECTORIES = 16
_START = b"\xff\xd8\xff"
_CANDIDATES = 10_000
# Markers of frames that any decoder reads: baseline, extended, progressive. Raw values are often lossless JPEG (0xC3).
_FRAMES, _OTHER_FRAMES = {0xC0, 0xC1, 0xC2}, {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xDA)}
_SCAN = 0xDA


def is_raw(file: BinaryIO) -> bool:
    """Whether `file` is RAW. Broken files are not."""
    file.seek(0)
    named = image_format(file.read(HEAD))
    if named != "TIFF":
        return named == "RAW"
    return any(_DNG_VERSION in tags or tags.get(_PHOTOMETRIC) in _SENSOR_VALUES for tags in _directories(file))


def embedded_preview(file: BinaryIO) -> bytes | None:
    """The largest JPEG in a RAW file, or None when none reaches SMALLEST_PREVIEW. What follows the JPEG is left on."""
    file.seek(0)
    content = file.read()
    found = max(_jpegs(content), default=None)
    return content[-found[1] :] if found is not None and found[2] >= SMALLEST_PREVIEW else None


def turn_like(preview: Image, file: BinaryIO) -> None:
    """Give `preview` the EXIF orientation of the RAW `file` it comes from, unless it has one of its own."""
    exif = preview.getexif()
    if _ORIENTATION not in exif:
        exif[_ORIENTATION] = next((tags.get(_ORIENTATION, 1) for tags in _directories(file)), 1)


def _directories(file: BinaryIO) -> Iterator[ImageFileDirectory_v2]:
    """The TIFF directories of `file`, the first one first, as far as they can be read."""
    try:
        file.seek(0)
        head = file.read(1 << 16)
        if head[4:8] == b"ftyp":  # CR3 has its TIFF tags in a box
            at = head.index(b"CMT1") + 4
            file, head = BytesIO(head[at:]), head[at:]
        order = b"MM\0*" if head[:2] == b"MM" else b"II*\0"
        # ORF and RW2 have numbers of their own where TIFF has 42.
        start = head[:16] if head[2:3] == b"+" or head[3:4] == b"+" else order + head[4:8]
        waiting = [ImageFileDirectory_v2(start).next]
        for _ in range(_DIRECTORIES):
            if not waiting:
                return
            tags = ImageFileDirectory_v2(start)
            file.seek(waiting.pop(0))
            tags.load(file)
            yield tags
            below = tags.get(_SUB_IFDS, ())
            waiting += [tags.next] if tags.next else []
            waiting += below if isinstance(below, tuple) else [below]
    except Exception:  # hostile bytes raise nearly anything; what could be read has been
        return


def _jpegs(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Pixels, distance from the end, and longer side of each JPEG in `content`."""
    at = content.find(_START)
    for _ in range(_CANDIDATES):
        if at < 0:
            return
        size = _jpeg_size(content, at)
        if size is not None:
            yield size[0] * size[1], len(content) - at, max(size)
        at = content.find(_START, at + 1)


def _jpeg_size(content: bytes, at: int) -> tuple[int, int] | None:
    """Width and height of the JPEG that starts there, or None when it is none that decoders read."""
    at += 2
    size = None
    while at + 10 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _OTHER_FRAMES or marker in _WITHOUT_LENGTH:
            return None
        if marker == _SCAN:
            return size
        if marker in _FRAMES:
            precision, height, width = struct.unpack_from(">BHH", content, at + 4)
            if precision != 8 or not width or not height:
                return None
            size = width, height
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return None
