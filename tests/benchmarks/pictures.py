"""Pictures to measure on, the same for the same number: face-sized JPEGs, photos of 12 megapixels, and such with faces.

None shows a person, but those with faces: they are made of the samples, whose one real person is an astronaut (NASA).
"""

import random
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .face_composites import LARGE, background

FACE_SIZED = (256, 256)
# So many photos differ in what they show; the others repeat it in files of another content.
DISTINCT = 4
_SAMPLES = Path(__file__).parents[2] / "samples"
_START, _COMMENT = b"\xff\xd8", b"\xff\xfe"


def face_sized(number: int) -> bytes:
    """A JPEG of 256 x 256 pixels with the detail of a natural picture (about 18 KB)."""
    return _jpeg(number, FACE_SIZED)


def photo(number: int, **save: Any) -> bytes:
    """A JPEG of 4000 x 3000 pixels (about 3 MB), saved with `save` besides."""
    return _jpeg(number, LARGE, **save)


def scene(number: int) -> bytes:
    """A JPEG of 4000 x 3000 pixels: a sample photograph enlarged, with four heads of 100 to 600 pixels, and a sensor's grain."""
    rng = random.Random(number)
    with Image.open(_SAMPLES / "real-coffee.jpg") as cup, Image.open(_SAMPLES / "real-astronaut-face.jpg") as face:
        width, height = cup.width * 3 // 4, cup.width * 9 // 16
        left, top = rng.randrange(cup.width - width + 1), rng.randrange(max(1, cup.height - height + 1))
        ground = cup.convert("RGB").crop((left, top, left + width, min(cup.height, top + height)))
        picture, head = ground.resize(LARGE, Image.Resampling.BICUBIC), face.convert("RGB")
    for place in range(4):
        side = round(100 * 6 ** rng.random())
        x, y = (rng.randrange(half - side) + half * (place // by % 2) for half, by in ((LARGE[0] // 2, 1), (LARGE[1] // 2, 2)))
        picture.paste(head.resize((side, side), Image.Resampling.LANCZOS), (x, y))
    grain = np.random.default_rng(number).normal(0, 4, (LARGE[1], LARGE[0], 1))
    buffer = BytesIO()
    Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def write_face_sized(folder: Path, count: int) -> list[Path]:
    """`count` of them, each with a picture of its own."""
    folder.mkdir()
    return [_written(folder / f"{number:05}.jpg", face_sized(number)) for number in range(count)]


def write_photos(folder: Path, count: int, make: Callable[[int], bytes] = photo) -> list[Path]:
    """`count` of them, each of its own content; they take turns in showing DISTINCT pictures, as making one takes a while."""
    folder.mkdir()
    shown = [make(number) for number in range(min(count, DISTINCT))]
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
