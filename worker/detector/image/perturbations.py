"""Mild changes that any image may go through without looking different: a sound label survives them.

Training chooses thresholds by them, the worker tries flagged images under them, `dfscan explain` shows them. Imports no torch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .preprocess import to_square


@dataclass(frozen=True)
class Condition:
    """One way to change an upright RGB picture, giving the bytes of a new file.

    `does` says it in words. `change` can be sent to another process. Where its file loses nothing, `unsaved` gives what is in it.
    """

    name: str
    does: str
    change: Callable[[Image.Image], bytes]
    unsaved: Callable[[Image.Image], Image.Image] | None = None


def mild_conditions() -> tuple[Condition, ...]:
    """JPEG of quality 90; both sides times 0.9."""
    return jpeg(90), resized(0.9)


def under(condition: Condition, image_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A square network input (uint8 HWC) as it would be, had it gone through `condition`; of the same size."""
    image = Image.fromarray(image_HWC)
    if condition.unsaved:  # writing a PNG and reading it takes ten times as long as resizing
        return to_square(condition.unsaved(image), len(image_HWC))
    with Image.open(BytesIO(condition.change(image))) as changed:
        return to_square(changed.convert("RGB"), len(image_HWC))


def jpeg(quality: int) -> Condition:
    """Recompression."""
    return Condition(f"JPEG {quality}", f"saved as JPEG, quality {quality}, 4:2:0", partial(saved, "JPEG", quality))


def resized(factor: float) -> Condition:
    """Shrinking or enlarging."""
    does = f"both sides times {factor:g} (bicubic), saved as PNG"
    return Condition(f"resize {factor:g}", does, partial(_scaled_file, factor), partial(scaled, factor=factor))


def saved(form: Literal["JPEG", "WEBP"], quality: int, picture: Image.Image) -> bytes:
    """A lossy file of `picture`."""
    buffer = BytesIO()
    options = {"subsampling": "4:2:0"} if form == "JPEG" else {}
    picture.save(buffer, form, quality=quality, **options)
    return buffer.getvalue()


def lossless(picture: Image.Image) -> bytes:
    """A PNG of `picture`."""
    buffer = BytesIO()
    picture.save(buffer, "PNG", compress_level=1)  # quick: it is read once
    return buffer.getvalue()


def scaled(picture: Image.Image, factor: float) -> Image.Image:
    """Both sides times `factor`, bicubic."""
    width, height = (max(1, round(side * factor)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def _scaled_file(factor: float, picture: Image.Image) -> bytes:
    return lossless(scaled(picture, factor))
