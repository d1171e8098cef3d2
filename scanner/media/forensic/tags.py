"""All tags of a picture's EXIF and its other texts, with names and readable values.

Pillow reads them and knows their names. What numbers mean is said here (EXIF 2.32, 4.6; CIPA DC-008-2019).
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from PIL import ExifTags, Image

from ...base.escape import escaped
from ...base.files import open_regular
from ..formats import has_video_suffix
from ..frames import is_video
from ..pictures import opened_picture
from .png_texts import png_texts
from .tag_values import meaning

# Longer values are cut, and more tags are not read: a block can list as many as it likes.
_LONGEST = 2_000
# Bytes that are shown as text, as of versions and names of tables.
_LONGEST_BYTES = 64
_MOST = 2_000
# Texts of a PNG are looked for so far.
_PNG_BYTES = 256 << 20
_EXIF, _GPS, _INTEROP, _MAKER_NOTE = 0x8769, 0x8825, 0xA005, 0x927C
_TABLES = (_EXIF, _GPS, _INTEROP)
_USER_COMMENT = 0x9286
_XP = range(0x9C9B, 0x9CA0)
# Of what Pillow tells about a file, what are no texts of it, or are shown elsewhere.
_NO_TEXTS = frozenset(("exif", "icc_profile", "photoshop"))


@dataclass(frozen=True)
class Tag:
    """One entry: `part` of the file, name, the value as it stands there, and what it means where that is not the same."""

    part: str
    name: str
    value: str
    meaning: str = ""


def read_tags(path: str) -> tuple[Tag, ...]:
    """The tags of a file; none of a video. Raises what Pillow raises for what is no picture."""
    if has_video_suffix(path) and is_video(path):
        return ()
    with opened_picture(path) as picture:
        tags = tags_of(picture)
        return (*tags, *_of_png(path)) if picture.format == "PNG" else tags


def _of_png(path: str) -> Iterator[Tag]:
    with open_regular(path) as file:
        content = file.read(_PNG_BYTES)
    for keyword, text in islice(png_texts(content, _LONGEST + 1), _MOST):
        yield Tag("Text", escaped(keyword), _cut(escaped(text)))


def tags_of(picture: Image.Image) -> tuple[Tag, ...]:
    """The tags of an opened picture. What is broken among them is left out: it spoils no others."""
    found: list[Tag] = []
    with suppress(Exception):
        exif = picture.getexif()
        found += _table("EXIF", exif, ExifTags.TAGS)
        parts = (
            ("EXIF", _EXIF, ExifTags.TAGS),
            ("GPS", _GPS, ExifTags.GPSTAGS),
            ("EXIF", _INTEROP, _INTEROP_TAGS),
            ("Thumbnail", int(ExifTags.IFD.IFD1), ExifTags.TAGS),
        )
        for part, pointer, names in parts:
            with suppress(Exception):
                found += _table(part, exif.get_ifd(pointer), names)
    found += _texts(picture.info)
    return tuple(found[:_MOST])


_INTEROP_TAGS = {int(tag): tag.name for tag in ExifTags.Interop}


def _table(part: str, table: Mapping[int, Any], names: Mapping[int, str]) -> Iterator[Tag]:
    for tag, value in table.items():
        if tag in _TABLES:
            continue
        known = ("GPS" if part == "GPS" else "EXIF", tag)
        yield Tag(part, names.get(tag, f"0x{tag:04X}"), _text(part, tag, value), escaped(meaning(*known, value)))


def _texts(info: Mapping[Any, Any]) -> Iterator[Tag]:
    """What a file holds beside EXIF: texts of PNG, comments of JPEG and GIF, XMP."""
    for name, value in info.items():
        if isinstance(name, str) and name not in _NO_TEXTS and isinstance(value, str | bytes) and value:
            text = value if isinstance(value, str) else value.decode("utf-8", "replace")
            yield Tag("Text", escaped(name), _cut(escaped(text)))


def _text(part: str, tag: int, value: Any) -> str:
    if isinstance(value, bytes):
        return _of_bytes(part, tag, value)
    if isinstance(value, tuple):
        return _cut(", ".join(str(one) for one in value[:_LONGEST]))
    return _cut(escaped(str(value)))


def _of_bytes(part: str, tag: int, value: bytes) -> str:
    if tag == _USER_COMMENT and part != "GPS":  # eight bytes name the character code (EXIF 2.32, 4.6.5)
        code, rest = value[:8], value[8:]
        return _cut(escaped(rest.decode("utf-16" if code.startswith(b"UNICODE") else "utf-8", "replace").strip("\0 ")))
    if tag in _XP and part != "GPS":
        return _cut(escaped(value.decode("utf-16-le", "replace").strip("\0 ")))
    text = value.strip(b"\0").decode("ascii", "backslashreplace")
    is_text = tag != _MAKER_NOTE and 0 < len(text) <= _LONGEST_BYTES and value.isascii() and text.isprintable()
    return text if is_text else f"{len(value)} bytes"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "\N{HORIZONTAL ELLIPSIS}"
