"""The texts that a file carries beside its pixels: PNG text, EXIF, XMP, IPTC and comments. Bounded, whatever the file holds."""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import islice

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin

from scanner.media.formats import openable_formats

from .png import PNG, png_texts
from .xmp import xmp_texts

# How many texts of a file are looked at, and how much of each (characters).
FIELDS, FIELD_CHARACTERS = 300, 20_000
_EXIF_TAGS = ("Make", "Model", "Software", "ImageDescription", "Artist", "HostComputer", "Copyright")
_EXPOSURE_TAGS = ("UserComment", "LensModel", "ExposureTime", "FNumber", "ISOSpeedRatings", "FocalLength")
_IPTC_NAMES = {(2, 65): "Software", (2, 110): "Credit", (2, 115): "Source", (2, 80): "Artist", (2, 120): "Description"}
_XMP_IN_PNG = "XML:com.adobe.xmp"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Field:
    """A text and its name in the file; `source` is the part of the file, as people call it."""

    source: str
    name: str
    text: str


def read_fields(content: bytes) -> tuple[Field, ...]:
    """All texts that can be read; a part that is broken hides no other."""
    found: list[Field] = []
    for read in _readers(content):
        try:
            found.extend(islice(read(), FIELDS))
        except Exception as error:  # hostile bytes; what the other parts say still counts
            log.debug("a part of the evidence cannot be read: %r", error)
    return tuple(Field(one.source, one.name, one.text[:FIELD_CHARACTERS]) for one in found)


def _readers(content: bytes) -> Iterator[Callable[[], Iterator[Field]]]:
    if content.startswith(PNG):  # Pillow would decode all pixels to find what stands behind them
        texts, exif = png_texts(content)
        yield lambda: (Field("PNG text", name, text) for name, text in texts if name != _XMP_IN_PNG)
        yield lambda: _of_exif(_loaded(exif))
        yield lambda: _of_xmp("".join(text for name, text in texts if name == _XMP_IN_PNG).encode())
        return
    with suppress(Exception), Image.open(BytesIO(content), formats=openable_formats()) as picture:
        yield lambda: _comment(picture)
        yield lambda: _of_exif(picture.getexif())
        yield lambda: _of_xmp(picture.info.get("xmp") or getattr(picture, "tag_v2", {}).get(700) or b"")
        yield lambda: _of_iptc(picture)


def _loaded(block: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(block)
    return exif


def _of_xmp(packet: bytes | str) -> Iterator[Field]:
    whole = packet.encode() if isinstance(packet, str) else bytes(packet)
    return (Field("XMP", name, text) for name, text in xmp_texts(whole))


def _comment(picture: Image.Image) -> Iterator[Field]:
    comment = picture.info.get("comment")
    if comment:
        yield Field("comment", "Comment", comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment))


def _of_exif(exif: Image.Exif) -> Iterator[Field]:
    for tags, values in ((_EXIF_TAGS, exif), (_EXPOSURE_TAGS, exif.get_ifd(ExifTags.IFD.Exif))):
        for name in tags:
            value = values.get(ExifTags.Base[name].value)
            text = _user_comment(value) if name == "UserComment" and isinstance(value, bytes) else _plain(value)
            if text:
                yield Field("EXIF", name, text)


def _user_comment(value: bytes) -> str:
    """Eight bytes name the character code (EXIF 2.3, 4.6.5); Unicode is of either byte order, without a mark."""
    code, text = value[:8], value[8:]
    if code.startswith(b"UNICODE"):
        little = text[1:2] == b"\0"
        return text.decode("utf-16-le" if little else "utf-16-be", "replace").strip("\0 ")
    return _plain(text)


def _plain(value: object) -> str:
    if value is None:
        return ""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.strip("\0 \n")


def _of_iptc(picture: ImageFile.ImageFile) -> Iterator[Field]:
    if picture.format not in ("JPEG", "MPO", "TIFF"):
        return
    records = IptcImagePlugin.getiptcinfo(picture) or {}
    for key, name in _IPTC_NAMES.items():
        value = records.get(key)
        for one in value if isinstance(value, list) else [value]:
            if one:
                yield Field("IPTC", name, _plain(one))
