"""The texts of a PNG, which opening a picture leaves out (https://www.w3.org/TR/png-3/, 11.3.3)."""

import zlib
from collections.abc import Iterator

from ..png_chunks import Chunk, chunks

_TEXTS = (b"tEXt", b"zTXt", b"iTXt")


def png_texts(content: bytes, longest: int) -> Iterator[tuple[str, str]]:
    """Pairs of keyword and text, each text at most about `longest` characters. What is broken is left out."""
    for chunk in chunks(content):
        if chunk.kind in _TEXTS:
            keyword, text = _read(content, chunk, longest)
            if keyword and text:
                yield keyword, text


def _read(content: bytes, chunk: Chunk, longest: int) -> tuple[str, str]:
    # A character has at most four bytes, and a packed text of that length is no longer than a little more.
    body = content[chunk.start : chunk.start + min(chunk.length, 4 * longest + 1_000)]
    keyword, _, rest = body.partition(b"\0")
    if chunk.kind == b"tEXt":
        text = rest
    elif chunk.kind == b"zTXt":
        text = _inflated(rest[1:], 4 * longest)
    else:
        text = rest[2:].split(b"\0", 2)[-1] if rest[2:].count(b"\0") > 1 else b""
        text = _inflated(text, 4 * longest) if rest[:1] == b"\1" else text
    try:
        return keyword.decode("latin-1"), text.decode("utf-8")[:longest]
    except UnicodeDecodeError:  # the standard says Latin-1; many generators write UTF-8
        return keyword.decode("latin-1"), text.decode("latin-1")[:longest]


def _inflated(packed: bytes, most: int) -> bytes:
    """At most `most` bytes of it: a bomb is cut off, not unpacked."""
    try:
        return zlib.decompressobj().decompress(packed, most)
    except zlib.error:
        return b""
