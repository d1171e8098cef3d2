"""From a picture in any of Pillow's modes to RGB in sRGB, over white. Imports no torch."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

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
    try:
        transformed = _transformed(picture, profile)
    except Exception:  # lcms says what it likes about broken profiles, and they spoil no picture
        transformed = None
    return picture.convert("RGB") if transformed is None else transformed


def _transformed(picture: Image.Image, content: bytes | None) -> Image.Image | None:
    if picture.mode == "LAB":
        source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    elif not content or len(content) > MAX_PROFILE_BYTES:
        return None
    else:
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
    values = np.asarray(grey)
    if grey.mode.startswith("I;16"):
        return Image.fromarray((values >> 8).astype(np.uint8))
    # No range is agreed on for these: spread what is there.
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    spread = (np.nan_to_num(values.astype(np.float64)) - low) / ((high - low) or 1.0)
    return Image.fromarray((np.clip(spread, 0, 1) * 255).round().astype(np.uint8))
