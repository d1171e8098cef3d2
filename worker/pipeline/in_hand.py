"""What a worker has in hand between two stages, and how much that may be."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from scanner.domain.claims import Claimed

from ..decoding.inputs import Ready
from .types import Batch, Item

# Batches: three at the network, which may work on two, so that it never waits; and two in the decoders, for the same reason.
IN_HAND = 5
AT_NETWORK = 3
# Bytes that are read before the database is asked which of the contents are known.
READ_AT_ONCE = 16 << 20
# Asking a decoder for a picture costs as much as decoding one of fewer bytes: of these, several are asked for together.
QUICK_BYTES = 64 << 10
# A batch takes about so long, at its slowest stage: what is to stop soon stops, who looks on soon sees more, what is new is soon
# taken up, and three transactions are little beside it.
BATCH_SECONDS = 1.0
# And its inputs take about so many bytes: five batches may be in hand.
BATCH_BYTES = 64 << 20
# Files of a batch before it is known what one takes; and whatever it takes.
FIRST_FILES, LEAST_FILES = 16, 8
# Undecoded bytes in memory, beyond which the decoders are waited for before more is read.
BYTES_IN_HAND = 256 << 20
# Bytes of inputs that wait for the network or are at it, beyond which no more files are taken up.
INPUT_BYTES = 256 << 20
# A picture in which faces are looked for may come to have many times the bytes of its file: so many of these wait for decoders
# at most, by decoder, or in all where that is more.
CROWDS_EACH, CROWDS = 4, 32


@dataclass
class InHand:
    """The batches, the oldest first at each place, and their contents by `Item.key`.

    `suspects` wait until nothing else is in hand: should they be the end of this process, they take no others along; `alone` says
    that they are what is in hand. `is_dry`: the last claim found nothing, and nothing was recorded since.
    """

    decoding: deque[Batch] = field(default_factory=deque)
    scoring: deque[Batch] = field(default_factory=deque)
    contents: dict[tuple[str, str], Item] = field(default_factory=dict)
    suspects: Sequence[Claimed] = ()
    alone: bool = False
    is_dry: bool = False
    _undecoded: deque[tuple[Future[Any], int]] = field(default_factory=deque)
    _undecoded_bytes: int = 0
    _input_bytes: int = 0
    _counting: Lock = field(default_factory=Lock)

    @property
    def has_room(self) -> bool:
        """Whether another batch may be claimed."""
        batches = len(self.decoding) + len(self.scoring)
        must_wait = batches and (self.alone or self.is_full)
        return not (self.is_dry or self.suspects or must_wait) and batches < IN_HAND

    @property
    def is_full(self) -> bool:
        """Whether the inputs that are decoded take all the memory that they may."""
        return self._input_bytes > INPUT_BYTES

    @property
    def is_decoded(self) -> bool:
        """Whether the oldest batch of the decoders can go to the network."""
        return self._next_at_network is not None and self._next_at_network.undecoded is None

    @property
    def is_judged(self) -> bool:
        """Whether the oldest batch of the network can be recorded."""
        return bool(self.scoring) and self.scoring[0].is_judged

    @property
    def _next_at_network(self) -> Batch | None:
        return self.decoding[0] if self.decoding and len(self.scoring) < AT_NETWORK else None

    def wait(self) -> None:
        """Until a batch can go to the network, or be recorded."""
        first = self._next_at_network
        awaited: list[Future[Any] | None] = [self.scoring[0].judged if self.scoring else None, first.undecoded if first else None]
        wait([future for future in awaited if future], return_when=FIRST_COMPLETED)

    def bound(self, future: Future[Any], size: int, progress: Callable[[], None]) -> None:
        """Note `size` bytes that wait for a decoder until `future` is done, and wait while there are too many.

        Then its inputs are in memory, until its batch is forgotten.
        """
        future.add_done_callback(self._count_inputs)
        self._undecoded.append((future, size))
        self._undecoded_bytes += size
        while self._undecoded and self._undecoded[0][0].done():
            self._undecoded_bytes -= self._undecoded.popleft()[1]
        while self._undecoded_bytes > BYTES_IN_HAND:
            # Others than the first may be done.
            self._undecoded = deque(one for one in self._undecoded if not one[0].done())
            self._undecoded_bytes = sum(of_it for _, of_it in self._undecoded)
            if self._undecoded_bytes > BYTES_IN_HAND:
                wait([each for each, _ in self._undecoded], return_when=FIRST_COMPLETED)
                progress()

    def forget(self, batch: Batch) -> None:
        """Its contents are no longer in hand."""
        for item in batch.items:
            del self.contents[item.key]
            if item.decoding is not None and item.decoding.done():
                self._count_inputs(item.decoding, -1)

    def _count_inputs(self, decoded: Future[Any], sign: int = 1) -> None:
        if decoded.exception() is None and isinstance(ready := decoded.result(), Ready):
            with self._counting:  # decoding is done in other threads
                self._input_bytes += sign * ready.nbytes

    def give_up(self) -> list[Claimed]:
        """What the decoders have, and suspects: no longer in hand. Waiting for them would make whoever stops us wait."""
        files = [*(file for batch in self.decoding for file in batch.files), *self.suspects]
        for batch in self.decoding:
            self.forget(batch)
        self.decoding.clear()
        self.suspects = ()
        return files


@dataclass
class Pace:
    """How many files are claimed at once, at most `most`: those done in `BATCH_SECONDS` and with `BATCH_BYTES` of inputs."""

    most: int
    # Of the latest batches, each counted half as much as the one after it: several may be recorded one right after the other.
    _files: float = FIRST_FILES
    _seconds: float = BATCH_SECONDS
    _bytes_each: float = 1.0

    @property
    def files(self) -> int:
        """The size of the next batch."""
        allowed = min(BATCH_SECONDS * self._files / self._seconds, BATCH_BYTES / self._bytes_each)
        return min(self.most, max(LEAST_FILES, int(allowed)))

    def recorded(self, files: int, seconds: float, bytes_each: float) -> None:
        """Note a batch of `files`: the seconds since the one before, and the bytes of each content's inputs; 0: it had none."""
        if files:
            # Slower ones make the least batches anyway, and a single slow one is soon forgotten.
            self._seconds = self._seconds / 2 + min(seconds, files * BATCH_SECONDS / LEAST_FILES)
            self._files = self._files / 2 + files
        if bytes_each > 0:
            self._bytes_each = max(1.0, bytes_each)
