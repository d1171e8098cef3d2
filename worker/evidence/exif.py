"""The texts of an EXIF block, or of a TIFF file (EXIF 2.32, 4.6; TIFF 6.0, 2). Only what is asked for is read.

Pillow copies the value of each entry, and a block of a megabyte may list the same megabyte 65,535 times.
"""

import struct
from collections.abc import Iterator

from .budget import Budget

_MAIN = {
    0x010D: "DocumentName",
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x013B: "Artist",
    0x013C: "HostComputer",
    0x8298: "Copyright",
    0x9C9B: "XPTitle",
    0x9C9C: "XPComment",
    0x9C9D: "XPAuthor",
    0x9C9F: "XPSubject",
}
_EXPOSURE = {
    0x829A: "ExposureTime",
    0x829D: "FNumber",
    0x8827: "ISOSpeedRatings",
    0x920A: "FocalLength",
    0x927C: "MakerNote",
    0x9286: "UserComment",
    0xA433: "LensMake",
    0xA434: "LensModel",
}
_EXIF_TABLE = 0x8769
# Bytes of one value, by its type; how numbers of the types are unpacked.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_FRACTIONS = {5: "II", 10: "ii"}


def exif_texts(block: bytes, budget: Budget, part: str = "EXIF") -> Iterator[tuple[str, str]]:
    """Pairs of tag and text. Raises ValueError or struct.error for what is no such block; XMP"""
    at = 6 if block.startswith(b"Exif\0\0") else 0
    order = {b"II": "<", b"MM": ">"}.get(block[at : at + 2])
    if order is None:
        raise ValueError("it does not begin as EXIF does")
    is_big = struct.unpack_from(order + "H", block, at + 2)[0] == 43
    table = struct.unpack_from(order + ("Q" if is_big else "I"), block, at + (8 if is_big else 4))[0]
    below = 0
    for tag, kind, value in _entries(block, at, table, order, is_big, budget, part, {*_MAIN, _EXIF_TABLE}):
        if tag == _EXIF_TABLE:
            below = _number(kind, value, order)
        else:
            yield _MAIN[tag], _text(tag, kind, value, order)
    if below:
        for tag, kind, value in _entries(block, at, below, order, is_big, budget, part, set(_EXPOSURE)):
            yield _EXPOSURE[tag], _text(tag, kind, value, order)


def _entries(
    block: bytes, base: int, table: int, order: str, is_big: bool, budget: Budget, part: str, wanted: set[int]
) -> Iterator[tuple[int, int, bytes]]:
    """Tag, type and value of the wanted entries of a table; each tag once."""
    width, form, inline = (20, order + "HHQ", 8) if is_big else (12, order + "HHI", 4)
    count = struct.unpack_from(order + ("Q" if is_big else "H"), block, base + table)[0]
    first = base + table + (8 if is_big else 2)
    wanted = set(wanted)
    for at in range(first, first + width * count, width):
        if at + width > len(block) or not wanted or not budget.step(part):
            return
        tag, kind, number = struct.unpack_from(form, block, at)
        if tag not in wanted or kind not in _SIZES:
            continue
        wanted.discard(tag)
        size = _SIZES[kind] * number
        start = at + width - inline
        if size > inline:
            start = base + struct.unpack_from(order + ("Q" if is_big else "I"), block, start)[0]
        yield tag, kind, budget.taken(block[start : start + min(size, budget.field + 1)], part)


def _number(kind: int, value: bytes, order: str) -> int:
    form = _NUMBERS.get(kind)
    return int(struct.unpack_from(order + form, value)[0]) if form and form not in "fd" else 0


def _text(tag: int, kind: int, value: bytes, order: str) -> str:
    if tag == 0x9286:
        return _user_comment(value)
    if 0x9C9B <= tag <= 0x9C9F:
        return value.decode("utf-16-le", "replace").strip("\0 \n")
    if kind in _FRACTIONS and len(value) >= 8:
        above, below = struct.unpack_from(order + _FRACTIONS[kind], value)
        return str(above / below) if below else ""
    if kind in _NUMBERS and kind not in (1, 6):
        return str(struct.unpack_from(order + _NUMBERS[kind], value)[0])
    return value.decode("utf-8", "replace").strip("\0 \n")


def _user_comment(value: bytes) -> str:
    """Eight bytes name the character code (EXIF 2.32, 4.6.5); Unicode is of either byte order, without a mark."""
    code, text = value[:8], value[8:]
    if code.startswith(b"UNICODE"):
        little = text[1:2] == b"\0"
        return text.decode("utf-16-le" if little else "utf-16-be", "replace").strip("\0 ")
    if code[:5] not in (b"ASCII", b"JIS\0\0", b"\0\0\0\0\0"):
        text = value  # written without the code
    return text.decode("utf-8", "replace").strip("\0 \n")
