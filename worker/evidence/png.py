"""The text chunks of a PNG, wherever they stand, without decoding its pixels (https://www.w3.org/TR/png-3/)."""

import struct
import zlib

PNG = b"\x89PNG\r\n\x1a\n"
# Chunks that are looked at, and how large one text may become (bytes).
_CHUNKS, _TEXT_BYTES = 10_000, 1 << 20


def png_texts(content: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """Pairs of keyword and text, and the EXIF block (empty where there is none). What is broken is left out."""
    texts: list[tuple[str, str]] = []
    exif = b""
    at = len(PNG)
    for _ in range(_CHUNKS):
        if at + 8 > len(content):
            break
        length, kind = struct.unpack_from(">I4s", content, at)
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            keyword, _, rest = content[at + 8 : at + 8 + min(length, _TEXT_BYTES)].partition(b"\0")
            text = _text(kind, rest)
            if text:
                texts.append((keyword.decode("latin-1"), text))
        elif kind == b"eXIf":
            exif = content[at + 8 : at + 8 + min(length, _TEXT_BYTES)]
        at += 12 + length
    return texts, exif


def _text(kind: bytes, rest: bytes) -> str:
    if kind == b"tEXt":
        # The standard says Latin-1; many generators write UTF-8.
        return _utf8_or_latin1(rest)
    if kind == b"zTXt":
        return _utf8_or_latin1(_inflated(rest[1:]))
    if len(rest) < 2:
        return ""
    language_and_more = rest[2:].split(b"\0", 2)
    if len(language_and_more) < 3:
        return ""
    body = language_and_more[2]
    return (_inflated(body) if rest[0] else body).decode("utf-8", "replace")


def _inflated(packed: bytes) -> bytes:
    """At most _TEXT_BYTES of it: a bomb is cut off, not unpacked."""
    try:
        return zlib.decompressobj().decompress(packed, _TEXT_BYTES)
    except zlib.error:
        return b""


def _utf8_or_latin1(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")
