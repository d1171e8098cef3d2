"""Opening pictures to show them to people. Only formats that are images by content; none that starts a program (EPS)."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image, ImageOps

from .formats import openable_formats
from .raw import embedded_preview, is_raw, turn_like

# More is not decoded only to be looked at: 3 bytes of memory each.
SOURCE_PIXELS = 100_000_000


class PictureTooLarge(ValueError):
    """More pixels than are decoded for looking at."""


@contextmanager
def opened_picture(path: str) -> Iterator[Image.Image]:
    """The picture in a regular file, not yet decoded; of a RAW file, its preview. Raises what Pillow raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The file may be another one by now: no FIFO to wait for.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            raw = is_raw(file)
            preview = embedded_preview(file) if raw else None
            file.seek(0)
            with Image.open(BytesIO(preview) if preview else file, formats=openable_formats()) as picture:
                if raw:
                    turn_like(picture, file)
                yield picture


def small_picture(path: str, pixels: int) -> Image.Image:
    """RGB, upright (EXIF orientation applied), over white, neither side above `pixels`. Raises what Pillow raises."""
    with opened_picture(path) as picture:
        if picture.format == "JPEG":
            picture.draft("RGB", (2 * pixels, 2 * pixels))
        if picture.width * picture.height > SOURCE_PIXELS:
            raise PictureTooLarge(f"{picture.width} x {picture.height} pixels are too many to show")
        picture.thumbnail((pixels, pixels))
        return over_white(ImageOps.exif_transpose(picture))


def over_white(picture: Image.Image) -> Image.Image:
    """RGB, with what is transparent shown white."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA")).convert("RGB")
