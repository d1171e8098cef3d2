"""Old and rare forms of BMP and TIFF, rewritten so that Pillow reads them: pixels stay, tables are written anew."""

import struct
from collections.abc import Iterator

_BMP_HEADER, _INFO = 14, 40
# Headers of bitmaps that Pillow reads; OS/2 lets a program leave off what it does not need (16 to 64 bytes).
_READ_HEADERS = (12, _INFO, 52, 56, 64, 108, 124)
_UNPACKED = (0, 3)  # plain, and with masks for the colours
BIG_TIFF = b"MM\0+"
# Directories of a TIFF, and entries of one.
_DIRECTORIES, _ENTRIES, _SPARE = 64, 4096, 1 << 16
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
# Types of 8 bytes, and those of 4 that stand for them in a plain TIFF.
_NARROW = {16: (4, "Q", "I"), 17: (9, "q", "i"), 18: (13, "Q", "I")}
# Tables of their own, which stay big: SubIFDs, EXIF, GPS.
_TABLES = (330, 34665, 34853)


def plain_bmp(content: bytes) -> bytes:
    """A BMP without what OS/2 has of its own: an array around it, and a short header."""
    if content.startswith(b"BA"):  # the first picture of an array; its place is counted from the beginning of the file
        size, start = struct.unpack_from("<I4xI", content, _BMP_HEADER + 2)
        content = b"BM" + struct.pack("<I4xI", size, max(0, start - _BMP_HEADER)) + content[2 * _BMP_HEADER :]
    if len(content) < _BMP_HEADER + 16:
        return content
    start, header = struct.unpack_from("<II", content, 10)
    if header in _READ_HEADERS or not 16 <= header <= 64:
        return content
    fields = content[_BMP_HEADER + 4 : _BMP_HEADER + min(header, _INFO)].ljust(_INFO - 4, b"\0")
    moved = struct.pack("<II", start + _INFO - header, _INFO)
    return content[:10] + moved + fields + content[_BMP_HEADER + header :]


def missing_of_bmp(content: bytes) -> int:
    """How many bytes of the pixels of a plain, uncompressed BMP are missing; 0 for any other."""
    if len(content) < _BMP_HEADER + _INFO:
        return 0
    start, header, width, height = struct.unpack_from("<IIii", content, 10)
    bits, packed = struct.unpack_from("<HI", content, 28)
    if header == 12:
        width, height, bits, packed = *struct.unpack_from("<HH", content, 18), struct.unpack_from("<H", content, 24)[0], 0
    if header not in _READ_HEADERS or packed not in _UNPACKED or width <= 0:
        return 0
    return max(0, int(start + -(-width * bits // 32) * 4 * abs(height) - len(content)))


def plain_tiff(content: bytes) -> bytes:
    """A BigTIFF of big-endian numbers, which Pillow takes for a plain one, as a plain one. Raises struct.error."""
    tables = list(_tables(content))
    body = bytearray(content)
    body += bytes(len(body) % 2)
    at_next = 4
    body[:8] = b"MM\0*" + bytes(4)
    for entries in tables:
        # Values that are listed again and again are left on.
        written = [_entry(content, body, *entry) for entry in entries if len(body) <= 2 * len(content) + _SPARE]
        struct.pack_into(">I", body, at_next, len(body))
        body += struct.pack(">H", len(written)) + b"".join(written)
        at_next = len(body)
        body += bytes(4)
    return bytes(body)


Entry = tuple[int, int, int, int]


def _tables(content: bytes) -> Iterator[list[Entry]]:
    """Of each directory: tag, type, count and where the value lies, of each entry."""
    (at,) = struct.unpack_from(">Q", content, 8)
    for _ in range(_DIRECTORIES):
        if not at:
            return
        (count,) = struct.unpack_from(">Q", content, at)
        entries = []
        for place in range(at + 8, at + 8 + 20 * min(count, _ENTRIES), 20):
            tag, kind, number = struct.unpack_from(">HHQ", content, place)
            size = _SIZES.get(kind, 0) * number
            start = place + 12 if size <= 8 else struct.unpack_from(">Q", content, place + 12)[0]
            if size and start + size <= len(content) and tag not in _TABLES:
                entries.append((tag, kind, number, start))
        yield entries
        (at,) = struct.unpack_from(">Q", content, at + 8 + 20 * count)


def _entry(content: bytes, body: bytearray, tag: int, kind: int, number: int, start: int) -> bytes:
    """An entry of 12 bytes; a value that does not fit into it is put at the end of `body`, unless it lies well where it is."""
    value = content[start : start + _SIZES[kind] * number] if kind in _NARROW or _SIZES[kind] * number <= 8 else None
    if kind in _NARROW and value is not None:
        kind, wide, narrow = _NARROW[kind]
        value = struct.pack(f">{number}{narrow}", *struct.unpack(f">{number}{wide}", value))
    if value is not None and len(value) <= 4:
        return struct.pack(">HHI", tag, kind, number) + value.ljust(4, b"\0")
    if value is not None:
        start = len(body)
        body += value + bytes(len(value) % 2)
    return struct.pack(">HHII", tag, kind, number, start)
