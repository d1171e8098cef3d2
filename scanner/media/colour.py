"""From a picture in any of Pillow's modes to RGB in sRGB, over white. Without numpy, which the core does not load."""

from io import BytesIO

from PIL import Image

from .bands import in_bands
from .grey import deep_grey

# CMYK profiles have up to some 3 MB; what is larger is no profile.
MAX_PROFILE_BYTES = 8 << 20
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def over_white(picture: Image.Image, depth: int = 0) -> Image.Image:
    """RGB in sRGB, by the embedded ICC profile if there is one that fits; what is transparent shows white.

    `depth` are the bits of deep grey, if they are known. What needs nothing is given back as it is; nothing but a part of a large
    picture is held more than twice at a time.
    """
    if picture.mode[0] in "IF":
        picture = deep_grey(picture, depth)
    if picture.mode == "RGB" and not {"transparency", "icc_profile"} & set(picture.info):
        return picture
    return in_bands(picture, _over_white)


def _over_white(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        white = Image.new("RGB", rgba.size, "white")
        white.paste(in_srgb(rgba.convert("RGB"), profile), mask=rgba.getchannel("A"))
        return white
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
