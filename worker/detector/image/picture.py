"""From the bytes of a file to upright RGB pictures, the same way for training and for scanning. Imports no torch."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import BytesIO

from PIL import AvifImagePlugin, Image, ImageFile, UnidentifiedImageError

from scanner.media.formats import openable_formats
from scanner.media.pictures import damage_of, decode_image, open_image
from scanner.media.raw import SMALLEST_PREVIEW, embedded_preview, is_raw
from scanner.media.shown_share import shown_share
from scanner.processes.replies import Refused

from .frames import frames_of

# Less of a damaged picture is not judged in place of the whole.
LEAST_SHOWN = 0.5
# libjpeg decodes at no smaller scale than one eighth.
SMALLEST_SCALE = 8


@dataclass(frozen=True)
class Decoded:
    """An upright RGB picture, and its format and size (pixels) as stored; of a RAW file, those of what it is shown by.

    `frame` counts the frames of an animation or video or the pages of a TIFF from 0; `seconds` is a video's time there.
    `damage` says what is wrong with the file, empty where that is nothing.
    """

    picture: Image.Image
    format: str
    width: int
    height: int
    frame: int = 0
    seconds: float | None = None
    damage: str = ""

    @property
    def shrunk(self) -> float:
        """How many times wider the stored picture is: 1 unless it was decoded at a smaller scale."""
        return max(self.width, self.height) / max(self.picture.size)

    def for_input(self, size: int) -> "Decoded":
        """With the pixels that decoding it for an input of `size` alone gives, as nearly as can be told from these.

        A JPEG is decoded at 1/2, 1/4 or 1/8 scale then; means over squares of 2, 4 or 8 pixels are what comes nearest.
        """
        times = min(self.picture.size) // (2 * size)
        if self.format not in ("JPEG", "MPO") or times < 2:
            return self
        factor: int = min(1 << (times.bit_length() - 1), round(SMALLEST_SCALE / self.shrunk))
        return replace(self, picture=self.picture.reduce(factor)) if factor > 1 else self


class PictureError(Refused):
    """The bytes are no picture that can be used. The text is the reason, in a user's words."""


class NeedsMemory(PictureError, MemoryError):
    """It takes more memory than its process has: a decoder tells that as it tells any lack of memory."""

    def __init__(self) -> None:
        super().__init__("needs more memory to decode than the decoder may use")


def decode_rgb(content: bytes, *, max_pixels: int, short_side: int, pixels: int = 0, scaled: bool = True) -> Decoded:
    """The first picture of `decode_frames`. Raises PictureError."""
    return next(decode_frames(content, max_pixels=max_pixels, short_side=short_side, pixels=pixels, scaled=scaled))


def decode_frames(content: bytes, *, max_pixels: int, short_side: int, pixels: int = 0, scaled: bool = True) -> Iterator[Decoded]:
    """Decode `content` into upright RGB pictures in sRGB, one at a time: which of several is told in `frames`.

    A JPEG much larger than needed is decoded at 1/2, 1/4 or 1/8 scale (DCT scaling), never below twice `short_side`,
    so that the resize that follows still averages, nor below `pixels` in all; in full if it is not to be `scaled`. Transparency
    is laid over white. A RAW file gives the preview in it. Of a damaged PNG or JPEG is decoded what viewers show.

    Raises PictureError when the bytes are no readable picture or the first one holds more than `max_pixels` pixels. Further
    pictures are given only as far as all together hold no more, and as far as they can be decoded.
    """
    with _reasons():
        picture, name = _opened(content, max_pixels)
        damage = _demand_shown(picture)
        width, height = picture.size
        scale = max(2 * short_side / min(width, height), math.sqrt(pixels / (width * height)))
        if scaled and scale < 1:
            # draft() picks the smallest scale that is not below the size asked for, on both sides.
            picture.draft("RGB", (max(1, int(width * scale)), max(1, int(height * scale))))
        numbers = frames_of(picture, max_pixels)
        number = next(numbers)
        upright = decode_image(picture)
    yield Decoded(upright, name, width, height, number, damage=damage)
    del upright
    while True:
        try:
            with _reasons():
                following = next(numbers, None)
                if following is None:
                    return
                upright = decode_image(picture)
        except PictureError:
            return  # there is enough to judge by; and what is before a damage is what other programs show, too
        yield Decoded(upright, name, width, height, following)


def prepare_pillow() -> None:
    """Set Pillow's process-wide switches, once per process: our pixel limit, not its own; HEIF if its decoder is installed.

    Each decoder works on one thread: there are as many processes as the settings say, and each thread takes some 100 MB of the
    address space of its process for good.
    """
    Image.MAX_IMAGE_PIXELS = None
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    openable_formats()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    with suppress(ModuleNotFoundError):
        import pillow_heif

        pillow_heif.options.DECODE_THREADS = 1


@contextmanager
def _reasons() -> Iterator[None]:
    """Whatever decoding raises as a PictureError."""
    with warnings.catch_warnings():
        # Our own limit replaces Pillow's; what is odd about a readable picture is not the user's problem.
        warnings.simplefilter("ignore")
        try:
            yield
        except PictureError:
            raise
        except MemoryError:
            raise NeedsMemory from None
        except UnidentifiedImageError:
            raise PictureError("its content is no readable picture") from None
        except Exception as error:  # Pillow's plugins raise nearly anything on hostile bytes
            raise PictureError(f"cannot be decoded: {error or type(error).__name__}") from error


def _opened(content: bytes, max_pixels: int) -> tuple[Image.Image, str]:
    """The picture, not yet decoded unless it had to be developed, and its format."""
    file = BytesIO(content)
    preview = None
    if is_raw(file):
        preview = _preview_by_tables(content) or embedded_preview(file)
        if preview is None:
            return _developed(content, max_pixels), "RAW"
    picture = open_image(file, preview)
    _demand_size(*picture.size, max_pixels)
    return picture, "RAW" if preview else picture.format or ""


def _preview_by_tables(content: bytes) -> bytes | None:
    """The JPEG preview where LibRaw, which knows the makers' tables, finds one that is large enough."""
    import rawpy

    with suppress(rawpy.LibRawError), rawpy.imread(BytesIO(content)) as raw:
        found = raw.extract_thumb()
        if isinstance(found.data, bytes):  # a JPEG; else pixels, of old cameras, and few
            with Image.open(BytesIO(found.data), formats=["JPEG"]) as preview:
                return found.data if max(preview.size) >= SMALLEST_PREVIEW else None
    return None


def _developed(content: bytes, max_pixels: int) -> Image.Image:
    import rawpy

    with rawpy.imread(BytesIO(content)) as raw:
        _demand_size(raw.sizes.width, raw.sizes.height, max_pixels)
        return Image.fromarray(raw.postprocess(use_camera_wb=True))


def _demand_shown(picture: Image.Image) -> str:
    """What is wrong with a picture of which viewers show enough to judge it."""
    known = damage_of(picture)
    if known is None:
        return ""
    share = shown_share(known.content)
    if share < LEAST_SHOWN:
        raise PictureError(f"{known.damage}, and {share:.0%} of its rows are left: at least {LEAST_SHOWN:.0%} are needed")
    return known.damage


def _demand_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise PictureError(
            f"too large: {width:,} x {height:,} pixels, the limit is {max_pixels / 1e6:,.0f} megapixels (setting max_megapixels)"
        )
