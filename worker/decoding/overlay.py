"""A picture with heatmaps laid over it; drawn in a decoder process, so that a hostile file hurts no one. Imports no torch."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from ..detector.faces.places import Box, upright_size
from ..detector.image.picture import decode_rgb

# Written into each picture, so that one may be replaced by another and nothing else ever is.
MARK = "dfscan explain"
# The longer side of what is drawn, in pixels.
LONGEST = 2000
_OPACITY = 0.65
_WEAK, _STRONG = np.asarray([255, 230, 0], np.float32), np.asarray([215, 0, 40], np.float32)

Placed = tuple[Box, NDArray[np.uint8]]


def overlaid(content: bytes, placed: Sequence[Placed], max_pixels: int) -> bytes:
    """A PNG of the upright picture, at most LONGEST pixels long, with each heatmap (uint8 HW) over its box, which is outlined.

    Boxes are left, top, width, height in pixels of the upright picture at full size. Raises PictureError.
    """
    decoded = decode_rgb(content, max_pixels=max_pixels, short_side=LONGEST // 2)
    full_width, _ = upright_size(decoded)
    picture = decoded.picture
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.BICUBIC)
    scale = picture.width / full_width
    heat = Image.new("L", picture.size)
    boxes = [tuple(round(scale * edge) for edge in (x, y, x + width, y + height)) for (x, y, width, height), _ in placed]
    for (left, top, right, bottom), (_, heat_HW) in zip(boxes, placed, strict=True):
        own = Image.fromarray(heat_HW).resize((max(1, right - left), max(1, bottom - top)), Image.Resampling.BILINEAR)
        heat.paste(own, (left, top))
    drawn = Image.fromarray(_coloured(np.asarray(picture, np.float32), np.asarray(heat, np.float32)[..., None] / np.float32(255)))
    for left, top, right, bottom in boxes:
        ImageDraw.Draw(drawn).rectangle((left, top, right - 1, bottom - 1), outline=(255, 255, 255), width=2)
    told, buffer = PngInfo(), BytesIO()
    told.add_text("Software", MARK)
    drawn.save(buffer, "PNG", pnginfo=told, compress_level=3)
    return buffer.getvalue()


def _coloured(picture_HWC: NDArray[np.float32], heat_HW1: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture, grey so that colour means heat, under yellow to red as thick as the heat is strong."""
    grey_HWC = picture_HWC @ np.asarray([0.299, 0.587, 0.114], np.float32)[:, None]
    colour_HWC = _WEAK + heat_HW1 * (_STRONG - _WEAK)
    opacity_HW1 = _OPACITY * np.sqrt(heat_HW1)
    drawn = grey_HWC + opacity_HW1 * (colour_HWC - grey_HWC)
    whole: NDArray[np.uint8] = np.clip(drawn, 0, 255).astype(np.uint8)
    return whole
