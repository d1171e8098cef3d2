"""The chunks of a PNG as far as they can be told, also where one is damaged (https://www.w3.org/TR/png-3/, 5)."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# After so many chunks beside the pixels these are looked for, not walked to: a file may hold millions of empty texts.
WALKED = 200_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk whose body begins at `start` and has `length` bytes; `is_whole` unless the file ends, or another begins, before."""

    kind: bytes
    start: int
    length: int
    is_whole: bool = True

    def is_sound(self, content: bytes) -> bool:
        """Whether it is whole and its checksum is right."""
        end = self.start + self.length
        return self.is_whole and zlib.crc32(memoryview(content)[self.start - 4 : end]) == int.from_bytes(content[end : end + 4])

    @property
    def is_critical(self) -> bool:
        """Whether the pixels cannot be read without it."""
        return self.kind[:1].isupper()


def chunks(content: bytes) -> Iterator[Chunk]:
    """The chunks of a PNG in their order, up to its end. Behind one whose length is wrong it goes on at the next pixels."""
    at = len(SIGNATURE)
    walked = 0
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 12 + length
        walked += kind != b"IDAT"
        if not _is_next(content, kind, end) or walked > WALKED:
            pixels = content.find(b"IDAT", at + 8)
            if kind == b"IDAT" or pixels < 0:
                if kind.isalpha():
                    yield Chunk(kind, at + 8, min(length, len(content) - at - 8), end <= len(content))
                return
            if kind.isalpha() and walked <= WALKED:
                yield Chunk(kind, at + 8, max(0, min(length, pixels - 4 - at - 8)), is_whole=False)
            at = pixels - 4
            continue
        yield Chunk(kind, at + 8, length)
        if kind == b"IEND":
            return
        at = end


def _is_next(content: bytes, kind: bytes, end: int) -> bool:
    """Whether a chunk of this kind can end there: at the end of the file, or where another begins."""
    if not kind.isalpha() or end > len(content):
        return False
    return end + 8 > len(content) or content[end + 4 : end + 8].isalpha()
