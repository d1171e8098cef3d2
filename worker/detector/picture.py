"""From the bytes of a file to an upright RGB picture, the same way for training and for scanning. Imports no torch."""

import math
import warnings
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

# What intake recognises by content. Named, so that no other plugin (EPS would start an external program) sees a foreign file.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF", "MPO")


@dataclass(frozen=True)
class Decoded:
    """An upright RGB picture, and its format and size (pixels) as stored."""

    picture: Image.Image
    format: str
    width: int
    height: int

    @property
    def shrunk(self) -> float:
        """How many times wider the stored picture is: 1 unless it was decoded at a smaller scale."""
        return max(self.width, self.height) / max(self.picture.size)

    def can_shrink(self, short_side: int) -> bool:
        """Whether decoding it for `short_side` may give fewer pixels than `picture` has."""
        return self.format in ("JPEG", "MPO") and min(self.picture.size) > 2 * short_side


class PictureError(Exception):
    """The bytes are no picture that can be used. The text is the reason, in a user's words."""


def decode_rgb(content: bytes, *, max_pixels: int, short_side: int, pixels: int = 0) -> Decoded:
    """Decode `content` into an upright RGB picture.

    A JPEG much larger than needed is decoded at 1/2, 1/4 or 1/8 scale (DCT scaling), never below twice `short_side`,
    so that the resize that follows still averages, nor below `pixels` in all. Transparency is laid over white. An animation
    gives its first frame.

    Raises PictureError when the bytes are no readable picture or hold more than `max_pixels` pixels.
    """
    with warnings.catch_warnings():
        # Our own limit below replaces Pillow's; what is odd about a readable picture is not the user's problem.
        warnings.simplefilter("ignore")
        try:
            picture = Image.open(BytesIO(content), formats=_available_formats())
            width, height = picture.size
            if width * height > max_pixels:
                raise PictureError(
                    f"too large: {width:,} x {height:,} pixels, the limit is {max_pixels / 1e6:,.0f} megapixels "
                    "(setting max_megapixels)"
                )
            scale = max(2 * short_side / min(width, height), math.sqrt(pixels / (width * height)))
            if scale < 1:
                # draft() picks the smallest scale that is not below the size asked for, on both sides.
                picture.draft("RGB", (max(1, int(width * scale)), max(1, int(height * scale))))
            picture.load()
            upright = _over_white(_upright(picture))
            return Decoded(upright, picture.format or "", width, height)
        except PictureError:
            raise
        except MemoryError:
            raise PictureError("needs more memory to decode than the decoder may use") from None
        except UnidentifiedImageError:
            raise PictureError("its content is no readable picture") from None
        except Exception as error:  # Pillow's plugins raise nearly anything on hostile bytes
            raise PictureError(f"cannot be decoded: {error or type(error).__name__}") from error


def prepare_pillow() -> None:
    """Set Pillow's process-wide switches, once per process: our pixel limit, not its own; HEIF if its decoder is installed."""
    Image.MAX_IMAGE_PIXELS = None
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        from pillow_heif import register_heif_opener
    except ModuleNotFoundError:
        return
    register_heif_opener()


def _available_formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _over_white(picture: Image.Image) -> Image.Image:
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    if picture.mode[0] in "IF":
        picture = _eight_bit(picture)
    return picture.convert("RGB")


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # broken EXIF spoils no picture
        return picture


def _eight_bit(grey: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits or of floats as 8 bits: Pillow's own conversion would clip it to white."""
    values = np.asarray(grey)
    if grey.mode.startswith("I;16"):
        return Image.fromarray((values >> 8).astype(np.uint8))
    # No range is agreed on for these: spread what is there.
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    spread = (np.nan_to_num(values.astype(np.float64)) - low) / ((high - low) or 1.0)
    return Image.fromarray((np.clip(spread, 0, 1) * 255).round().astype(np.uint8))
