"""Opening and decoding pictures: the same for the network, for thumbnails and for reports.

Only formats that are images by content; none that starts a program (EPS).
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import BinaryIO

from PIL import Image, ImageFile, ImageOps

from ..base.files import open_regular
from .colour import over_white
from .formats import openable_formats
from .grey import stated_depth
from .mending import Mended, mended
from .raw import embedded_preview, is_raw, turn_like

# More is not decoded only to be looked at: 3 bytes of memory each.
SOURCE_PIXELS = 100_000_000
# What can be scaled as it is, and decoded then: values that are shades, not numbers of colours or more than 8 bits.
_ORIENTATION, _DAMAGE = 0x0112, "dfscan damage"
_SCALABLE = ("RGB", "RGBA", "L", "CMYK")


class PictureTooLarge(ValueError):
    """More pixels than are decoded for looking at."""


def open_image(file: BinaryIO, preview: bytes | None = None) -> Image.Image:
    """The picture in `file`, not yet decoded; of a RAW file the `preview` in it. Raises what Pillow raises.

    What is damaged is opened as viewers do (`damage_of`), and metadata keep no picture from being opened.
    """
    file.seek(0)
    known = mended(preview or file.read())
    picture = Image.open(BytesIO(known.content), formats=openable_formats())
    if known.profile:
        picture.info["icc_profile"] = known.profile
    if known.damage:
        picture.info[_DAMAGE] = known
    if preview:
        turn_like(picture, file)
    return picture


def damage_of(picture: Image.Image) -> Mended | None:
    """How a picture of `open_image` was mended, if it is damaged."""
    known = picture.info.get(_DAMAGE)
    return known if isinstance(known, Mended) else None


@contextmanager
def as_viewers_do(picture: Image.Image) -> Iterator[None]:
    """What is missing at the end of a damaged picture stays empty while it is decoded here."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = before or damage_of(picture) is not None
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def decode_image(picture: Image.Image, within: tuple[int, int] | None = None) -> Image.Image:
    """What `picture` shows: upright by its EXIF orientation, RGB in sRGB, what is transparent over white.

    It is scaled down so that it lies `within` width and height, if they are given. Raises what Pillow raises.
    """
    with as_viewers_do(picture):
        picture.load()
    if within and picture.mode in _SCALABLE:
        picture.thumbnail(within)
    upright = picture
    with suppress(Exception):  # broken EXIF spoils no picture
        if picture.getexif().get(_ORIENTATION, 1) != 1:
            upright = ImageOps.exif_transpose(picture)
    decoded = over_white(upright, stated_depth(picture))
    if decoded is picture and picture.format != "JPEG":  # which may go on to its next frame
        decoded = picture.copy()
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
