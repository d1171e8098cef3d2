"""Stacks of near copies: which of the queue's images share a tile.

A stack hides images, so it is stricter than what counts as a near copy: the fingerprints of its members differ from its head's in
at most NEAR of 64 bits, and all have the head's label.
"""

from collections.abc import Iterator, KeysView, Sequence
from dataclasses import dataclass

from scanner.review.ordering import QueueItem

from .near_heads import NearHeads, are_near


@dataclass(frozen=True)
class StackPart:
    """What a row is in a stack of `size` images."""

    size: int
    is_head: bool
    is_open: bool


class Stacks:
    """Heads are images with a tile of their own; members stand behind one, and have a row only while their stack is open."""

    def __init__(self) -> None:
        self._heads = NearHeads()
        self._members: dict[int, dict[int, QueueItem]] = {}
        self._head_of: dict[int, QueueItem] = {}
        self._open: set[int] = set()

    def take(self, items: Sequence[QueueItem]) -> list[QueueItem]:
        """Images that follow all others: gives those that get a tile of their own. The others stand behind a head."""
        heads = self._heads.take(items)
        if not heads:
            return list(items)
        for item in items:
            if (head := heads.get(item.file_id)) is not None:
                self.join(head, item)
        return [item for item in items if item.file_id not in heads]

    def head_for(self, item: QueueItem) -> QueueItem | None:
        """The head that an image could stand behind, the one that came first; None where there is none."""
        return self._heads.find(item)

    def lead(self, item: QueueItem) -> None:
        """An image gets a tile of its own."""
        self._heads.add(item)

    def join(self, head: QueueItem, item: QueueItem) -> None:
        """An image stands behind a head, or is brought up to date there."""
        self._members.setdefault(head.file_id, {})[item.file_id] = item
        self._head_of[item.file_id] = head

    def renew(self, item: QueueItem) -> None:
        """An image is known better, and stands where it stood."""
        if (head := self._head_of.get(item.file_id)) is not None:
            self._members[head.file_id][item.file_id] = item
            return
        self._heads.renew(item)
        for member_id in self._members.get(item.file_id, ()):
            self._head_of[member_id] = item

    def member(self, file_id: int) -> QueueItem | None:
        """One that stands behind a head."""
        head = self._head_of.get(file_id)
        return None if head is None else self._members[head.file_id][file_id]

    def leave(self, file_id: int) -> None:
        """A member is no longer there."""
        head_id = self._head_of.pop(file_id).file_id
        del self._members[head_id][file_id]
        if not self._members[head_id]:
            del self._members[head_id]
            self._open.discard(head_id)

    def disband(self, head: QueueItem) -> list[QueueItem]:
        """A head is no longer there; gives its members, which need another place."""
        self._heads.remove(head)
        self._open.discard(head.file_id)
        left = list(self._members.pop(head.file_id, {}).values())
        for item in left:
            del self._head_of[item.file_id]
        return left

    def regroup(self, items: Sequence[QueueItem]) -> None:
        """Of an open stack that has lost its head: the first becomes the head of those that are near to it, and so on."""
        heads: list[QueueItem] = []
        for item in items:
            head = next((head for head in heads if are_near(head, item)), None)
            if head is None:
                heads.append(item)
                self.lead(item)
            else:
                self.join(head, item)
                self.set_open(head.file_id, opened=True)

    def members(self, head_id: int) -> list[QueueItem]:
        """Those behind a head."""
        return list(self._members.get(head_id, {}).values())

    def part(self, file_id: int) -> StackPart | None:
        """What an image is in its stack; None of one that is alone."""
        head_id = file_id if (head := self._head_of.get(file_id)) is None else head.file_id
        behind = self.count(head_id)
        return StackPart(behind + 1, head_id == file_id, head_id in self._open) if behind else None

    def count(self, head_id: int) -> int:
        """How many are behind a head."""
        return len(self._members.get(head_id, ()))

    @property
    def member_ids(self) -> KeysView[int]:
        """The files that stand behind a head."""
        return self._head_of.keys()

    def head_of(self, file_id: int) -> QueueItem | None:
        """The head that a member stands behind; None of what is no member."""
        return self._head_of.get(file_id)

    def hidden(self) -> Iterator[QueueItem]:
        """Members without a row."""
        for head_id, members in self._members.items():
            if head_id not in self._open:
                yield from members.values()

    def is_hidden(self, file_id: int) -> bool:
        """Whether it is a member of a stack that is closed."""
        head = self._head_of.get(file_id)
        return head is not None and head.file_id not in self._open

    def is_open(self, head_id: int) -> bool:
        """Whether its members have rows."""
        return head_id in self._open

    def set_open(self, head_id: int, *, opened: bool) -> None:
        """Whether its members have rows from now on."""
        (self._open.add if opened else self._open.discard)(head_id)


def runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending numbers as runs of neighbours."""
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and found[-1][1] == row - 1:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found
