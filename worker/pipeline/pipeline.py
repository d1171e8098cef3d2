"""A worker's pipeline: claim -> read -> deduplicate -> decode -> score -> record, until nothing is pending.

Decoders (processes), network (threads) and database (this thread) work side by side: none waits for another while it has
something to do. What waits between them is bounded by `in_hand`.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from time import monotonic

from scanner.domain.asked import made_with
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import Reused, Same
from scanner.jobs.leases import claim, release, suspect
from scanner.results.record import record, scored_among

from ..decoding.inputs import Ready
from ..decoding.video_frames import Video
from .aggregation import judge
from .charges import leases
from .in_hand import BYTES_IN_HAND, CROWDS, CROWDS_EACH, QUICK_BYTES, READ_AT_ONCE, InHand, Pace
from .judged import Judged
from .read import changed_since, read
from .types import Batch, Item, Worker

log = logging.getLogger(__name__)


def drain(worker: Worker, should_stop: Callable[[], bool], should_end: Callable[[], bool] = lambda: False) -> int:
    """Work until nothing is pending; returns how many files were concluded. On `should_stop()` what is not decoded is given back.

    On `should_end()` what is in hand is finished, and nothing more is claimed; at least one batch is, so that a worker that has
    to end as soon as it has begun still gets on. What goes wrong is raised; `leases` says what becomes of the files then.
    """
    with worker.deadline.busy(), ThreadPoolExecutor(worker.predictor.calls_at_once, "network") as network, leases(worker):
        return Pipeline(worker, network).run(should_stop, should_end)


class Pipeline:
    """The stages, and their order: the oldest batch first, and what is farthest on before what is new."""

    def __init__(self, worker: Worker, network: Executor) -> None:
        self._worker = worker
        self._network = network
        self._in_hand = InHand()
        self._pace = Pace(worker.settings.batch_size)
        self._recorded_at = monotonic()

    def run(self, should_stop: Callable[[], bool], should_end: Callable[[], bool]) -> int:
        """Hand on, record, claim, and wait only where there is nothing else to do; returns how many files were concluded."""
        concluded, in_hand = 0, self._in_hand
        while True:
            stopping = should_stop()
            if stopping:
                self._give_back(in_hand.give_up())
            if in_hand.is_decoded:
                self._score(in_hand.decoding.popleft())
            elif in_hand.is_judged:
                concluded += self._record(in_hand.scoring.popleft())
            elif in_hand.has_room and not stopping and not (concluded and should_end()):
                self._claim()
            elif in_hand.decoding or in_hand.scoring:
                in_hand.wait()
            elif in_hand.suspects:
                self._read(in_hand.suspects)
                in_hand.suspects, in_hand.alone = (), True
            else:
                return concluded
            self._worker.deadline.progress()

    def _claim(self) -> None:
        worker, settings = self._worker, self._worker.settings
        claimed = claim(
            worker.database,
            worker.name,
            self._pace.files,
            now=worker.now(),
            lease_seconds=settings.lease_seconds,
            max_attempts=settings.max_attempts,
            model=worker.model.sha256 or None,
        )
        self._in_hand.is_dry, self._in_hand.alone = not claimed, False
        if any(file.is_suspect for file in claimed):
            self._in_hand.suspects = claimed
        elif claimed:
            self._read(claimed)

    def _read(self, claimed: Sequence[Claimed]) -> None:
        batch, items = Batch(), list[Item]()
        for number, file in enumerate(claimed):
            if number and self._in_hand.is_full:
                self._give_back(claimed[number:])
                break
            found = read(self._worker, file)
            self._worker.deadline.progress()
            if isinstance(found, Item) and found.facts.sha256 == file.sha256:
                batch.outcomes.append(Same(file))
            elif isinstance(found, Item):
                frames = self._worker.settings.video_frames if isinstance(found.source, Video) else None
                found.made_with = made_with(self._worker.looks_for_faces(file), frames)
                items.append(found)
            else:
                batch.outcomes.append(found)
            if sum(item.bytes_read for item in items) > READ_AT_ONCE:
                self._deduplicate(batch, items)
                items = []
        self._deduplicate(batch, items)
        self._in_hand.decoding.append(batch)

    def _deduplicate(self, batch: Batch, items: Sequence[Item]) -> None:
        """Only what neither is in hand nor has been scored by this model in the same way is decoded."""
        worker, contents = self._worker, self._in_hand.contents
        known = {
            (sha256, way)
            for way in {item.made_with for item in items}
            for sha256 in scored_among(worker.database, worker.model, {i.facts.sha256 for i in items if i.made_with == way}, way)
        }
        quick: list[Item] = []
        for item in items:
            if item.key in contents:
                contents[item.key].files += item.files
            elif item.key in known:
                batch.outcomes += [Reused(file, item.facts.sha256, item.made_with) for file in item.files]
            else:
                contents[item.key] = item
                batch.items.append(item)
                faces = worker.looks_for_faces(item.files[0])
                if faces or not 0 < item.bytes_read <= QUICK_BYTES:
                    self._decode([item], faces=faces)
                else:
                    quick.append(item)
        self._decode(quick, faces=False)

    def _decode(self, items: Sequence[Item], *, faces: bool) -> None:
        worker, (first, *others) = self._worker, self._worker.predictor.wanted
        begun = worker.decoders.begin_all([item.source for item in items], first.size, first.shown, faces=faces, others=others)
        for item, decoding in zip(items, begun, strict=True):
            item.decoding, size = decoding, item.bytes_read
            if faces:
                size = max(size, BYTES_IN_HAND // max(CROWDS, CROWDS_EACH * worker.settings.decoders))
            if not isinstance(item.source, Video):
                item.source = b""
            self._in_hand.bound(decoding, size, worker.deadline.progress)

    def _score(self, batch: Batch) -> None:
        for item in batch.items:
            assert item.decoding is not None
            item.decoded = item.decoding.result()
            if isinstance(item.source, Video):
                file = item.files[0]
                item.decoded = changed_since(file, item.source, self._worker.local_root(file)) or item.decoded
        batch.judged = self._network.submit(_judged, self._worker, batch.ready)
        self._in_hand.scoring.append(batch)

    def _record(self, batch: Batch) -> int:
        worker = self._worker
        done = batch.concluded(worker.settings.max_attempts)
        now = monotonic()
        self._pace.recorded(len(done.outcomes), now - self._recorded_at, done.bytes_each)
        self._recorded_at = now
        outcomes = done.outcomes
        self._in_hand.forget(batch)
        if outcomes:
            device = worker.predictor.ran_on
            worker.tell(record(worker.database, worker.name, outcomes, worker.model, device=device, now=worker.now()))
        self._give_back(done.again)
        if done.alone:
            log.warning("%d files are tried again alone: their decoders ran out of time or died", len(done.alone))
            suspect(worker.database, worker.name, [file.id for file in done.alone], max_attempts=worker.settings.max_attempts)
        self._in_hand.is_dry = False
        return len(outcomes)

    def _give_back(self, files: Sequence[Claimed]) -> None:
        if files:
            release(self._worker.database, self._worker.name, [file.id for file in files], charge=False)


def _judged(worker: Worker, ready: Sequence[Ready]) -> tuple[list[Judged | str], float]:
    """Judge the contents of a batch together; and how many seconds that took for each."""
    if not ready:
        return [], 0.0
    began = monotonic()
    judged = judge(worker.predictor, worker.model, ready)
    return judged, (monotonic() - began) / len(ready)
