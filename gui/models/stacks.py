"""Stacks of near copies: which of the queue's images share a tile.

A stack hides images, so it is stricter than what counts as a near copy: the fingerprints of its members differ from its head's in
at most NEAR of 64 bits, and all have the head's label.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scanner.database.hamming import bits_apart
from scanner.review.ordering import QueueItem

# Of this many bands of bits and one more, one is equal in two near fingerprints: each differing bit spoils one at most.
NEAR = 3


@dataclass(frozen=True)
class StackPart:
    """What a row is in a stack of `size` images."""

    size: int
    is_head: bool
    is_open: bool


class Stacks:
    """Heads are images with a tile of their own; members stand behind one, and have a row only while their stack is open."""

    def __init__(self) -> None:
        self._heads: dict[int, QueueItem] = {}
        self._by_band: dict[int, list[QueueItem]] = {}
        self._members: dict[int, dict[int, QueueItem]] = {}
        self._head_of: dict[int, int] = {}
        self._open: set[int] = set()

    def head_for(self, item: QueueItem) -> QueueItem | None:
        """The head that an image could stand behind, the one that came first; None where there is none."""
        if item.fingerprint is None:
            return None
        for band in _bands(item.fingerprint):
            for head in self._by_band.get(band, ()):
                if head.label == item.label and are_near(head, item):
                    return head
        return None

    def lead(self, item: QueueItem) -> None:
        """An image gets a tile of its own."""
        if item.fingerprint is not None:
            self._heads[item.file_id] = item
            for band in _bands(item.fingerprint):
                self._by_band.setdefault(band, []).append(item)

    def join(self, head: QueueItem, item: QueueItem) -> None:
        """An image stands behind a head, or is brought up to date there."""
        self._members.setdefault(head.file_id, {})[item.file_id] = item
        self._head_of[item.file_id] = head.file_id

    def renew(self, item: QueueItem) -> None:
        """An image is known better, and stands where it stood."""
        if (head := self._heads.get(item.file_id)) is not None and head.fingerprint is not None:
            for band in _bands(head.fingerprint):
                heads = self._by_band[band]
                heads[heads.index(head)] = item
            self._heads[item.file_id] = item
        elif (head_id := self._head_of.get(item.file_id)) is not None:
            self._members[head_id][item.file_id] = item

    def member(self, file_id: int) -> QueueItem | None:
        """One that stands behind a head."""
        head_id = self._head_of.get(file_id)
        return None if head_id is None else self._members[head_id][file_id]

    def leave(self, file_id: int) -> None:
        """A member is no longer there."""
        head_id = self._head_of.pop(file_id)
        del self._members[head_id][file_id]
        if not self._members[head_id]:
            del self._members[head_id]
            self._open.discard(head_id)

    def disband(self, head_id: int) -> list[QueueItem]:
        """A head is no longer there; gives its members, which need another place."""
        head = self._heads.pop(head_id, None)
        if head is not None and head.fingerprint is not None:
            for band in _bands(head.fingerprint):
                self._by_band[band].remove(head)
        self._open.discard(head_id)
        left = list(self._members.pop(head_id, {}).values())
        for item in left:
            del self._head_of[item.file_id]
        return left

    def members(self, head_id: int) -> list[QueueItem]:
        """Those behind a head."""
        return list(self._members.get(head_id, {}).values())

    def part(self, file_id: int) -> StackPart | None:
        """What an image is in its stack; None of one that is alone."""
        head_id = self._head_of.get(file_id, file_id)
        behind = self.count(head_id)
        return StackPart(behind + 1, head_id == file_id, head_id in self._open) if behind else None

    def count(self, head_id: int) -> int:
        """How many are behind a head."""
        return len(self._members.get(head_id, ()))

    def head_of(self, file_id: int) -> int | None:
        """The head that a member stands behind; None of what is no member."""
        return self._head_of.get(file_id)

    def head_above(self, file_id: int) -> QueueItem:
        """The same, itself."""
        return self._heads[self._head_of[file_id]]

    def hidden(self) -> Iterator[QueueItem]:
        """Members without a row."""
        for head_id, members in self._members.items():
            if head_id not in self._open:
                yield from members.values()

    def is_hidden(self, file_id: int) -> bool:
        """Whether it is a member of a stack that is closed."""
        head_id = self._head_of.get(file_id)
        return head_id is not None and head_id not in self._open

    def is_open(self, head_id: int) -> bool:
        """Whether its members have rows."""
        return head_id in self._open

    def set_open(self, head_id: int, *, opened: bool) -> None:
        """Whether its members have rows from now on."""
        (self._open.add if opened else self._open.discard)(head_id)


def are_near(one: QueueItem, other: QueueItem) -> bool:
    """Whether one image could stand behind the other."""
    if one.fingerprint is None or other.fingerprint is None or one.label != other.label:
        return False
    return bits_apart(one.fingerprint, other.fingerprint) <= NEAR


def _bands(fingerprint: int) -> tuple[int, int, int, int]:
    """The fingerprint in four bands, each with its number, so that one key stands for one band. Asked of every image."""
    return (
        fingerprint & 0xFFFF,
        fingerprint >> 16 & 0xFFFF | 0x10000,
        fingerprint >> 32 & 0xFFFF | 0x20000,
        fingerprint >> 48 & 0xFFFF | 0x30000,
    )


def runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending numbers as runs of neighbours."""
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and found[-1][1] == row - 1:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found
