"""Pictures to measure on, the same for the same number: face-sized JPEGs, and photos of 12 megapixels. None shows a person."""

import random
from io import BytesIO
from pathlib import Path
from typing import Any

from .face_composites import LARGE, background

FACE_SIZED = (256, 256)
# So many photos differ in what they show; the others repeat it in files of another content.
DISTINCT = 4
_START, _COMMENT = b"\xff\xd8", b"\xff\xfe"


def face_sized(number: int) -> bytes:
    """A JPEG of 256 x 256 pixels with the detail of a natural picture (about 18 KB)."""
    return _jpeg(number, FACE_SIZED)


def photo(number: int, **save: Any) -> bytes:
    """A JPEG of 4000 x 3000 pixels (about 3 MB), saved with `save` besides."""
    return _jpeg(number, LARGE, **save)


def write_face_sized(folder: Path, count: int) -> list[Path]:
    """`count` of them, each with a picture of its own."""
    folder.mkdir()
    return [_written(folder / f"{number:05}.jpg", face_sized(number)) for number in range(count)]


def write_photos(folder: Path, count: int) -> list[Path]:
    """`count` of them, each of its own content; they take turns in showing DISTINCT pictures, as making one takes a while."""
    folder.mkdir()
    shown = [photo(number) for number in range(min(count, DISTINCT))]
    return [_written(folder / f"{number:05}.jpg", _commented(shown[number % DISTINCT], number)) for number in range(count)]


def _jpeg(number: int, size: tuple[int, int], **save: Any) -> bytes:
    buffer = BytesIO()
    background(random.Random(number), size).save(buffer, "JPEG", quality=90, **save)
    return buffer.getvalue()


def _commented(jpeg: bytes, number: int) -> bytes:
    """The same picture with `number` in a comment (segment COM of ITU-T T.81), which decoders skip."""
    text = f"{number:08}".encode()
    return _START + _COMMENT + (2 + len(text)).to_bytes(2, "big") + text + jpeg.removeprefix(_START)


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
