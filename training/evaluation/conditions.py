"""What happens to images on their way to people, as functions from an upright RGB picture to the bytes of a new file."""

from functools import partial

from PIL import Image, ImageFilter

from worker.detector.image.perturbations import Condition, jpeg, lossless, resized, saved, scaled

UNCHANGED = "as it is"
_GREY = (236, 236, 236)  # a light interface


def conditions() -> tuple[Condition, ...]:
    """The rows of the robustness table; the first is the file as it is, byte for byte."""
    return (
        Condition(UNCHANGED, "the file itself", lossless),
        *(jpeg(quality) for quality in (90, 70, 50, 30)),
        *(_webp(quality) for quality in (80, 50)),
        *(resized(factor) for factor in (0.5, 0.25)),
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


def _webp(quality: int) -> Condition:
    return Condition(f"WebP {quality}", f"saved as WebP, quality {quality}", partial(saved, "WEBP", quality))


def _blurred(picture: Image.Image) -> bytes:
    return lossless(picture.filter(ImageFilter.GaussianBlur(0.005 * min(picture.size))))


def _screenshot(picture: Image.Image) -> bytes:
    shown = scaled(picture, 1.25)
    margin = min(shown.size) // 20
    screen = Image.new("RGB", (shown.width + 2 * margin, shown.height + 2 * margin), _GREY)
    screen.paste(shown, (margin, margin))
    return lossless(screen)


def _passed_on(picture: Image.Image) -> bytes:
    return saved("JPEG", 70, scaled(picture, min(1.0, 1080 / max(picture.size))))
