"""The texts of a PNG, wherever they stand, without decoding its pixels (https://www.w3.org/TR/png-3/, 11.3.3)."""

import zlib
from collections.abc import Iterator

from scanner.media.png_chunks import Chunk, chunks

from .budget import Budget

_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_KEYWORD = 80  # at most 79 bytes and a zero


def png_texts(content: bytes, budget: Budget, part: str, first: frozenset[str]) -> tuple[Iterator[tuple[str, str]], bytes]:
    """Pairs of keyword and text, and the EXIF block (empty where there is none). What is broken is left out.

    Keywords (lower case) in `first` come first, then short texts: what is put beside a trace uses up no budget before it.
    """
    found: list[tuple[bool, int, str, Chunk]] = []
    exif = b""
    for chunk in chunks(content):
        if chunk.kind in _TEXTS:
            keyword = content[chunk.start : chunk.start + min(chunk.length, _KEYWORD)].partition(b"\0")[0].decode("latin-1")
            found.append((keyword.lower() not in first, chunk.length, keyword, chunk))
        elif chunk.kind == b"eXIf" and not exif:
            exif = budget.taken(content[chunk.start : chunk.start + chunk.length], "EXIF")
    found.sort(key=lambda one: one[:2])
    return _texts(content, [(keyword, chunk) for _, _, keyword, chunk in found], budget, part), exif


def _texts(content: bytes, found: list[tuple[str, Chunk]], budget: Budget, part: str) -> Iterator[tuple[str, str]]:
    for keyword, chunk in found:
        if not budget.step(part):
            return
        # One byte more than may be read shows that there is more.
        body = content[chunk.start + len(keyword) + 1 : chunk.start + min(chunk.length, budget.field + _KEYWORD + 200)]
        text = budget.taken(_text(chunk.kind, body, budget.field + 1), part)
        if text:
            yield keyword, text


def _text(kind: bytes, rest: bytes, most: int) -> str:
    if kind == b"tEXt":
        # The standard says Latin-1; many generators write UTF-8.
        return _utf8_or_latin1(rest[:most])
    if kind == b"zTXt":
        return _utf8_or_latin1(_inflated(rest[1:], most))
    if len(rest) < 2:
        return ""
    language_and_more = rest[2:].split(b"\0", 2)
    if len(language_and_more) < 3:
        return ""
    body = language_and_more[2]
    return (_inflated(body, most) if rest[0] else body[:most]).decode("utf-8", "replace")


def _inflated(packed: bytes, most: int) -> bytes:
    """At most `most` bytes of it: a bomb is cut off, not unpacked. What stands before a damage counts."""
    unpacked = bytearray()
    unpacker = zlib.decompressobj()
    try:
        for at in range(0, len(packed), 1 << 14):
            unpacked += unpacker.decompress(packed[at : at + (1 << 14)], most - len(unpacked))
            if len(unpacked) >= most or unpacker.eof:
                break
    except zlib.error:
        pass
    return bytes(unpacked)


def _utf8_or_latin1(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")
