"""RAW files as cameras write them, as far as telling them and finding their preview goes: the layout is theirs, the raw values
are left out. (`mosaic_dng` has them, and no preview.)"""

import struct
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

# TIFF types: struct code and size of one value.
BYTE, ASCII, SHORT, LONG, RATIONAL, SRATIONAL = 1, 2, 3, 4, 5, 10
_CODES = {BYTE: "B", ASCII: "B", SHORT: "H", LONG: "I", RATIONAL: "II", SRATIONAL: "ii"}
Entry = tuple[int, int, Sequence[int]]


def directory(entries: Sequence[Entry], at: int, *, order: str = "<", following: int = 0) -> bytes:
    """A TIFF directory that lies `at` bytes into its file, with the values that do not fit into it right behind."""
    end = at + 2 + 12 * len(entries) + 4
    table, behind = struct.pack(order + "H", len(entries)), b""
    for tag, kind, values in sorted(entries):
        packed = struct.pack(
            f"{order}{len(values)}{_CODES[kind]}" if len(_CODES[kind]) == 1 else order + "i" * len(values), *values
        )
        count = len(values) // len(_CODES[kind])
        if len(packed) <= 4:
            packed = packed.ljust(4, b"\0")
        else:
            packed, behind = struct.pack(order + "I", end + len(behind)), behind + packed + b"\0" * (len(packed) % 2)
        table += struct.pack(order + "HHI", tag, kind, count) + packed
    return table + struct.pack(order + "I", following) + behind


def text(value: str) -> list[int]:
    """An ASCII value."""
    return [*value.encode(), 0]


def tiff_like(
    preview: bytes, make: str, *, start: bytes = b"II*\0", mark: bytes = b"", dng: bool = False, orientation: int = 1
) -> bytes:
    """A first directory with the maker's name, and below it one for the preview and one for the values of the sensor."""
    order = ">" if start.startswith(b"MM") else "<"
    first = 8 + len(mark)
    known: list[Entry] = [(254, LONG, [1]), (271, ASCII, text(make)), (274, SHORT, [orientation])]
    known += [(50706, BYTE, [1, 4, 0, 0])] if dng else []
    length = len(directory([*known, (330, LONG, [0, 0])], first, order=order))
    of_preview: list[Entry] = [
        (254, LONG, [1]),
        (259, SHORT, [7]),
        (262, SHORT, [6]),
        (273, LONG, [0]),
        (279, LONG, [len(preview)]),
    ]
    of_sensor: list[Entry] = [(254, LONG, [0]), (256, LONG, [8]), (257, LONG, [8]), (259, SHORT, [1]), (262, SHORT, [32803])]
    second = first + length
    third = second + len(directory(of_preview, second, order=order))
    picture = third + len(directory(of_sensor, third, order=order))
    of_preview[3] = (273, LONG, [picture])
    return b"".join(
        [
            start + struct.pack(order + "I", first) + mark,
            directory([*known, (330, LONG, [second, third])], first, order=order),
            directory(of_preview, second, order=order),
            directory(of_sensor, third, order=order),
            preview,
            bytes(64),
        ]
    )


def _raf(preview: bytes) -> bytes:
    header = b"FUJIFILMCCD-RAW 0201FF393101".ljust(84, b"\0") + struct.pack(">II", 148, len(preview))
    return header.ljust(148, b"\0") + preview + bytes(64)


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def _cr3(preview: bytes) -> bytes:
    tags = b"II*\0" + struct.pack("<I", 8) + directory([(271, ASCII, text("Canon")), (274, SHORT, [1])], 8)
    canon = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    return (
        _box(b"ftyp", b"crx \0\0\0\1crx isom")
        + _box(b"moov", _box(b"uuid", canon + _box(b"CMT1", tags)))
        + _box(b"mdat", preview)
    )


# By the suffix that goes with it.
RAW_FILES: dict[str, Callable[[bytes], bytes]] = {
    "dng": lambda preview: tiff_like(preview, "Google", dng=True),
    "cr2": lambda preview: tiff_like(preview, "Canon", mark=b"CR\x02\0\0\0\0\0"),
    "cr3": _cr3,
    "nef": lambda preview: tiff_like(preview, "NIKON CORPORATION", start=b"MM\0*"),
    "nrw": lambda preview: tiff_like(preview, "NIKON"),
    "arw": lambda preview: tiff_like(preview, "SONY"),
    "raf": _raf,
    "orf": lambda preview: tiff_like(preview, "OLYMPUS CORPORATION", start=b"IIRO"),
    "rw2": lambda preview: tiff_like(preview, "Panasonic", start=b"IIU\0"),
    "pef": lambda preview: tiff_like(preview, "PENTAX", start=b"MM\0*"),
    "srw": lambda preview: tiff_like(preview, "SAMSUNG"),
}


def mosaic_dng(picture: Image.Image, preview: bytes = b"", size: tuple[int, int] = (0, 0)) -> bytes:
    """A DNG (1.4) with the values of a Bayer sensor that saw `picture`, and a JPEG of `size` as its preview, or none."""
    linear = (np.asarray(picture, np.float64) / 255) ** 2.2
    mosaic = np.empty(linear.shape[:2])
    for row, column, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        mosaic[row::2, column::2] = linear[row::2, column::2, channel]
    values = (mosaic * 65535).round().astype("<u2").tobytes()
    # From CIE XYZ to linear sRGB (IEC 61966-2-1), times 10,000: the sensor sees as sRGB does.
    matrix = [32406, -15372, -4986, -9689, 18758, 415, 557, -2040, 10570]
    entries: list[Entry] = [
        (254, LONG, [0]),
        (256, LONG, [picture.width]),
        (257, LONG, [picture.height]),
        (258, SHORT, [16]),
        (259, SHORT, [1]),
        (262, SHORT, [32803]),
        (271, ASCII, text("Test")),
        (272, ASCII, text("Camera")),
        (273, LONG, [0]),
        (274, SHORT, [1]),
        (277, SHORT, [1]),
        (278, LONG, [picture.height]),
        (279, LONG, [len(values)]),
        (33421, SHORT, [2, 2]),
        (33422, BYTE, [0, 1, 1, 2]),
        (50706, BYTE, [1, 4, 0, 0]),
        (50707, BYTE, [1, 1, 0, 0]),
        (50708, ASCII, text("Test Camera")),
        (50717, LONG, [65535]),
        (50721, SRATIONAL, [part for value in matrix for part in (value, 10000)]),
        (50728, RATIONAL, [1, 1, 1, 1, 1, 1]),
        (50778, SHORT, [21]),
    ]
    entries += [(330, LONG, [0])] if preview else []
    below = 8 + len(directory(entries, 8))
    of_preview: list[Entry] = [
        *((254, LONG, [1]), (256, LONG, [size[0]]), (257, LONG, [size[1]]), (258, SHORT, [8, 8, 8]), (259, SHORT, [7])),
        *((262, SHORT, [6]), (273, LONG, [0]), (277, SHORT, [3]), (278, LONG, [size[1]]), (279, LONG, [len(preview)])),
    ]
    start = below + (len(directory(of_preview, below)) if preview else 0)
    entries[8] = (273, LONG, [start])
    if not preview:
        return b"II*\0" + struct.pack("<I", 8) + directory(entries, 8) + values
    entries[-1] = (330, LONG, [below])
    of_preview[6] = (273, LONG, [start + len(values)])
    return b"II*\0" + struct.pack("<I", 8) + directory(entries, 8) + directory(of_preview, below) + values + preview
