"""Opening and decoding pictures: the same for the network, for thumbnails and for reports.

Only formats that are images by content; none that starts a program (EPS).
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import BinaryIO

from PIL import Image, ImageOps

from ..base.files import open_regular
from .colour import over_white
from .formats import openable_formats
from .raw import embedded_preview, is_raw, turn_like

# More is not decoded only to be looked at: 3 bytes of memory each.
SOURCE_PIXELS = 100_000_000
# What can be scaled as it is, and decoded then: values that are shades, not numbers of colours or more than 8 bits.
_SCALABLE = ("RGB", "RGBA", "L", "CMYK")


class PictureTooLarge(ValueError):
    """More pixels than are decoded for looking at."""


def open_image(file: BinaryIO, preview: bytes | None = None) -> Image.Image:
    """The picture in `file`, not yet decoded; of a RAW file the `preview` in it. Raises what Pillow raises."""
    file.seek(0)
    picture = Image.open(BytesIO(preview) if preview else file, formats=openable_formats())
    if preview:
        turn_like(picture, file)
    return picture


def decode_image(picture: Image.Image, within: tuple[int, int] | None = None) -> Image.Image:
    """What `picture` shows: upright by its EXIF orientation, RGB in sRGB, what is transparent over white.

    It is scaled down so that it lies `within` width and height, if they are given. Raises what Pillow raises.
    """
    picture.load()
    if within and picture.mode in _SCALABLE:
        picture.thumbnail(within)
    upright = picture
    with suppress(Exception):  # broken EXIF spoils no picture
        upright = ImageOps.exif_transpose(picture)
    decoded = over_white(upright)
    if within:
        decoded.thumbnail(within if upright.size == picture.size else within[::-1])
    return decoded


@contextmanager
def opened_picture(path: str) -> Iterator[Image.Image]:
    """The picture in a regular file, not yet decoded; of a RAW file, its preview. Raises what Pillow raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with open_regular(path) as file:
            preview = embedded_preview(file) if is_raw(file) else None
            with open_image(file, preview) as picture:
                yield picture


def small_picture(path: str, pixels: int) -> Image.Image:
    """`decode_image` of a file, neither side above `pixels`. Raises what Pillow raises."""
    with opened_picture(path) as picture:
        picture.draft("RGB", (2 * pixels, 2 * pixels))
        if picture.width * picture.height > SOURCE_PIXELS:
            raise PictureTooLarge(f"{picture.width} x {picture.height} pixels are too many to show")
        return decode_image(picture, (pixels, pixels))
