"""The segments of a JPEG, also of one that is cut off (ITU-T T.81, B.1)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

START, END, SCAN, COMMENT, APP1, APP13 = 0xD8, 0xD9, 0xDA, 0xFE, 0xE1, 0xED
_WITHOUT_LENGTH = frozenset((0x01, *range(0xD0, 0xD9)))
# What ends a scan's data: any marker but a restart. A stuffed zero and fill bytes are none.
_NEXT = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment whose body begins at `start` and has `length` bytes; the data of a scan are no part of it.

    One in which the file ends is not whole.
    """

    marker: int
    start: int
    length: int
    is_whole: bool = True

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + self.length


def segments(content: bytes) -> Iterator[Segment]:
    """The segments of a JPEG in their order; END is the last, unless the file is cut off before it."""
    at = 2
    while at + 2 <= len(content):
        if content[at] != 0xFF:
            return
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker == END:
            yield Segment(END, at + 2, 0)
            return
        if marker in _WITHOUT_LENGTH:
            at += 2
            continue
        length = int.from_bytes(content[at + 2 : at + 4])
        if at + 4 > len(content) or at + 2 + length > len(content):
            yield Segment(marker, at + 4, max(0, len(content) - at - 4), is_whole=False)
            return
        if length < 2:
            return
        yield Segment(marker, at + 4, length - 2)
        at += 2 + length
        if marker == SCAN:
            following = _NEXT.search(content, at)
            if following is None:
                return
            at = following.start()
