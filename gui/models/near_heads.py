"""Finds the images near to another one among a hundred thousand, by their fingerprints.

Fingerprints that differ in at most NEAR bits agree in one of NEAR + 1 bands of bits: each differing bit spoils one at most. So
there is a chain of places for each value of each band. All in arrays of numbers: every image of the queue is in it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from scanner.database.hamming import bits_apart
from scanner.review.ordering import QueueItem

NEAR = 3
_BITS = 16
_MASK = (1 << _BITS) - 1
_ALL = (1 << 64) - 1
_SHIFTS = tuple(_BITS * band for band in range(NEAR + 1))


class NearHeads:
    """Images with a tile of their own, in the order in which they came."""

    def __init__(self) -> None:
        self._items: list[QueueItem | None] = []  # by place; None of what is no head, or no longer
        self._fingerprints = array("Q")
        # Of each band: the place that came last with each value, and behind each place the one before it.
        self._latest = tuple(array("i", [-1]) * (1 << _BITS) for _ in _SHIFTS)
        self._before = tuple(array("i") for _ in _SHIFTS)

    def find(self, item: QueueItem) -> QueueItem | None:
        """The first head that is near to an image and has its label."""
        fingerprint = item.fingerprint
        if fingerprint is None:
            return None
        places = [
            place for shift, latest, before in self._bands() for place in _chain(latest[fingerprint >> shift & _MASK], before)
        ]
        return self._first(item, places)

    def add(self, item: QueueItem) -> None:
        """One more head."""
        self.take((item,), search=False)

    def take(self, items: Sequence[QueueItem], *, search: bool = True) -> dict[int, QueueItem]:
        """The heads that images stand behind, by the files of these; all others have become heads themselves.

        All at once, because it is asked of every image of the queue.
        """
        told = [(item, item.fingerprint) for item in items]
        marked = [item for item, fingerprint in told if fingerprint is not None]
        fingerprints = [fingerprint & _ALL for _, fingerprint in told if fingerprint is not None]
        start = len(self._items)
        self._items += marked
        self._fingerprints.extend(fingerprints)
        near: dict[int, list[int]] = {}
        for shift, latest, before in self._bands():
            values = [fingerprint >> shift & _MASK for fingerprint in fingerprints]
            for place, value in enumerate(values, start):
                before.append(latest[value])
                latest[value] = place
            if search:
                self._search(fingerprints, start, before, near)
        heads: dict[int, QueueItem] = {}
        for place in sorted(near):
            item = marked[place - start]
            if (head := self._first(item, near[place])) is not None:
                heads[item.file_id] = head
                self._items[place] = None
        return heads

    def renew(self, item: QueueItem) -> None:
        """A head, if it is one, is known better; its fingerprint is the same."""
        if (place := self._place(item)) is not None:
            self._items[place] = item

    def remove(self, item: QueueItem) -> None:
        """It is no head any more. Its place stays in the chains, which costs less than to look for it there."""
        if (place := self._place(item)) is not None:
            self._items[place] = None

    def _bands(self) -> Iterable[tuple[int, array[int], array[int]]]:
        return zip(_SHIFTS, self._latest, self._before, strict=True)

    def _search(self, fingerprints: Sequence[int], start: int, before: array[int], near: dict[int, list[int]]) -> None:
        """The places behind `start`, which have these fingerprints, with the places before them that are near to them."""
        known = self._fingerprints
        chains = [chain for chain in zip(fingerprints, range(start, len(before)), before[start:], strict=True) if chain[2] >= 0]
        while chains:  # a step along all of them
            for place, other in [(i, j) for one, i, j in chains if (one ^ known[j]).bit_count() <= NEAR]:
                near.setdefault(place, []).append(other)
            chains = [(one, place, behind) for one, place, other in chains if (behind := before[other]) >= 0]

    def _first(self, item: QueueItem, places: Sequence[int]) -> QueueItem | None:
        for place in sorted(places):
            head = self._items[place]
            if head is not None and are_near(head, item):
                return head
        return None

    def _place(self, item: QueueItem) -> int | None:
        if item.fingerprint is None:
            return None
        for place in _chain(self._latest[0][item.fingerprint & _MASK], self._before[0]):
            found = self._items[place]
            if found is not None and found.file_id == item.file_id:
                return place
        return None


def are_near(one: QueueItem, other: QueueItem) -> bool:
    """Whether one image could stand behind the other."""
    if one.fingerprint is None or other.fingerprint is None or one.label != other.label:
        return False
    return bits_apart(one.fingerprint, other.fingerprint) <= NEAR


def _chain(place: int, before: array[int]) -> list[int]:
    """A place and all before it that have the same value."""
    found = []
    while place >= 0:
        found.append(place)
        place = before[place]
    return found
