"""What happens to images on their way to people, as functions from an upright RGB picture to the bytes of a new file."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Literal

from PIL import Image, ImageFilter

UNCHANGED = "as it is"
_GREY = (236, 236, 236)  # a light interface


@dataclass(frozen=True)
class Condition:
    """One way to change a picture. `does` says it in words. `change` can be sent to another process."""

    name: str
    does: str
    change: Callable[[Image.Image], bytes]


def conditions() -> tuple[Condition, ...]:
    """The rows of the robustness table; the first is the file as it is, byte for byte."""
    return (
        Condition(UNCHANGED, "the file itself", _lossless),
        *(_jpeg(quality) for quality in (90, 70, 50, 30)),
        *(_webp(quality) for quality in (80, 50)),
        *(_resized(factor) for factor in (0.5, 0.25)),
        Condition("blur", "Gaussian blur, standard deviation 0.5 % of the shorter side", _blurred),
        Condition(
            "screenshot",
            "enlarged 1.25 times (bicubic) onto light grey, with a margin of 1/20 of the shorter side, saved as PNG",
            _screenshot,
        ),
        Condition(
            "social media",
            "longer side shrunk to 1080 pixels (bicubic; smaller pictures keep their size), then JPEG quality 70, 4:2:0",
            _passed_on,
        ),
    )


def mild_conditions() -> tuple[Condition, ...]:
    """What any image may go through without looking different: a sound label survives it."""
    return _jpeg(90), _resized(0.9)


def _jpeg(quality: int) -> Condition:
    return Condition(f"JPEG {quality}", f"saved as JPEG, quality {quality}, 4:2:0", partial(_saved, "JPEG", quality))


def _webp(quality: int) -> Condition:
    return Condition(f"WebP {quality}", f"saved as WebP, quality {quality}", partial(_saved, "WEBP", quality))


def _resized(factor: float) -> Condition:
    return Condition(f"resize {factor:g}", f"both sides times {factor:g} (bicubic), saved as PNG", partial(_scaled_file, factor))


def _saved(form: Literal["JPEG", "WEBP"], quality: int, picture: Image.Image) -> bytes:
    buffer = BytesIO()
    options = {"subsampling": "4:2:0"} if form == "JPEG" else {}
    picture.save(buffer, form, quality=quality, **options)
    return buffer.getvalue()


def _lossless(picture: Image.Image) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, "PNG", compress_level=1)  # quick: it is read once
    return buffer.getvalue()


def _scaled(picture: Image.Image, factor: float) -> Image.Image:
    width, height = (max(1, round(side * factor)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def _scaled_file(factor: float, picture: Image.Image) -> bytes:
    return _lossless(_scaled(picture, factor))


def _blurred(picture: Image.Image) -> bytes:
    return _lossless(picture.filter(ImageFilter.GaussianBlur(0.005 * min(picture.size))))


def _screenshot(picture: Image.Image) -> bytes:
    shown = _scaled(picture, 1.25)
    margin = min(shown.size) // 20
    screen = Image.new("RGB", (shown.width + 2 * margin, shown.height + 2 * margin), _GREY)
    screen.paste(shown, (margin, margin))
    return _lossless(screen)


def _passed_on(picture: Image.Image) -> bytes:
    return _saved("JPEG", 70, _scaled(picture, min(1.0, 1080 / max(picture.size))))
