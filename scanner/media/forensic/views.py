"""Error levels and noise of a picture, to be looked at by a person.

The formulas are short and their sources are named; no kept library has them without an array library, which the core lacks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageChops, ImageFilter, ImageOps

from ..colour import over_white
from ..formats import has_video_suffix
from ..frames import frame_of, is_video
from ..grey import stated_depth
from ..pictures import as_viewers_do, opened_picture
from .view import View

# More is not looked at in this way: some 12 bytes of memory each.
EXAMINED_PIXELS = 64_000_000
JPEG_QUALITY = 90
NOISE_GAIN = 8
_ORIENTATION = 0x0112
_LARGEST_GAIN = 64
# So many values may be brighter than white, in thousandths: a few extremes would leave the rest dark.
_TOO_BRIGHT = 1
_AS_STORED = ("RGB", "L", "CMYK", "YCbCr")


@dataclass(frozen=True)
class Examined:
    """A view of an upright picture, in the picture's own size, and how much it is amplified."""

    picture: Image.Image
    gain: float


class TooManyPixels(ValueError):
    """More pixels than are examined."""


def examine(path: str, view: View, frame: int = 0, seconds: float | None = None) -> Examined:
    """A view of the file's pixels as they are stored: before they are turned upright, and before colours are managed.

    The blocks of a JPEG lie where they lay, so that error levels are those of the file. Of a video or a later frame, what was
    decoded is examined. Raises what Pillow raises, NoFrame and TooManyPixels.
    """
    if frame or (has_video_suffix(path) and is_video(path)):
        return _examined(frame_of(path, frame, seconds), view)
    with opened_picture(path) as picture:
        if picture.width * picture.height > EXAMINED_PIXELS:
            raise TooManyPixels(f"{picture.width} x {picture.height} pixels are too many to examine")
        with as_viewers_do(picture):
            picture.load()
        as_stored = picture.mode in _AS_STORED and "transparency" not in picture.info
        stored = picture.convert("RGB") if as_stored else over_white(picture, stated_depth(picture))
        found = _examined(stored, view)
        return Examined(_upright(found.picture, picture.getexif().get(_ORIENTATION, 1)), found.gain)


def error_levels(picture: Image.Image) -> Examined:
    """How much each pixel changes when `picture` (RGB) is saved once more as JPEG of quality 90, amplified.

    N. Krawetz, A Picture's Worth: Digital Image Analysis and Forensics, Black Hat USA 2007, Error Level Analysis: the absolute
    difference to a copy saved at a known quality, scaled until it is seen. It is scaled here so that one value in a thousand is
    white.
    """
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY)
    with Image.open(buffer, formats=["JPEG"]) as again:
        difference = ImageChops.difference(picture, again.convert("RGB"))
    gain = _gain(difference.histogram())
    return Examined(difference.point([min(255, round(value * gain)) for value in range(256)] * 3), gain)


def noise_residual(picture: Image.Image) -> Examined:
    """What a median of 3 x 3 pixels takes out of the brightness of `picture`, amplified around mid grey.

    J. Lukas, J. Fridrich, M. Goljan, Digital Camera Identification from Sensor Pattern Noise, IEEE TIFS 1(2), 2006: the noise
    residual of a picture is the picture less its denoised self. Denoised is here the median, as in the residual of X. Kang et
    al., Robust Median Filtering Forensics Using an Autoregressive Model, IEEE TIFS 8(9), 2013.
    """
    grey = picture.convert("L")
    smooth = grey.filter(ImageFilter.MedianFilter(3))
    return Examined(ImageChops.subtract(grey, smooth, 1 / NOISE_GAIN, 128).convert("RGB"), NOISE_GAIN)


def _examined(picture: Image.Image, view: View) -> Examined:
    return error_levels(picture) if view is View.ERROR_LEVELS else noise_residual(picture)


def _gain(histogram: Sequence[int]) -> float:
    """What makes one value in a thousand white; `histogram` has 256 counts for each band."""
    counts = [sum(histogram[value::256]) for value in range(256)]
    brighter, allowed = 0, sum(counts) * _TOO_BRIGHT // 1000
    for value in range(255, 0, -1):
        brighter += counts[value]
        if brighter > allowed:
            return min(255 / value, _LARGEST_GAIN)
    return 1.0


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    picture.getexif()[_ORIENTATION] = orientation
    return ImageOps.exif_transpose(picture)
