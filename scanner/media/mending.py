"""What viewers show of a damaged, overladen or rare file, as bytes that a strict decoder reads too.

Pixels decide, not what stands beside them: texts of any length, wrong checksums and a lost end keep no picture from being seen.
"""

import zlib
from dataclasses import dataclass

from .jpeg_segments import APP1, APP13, COMMENT, END, SCAN, segments
from .png_chunks import SIGNATURE, Chunk, chunks
from .rewriting import BIG_TIFF, missing_of_bmp, plain_bmp, plain_tiff

CUT_OFF = "damaged: truncated, the file ends before its picture does"
BAD_PART = "damaged: a part of it is incomplete or does not match its checksum"
# What Pillow unpacks of an ICC profile by itself, and where we stop: what is larger is no profile (`colour.MAX_PROFILE_BYTES`).
_PLAIN_PROFILE, _LARGEST_PROFILE = 1 << 20, (8 << 20) + 1
# Chunks beside the critical ones that make, turn or colour the pixels; with the least length that they have.
_PIXEL_CHUNKS = {b"tRNS": 1, b"acTL": 8, b"fcTL": 26, b"fdAT": 4, b"eXIf": 1, b"iCCP": 4}
# A larger eXIf is left on (it has an orientation, and a table that Pillow copies), and so are texts of a JPEG, all together.
_EXIF_BYTES, _JPEG_TEXTS = 1 << 16, 1 << 20
_JPEG_END = b"\xff\xd9"


@dataclass(frozen=True)
class Mended:
    """The bytes to decode. `damage` says what was wrong with the file's own, empty where that was nothing.

    `profile` is an ICC profile that is not in the bytes, as Pillow would not unpack it.
    """

    content: bytes
    damage: str = ""
    profile: bytes | None = None


def mended(content: bytes) -> Mended:
    """`content` in a form that can be decoded: PNG and JPEG mended, rare forms of BMP and TIFF rewritten, all else as it is."""
    if content.startswith(SIGNATURE):
        return _mended_png(content)
    if content.startswith(b"\xff\xd8\xff"):
        return _mended_jpeg(content)
    if content.startswith((b"BM", b"BA")):
        return _mended_bmp(plain_bmp(content))
    return Mended(plain_tiff(content) if content.startswith(BIG_TIFF) else content)


def _mended_png(content: bytes) -> Mended:
    kept: list[Chunk] = []
    damage, profile, is_plain, has_end = "", None, True, False
    for chunk in chunks(content):
        is_sound = chunk.is_sound(content)
        has_end = has_end or chunk.kind == b"IEND"
        if not is_sound:
            damage = damage or (CUT_OFF if chunk.is_critical and not chunk.is_whole else BAD_PART)
        if is_sound and chunk.kind == b"iCCP":
            profile = profile or _large_profile(content, chunk)
        is_kept = chunk.is_critical or (is_sound and _makes_pixels(chunk) and not (chunk.kind == b"iCCP" and profile is not None))
        is_plain = is_plain and is_kept and is_sound
        if is_kept:
            kept.append(chunk)
    damage = damage or ("" if has_end else CUT_OFF)
    return Mended(content) if is_plain and has_end else Mended(_png_of(content, kept), damage, profile)


def _makes_pixels(chunk: Chunk) -> bool:
    least = _PIXEL_CHUNKS.get(chunk.kind)
    return least is not None and chunk.length >= least and (chunk.kind != b"eXIf" or chunk.length <= _EXIF_BYTES)


def _png_of(content: bytes, kept: list[Chunk]) -> bytes:
    pieces: list[bytes | memoryview] = [SIGNATURE]
    for chunk in kept:
        if chunk.kind != b"IEND":
            body = memoryview(content)[chunk.start : chunk.start + chunk.length]
            crc = zlib.crc32(body, zlib.crc32(chunk.kind))
            pieces += [chunk.length.to_bytes(4), chunk.kind, body, crc.to_bytes(4)]
    return b"".join((*pieces, b"\0\0\0\0IEND\xae\x42\x60\x82"))


def _large_profile(content: bytes, chunk: Chunk) -> bytes | None:
    """The profile in an iCCP chunk that Pillow does not unpack, empty if nobody can; None for any other."""
    method_and_more = content[chunk.start : chunk.start + chunk.length].partition(b"\0")[2]
    if method_and_more[:1] != b"\0":
        return b""
    try:
        unpacked = zlib.decompressobj().decompress(method_and_more[1:], _LARGEST_PROFILE)
    except zlib.error:
        return b""
    return unpacked if len(unpacked) >= _PLAIN_PROFILE else None


def _mended_bmp(content: bytes) -> Mended:
    """With black for what is missing, unless that is most of it: a decoder says that it is truncated then."""
    missing = missing_of_bmp(content)
    return Mended(content + bytes(missing), CUT_OFF) if 0 < missing < len(content) else Mended(content)


def _mended_jpeg(content: bytes) -> Mended:
    texts, has_scan, whole_until, is_cut = [], False, len(content), not content.endswith(_JPEG_END)
    for segment in segments(content):
        if segment.marker == END:
            is_cut = False
        if not segment.is_whole:
            whole_until = segment.start - 4
        if segment.marker in (APP1, APP13, COMMENT) and not has_scan:
            texts.append(segment)
        if segment.marker == SCAN:
            has_scan = has_scan or segment.is_whole
            if not is_cut:
                break  # its data are not looked through
    if not has_scan:
        return Mended(content)
    beside = [one for one in texts if one.marker != APP1 or not content.startswith(b"Exif", one.start)]
    exif = [one for one in texts if one not in beside]
    drop = [*beside, *exif[1:]] if sum(one.length for one in texts) > _JPEG_TEXTS else []
    if not drop and not is_cut:
        return Mended(content)
    pieces, at = [], 0
    for one in sorted(drop, key=lambda one: one.start):
        pieces.append(content[at : one.start - 4])
        at = one.end
    pieces += [content[at:whole_until], _JPEG_END if is_cut else b""]
    return Mended(b"".join(pieces), CUT_OFF if is_cut else "")
