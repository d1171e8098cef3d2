"""From a picture in any of Pillow's modes to RGB in sRGB, over white. Without numpy, which the core does not load."""

import math
from io import BytesIO

from PIL import Image, ImageMath

# CMYK profiles have up to some 3 MB; what is larger is no profile.
MAX_PROFILE_BYTES = 8 << 20
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def over_white(picture: Image.Image) -> Image.Image:
    """RGB in sRGB, by the embedded ICC profile if there is one that fits; what is transparent shows white."""
    profile = picture.info.get("icc_profile")
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        white = Image.new("RGB", rgba.size, "white")
        white.paste(in_srgb(rgba.convert("RGB"), profile), mask=rgba.getchannel("A"))
        return white
    if picture.mode[0] in "IF":
        picture = _eight_bit(picture)
    return in_srgb(picture, profile)


def in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """`picture` (without transparency) as RGB in sRGB. A profile that is broken, too large or for another kind is ignored."""
    if picture.mode not in ("RGB", "L", "CMYK", "LAB"):
        picture = picture.convert("RGB")
    if picture.mode != "LAB" and (not profile or len(profile) > MAX_PROFILE_BYTES):
        return picture.convert("RGB")
    try:
        transformed = _transformed(picture, profile)
    except Exception:  # lcms says what it likes about broken profiles, and they spoil no picture
        transformed = None
    return picture.convert("RGB") if transformed is None else transformed


def _transformed(picture: Image.Image, content: bytes | None) -> Image.Image | None:
    from PIL import ImageCms  # few pictures have a profile

    if picture.mode == "LAB":
        source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    else:
        assert content is not None
        source = ImageCms.ImageCmsProfile(BytesIO(content))
        mode = _MODES.get(source.profile.xcolor_space.strip())
        if mode == "RGB" and picture.mode == "L":
            picture = picture.convert("RGB")  # grey values of a colour space
        if mode != picture.mode or "sRGB" in (source.profile.profile_description or ""):
            return None  # sRGB to sRGB would only round
    return ImageCms.profileToProfile(
        picture,
        source,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


def _eight_bit(grey: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits or of floats as 8 bits: Pillow's own conversion would clip it to white."""
    if grey.mode.startswith("I;16"):
        return grey.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    # No range is agreed on for these: spread what is there.
    floats, low, high = _finite(grey.convert("F"))
    factor = 255 / ((high - low) or 1.0)
    return floats.point(lambda value: value * factor + (0.5 - low * factor)).convert("L")


def _finite(floats: Image.Image) -> tuple[Image.Image, float, float]:
    """Without NaN and infinities, with the lowest and the highest value."""
    low, high = floats.getextrema()
    if math.isfinite(low) and math.isfinite(high):  # type: ignore[arg-type]
        return floats, low, high  # type: ignore[return-value]
    most = 1e30
    # The smaller, or the larger, of NaN and a number is the number.
    no_higher = ImageMath.lambda_eval(lambda given: given["min"](given["floats"], most), floats=floats)
    no_lower = ImageMath.lambda_eval(lambda given: given["max"](given["floats"], -most), floats=floats)
    both = ImageMath.lambda_eval(lambda given: given["min"](given["floats"], most), floats=no_lower)
    return both, max(no_higher.getextrema()[0], -most), min(no_lower.getextrema()[1], most)
