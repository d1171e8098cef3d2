"""A worker's work: claim pending files, read, decode, predict, record, until nothing is pending.

A batch passes three places: the decoders (processes), the network (threads), and the database. None waits for another while it
has something to do. What is in hand is bounded by `IN_HAND` batches, and by `BYTES_IN_HAND`.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic
from typing import Any

from scanner.base.errors import KnownError
from scanner.base.settings import Settings
from scanner.database.engine import Database, DatabaseUnavailable
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import ActiveModel, ContentFacts, Failed, Outcome, Reused, Scored
from scanner.jobs.leases import claim, release
from scanner.jobs.path_map import local_path
from scanner.media.formats import announced_container, has_video_suffix
from scanner.results.record import record, scored_among

from ..decoding.decoder_pool import DecoderPool, DecodersFail, PoolBroke
from ..decoding.inputs import Ready
from ..decoding.video_frames import Video
from ..detector.image.picture import PictureError
from ..detector.inference.scorer import Scorer
from .aggregation import Judged, judge
from .deadline import Deadline
from .file_reader import changed_since, read_image, read_video
from .scoring import NetworkFails, OutOfMemory

# Batches: three at the network, which may work on two, so that it never waits; and two in the decoders, for the same reason.
IN_HAND = 5
AT_NETWORK = 3
# Bytes that are read before the database is asked which of the contents are known.
READ_AT_ONCE = 16 << 20
# Undecoded bytes in memory, beyond which the decoders are waited for before more is read.
BYTES_IN_HAND = 256 << 20
# What goes wrong around the work, whatever the files are.
SURROUNDINGS = (KnownError, OutOfMemory, NetworkFails, DecodersFail, MemoryError, OSError)


@dataclass(frozen=True)
class Worker:
    """What a worker works with. `now` gives the time with its zone; `name` owns its leases."""

    name: str
    settings: Settings
    database: Database
    predictor: Scorer
    model: ActiveModel
    decoders: DecoderPool
    now: Callable[[], datetime]
    deadline: Deadline
    path_map: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Read:
    """A file that was read, or a video that a decoder will read."""

    file: Claimed
    content: bytes | Video
    facts: ContentFacts

    @property
    def bytes(self) -> int:
        """In memory."""
        return 0 if isinstance(self.content, Video) else len(self.content)


@dataclass(frozen=True)
class _Content:
    """One content on its way, and the claimed files that hold it; `video` is where the first of them is."""

    facts: ContentFacts
    files: list[Claimed]
    future: "Future[Ready]"
    video: Video | None = None


@dataclass(frozen=True)
class _Batch:
    """What is concluded without a look at it, and what is to be looked at."""

    outcomes: list[Outcome]
    contents: list[_Content]

    @property
    def undecoded(self) -> "Future[Ready] | None":
        """A decoder's work that is to be waited for."""
        return next((content.future for content in self.contents if not content.future.done()), None)


@dataclass(frozen=True)
class _AtNetwork:
    """A batch with what its contents were decoded to, and what is made of those that are ready, with the seconds each took."""

    batch: _Batch
    decoded: list[Ready | PictureError | PoolBroke | Outcome]
    judged: "Future[tuple[list[Judged | str], float]]"


def drain(worker: Worker, should_stop: Callable[[], bool], should_end: Callable[[], bool] = lambda: False) -> int:
    """Work until nothing is pending; returns how many files were concluded. On `should_stop()` what is not decoded is given back.

    On `should_end()` what is in hand is finished, and nothing more is claimed; at least one batch is, so that a worker that has
    to end as soon as it has begun still gets on.

    When anything but a file goes wrong, everything in hand is given back and the error is raised. Files are charged only where it
    is a bug of ours: one of them may have met it, and would meet it for ever; charged, they are soon taken one by one.
    """
    with worker.deadline.busy(), ThreadPoolExecutor(worker.predictor.calls_at_once, "network") as network:
        try:
            # What an earlier drain held when the database went away is ours still, and would be as long as we live.
            release(worker.database, worker.name, charge=False)
            return _Line(worker, network).run(should_stop, should_end)
        except BaseException as error:
            is_bug = isinstance(error, Exception) and not isinstance(error, SURROUNDINGS)
            # Without a database the leases run out by themselves.
            with suppress(DatabaseUnavailable):
                release(worker.database, worker.name, charge=is_bug)
            raise


class _Line:
    """The batches in hand, the oldest first at each place."""

    def __init__(self, worker: Worker, network: Executor) -> None:
        self._worker = worker
        self._network = network
        self._size = worker.predictor.card.recipe.preprocessing.size
        self._decoding: deque[_Batch] = deque()
        self._judging: deque[_AtNetwork] = deque()
        self._suspects: Sequence[Claimed] = ()
        self._alone = False
        self._is_dry = False  # the last claim found nothing, and nothing was written down since
        self._by_sha256: dict[str, _Content] = {}
        self._unread: list[tuple[Future[Ready], int]] = []

    def run(self, should_stop: Callable[[], bool], should_end: Callable[[], bool]) -> int:
        """Take in, hand on, write down, and wait only where there is nothing else to do; returns how many were concluded."""
        concluded = 0
        while True:
            stopping = should_stop()
            if stopping:
                self._give_back()
            if self._decoding and len(self._judging) < AT_NETWORK and self._decoding[0].undecoded is None:
                self._hand_on(self._decoding.popleft())
            elif self._judging and self._judging[0].judged.done():
                concluded += self._write_down(self._judging.popleft())
            elif self._has_room() and not stopping and not (concluded and should_end()):
                self._take_in()
            elif self._decoding or self._judging:
                self._wait()
            elif self._suspects:
                self._begin(self._suspects)
                self._suspects, self._alone = (), True
            else:
                return concluded
            self._worker.deadline.progress()

    def _has_room(self) -> bool:
        in_hand = len(self._decoding) + len(self._judging)
        return not (self._is_dry or self._suspects or (self._alone and in_hand)) and in_hand < IN_HAND

    def _take_in(self) -> None:
        """Claim a batch, if there is one. A suspect waits until nothing else is in hand: should it be the end of this process,
        it takes no others along.
        """
        worker, settings = self._worker, self._worker.settings
        claimed = claim(
            worker.database,
            worker.name,
            settings.batch_size,
            now=worker.now(),
            lease_seconds=settings.lease_seconds,
            max_attempts=settings.max_attempts,
        )
        self._is_dry, self._alone = not claimed, False
        if any(file.is_suspect for file in claimed):
            self._suspects = claimed
        elif claimed:
            self._begin(claimed)

    def _begin(self, claimed: Sequence[Claimed]) -> None:
        """Read the files and start to decode those contents that the model has not scored yet."""
        batch = _Batch([], [])
        read: list[_Read] = []
        for file in claimed:
            found = _read(self._worker, file)
            self._worker.deadline.progress()
            if isinstance(found, _Read):
                read.append(found)
            else:
                batch.outcomes.append(found)
            if sum(each.bytes for each in read) > READ_AT_ONCE:
                self._decode(batch, read)
                read = []
        self._decode(batch, read)
        self._decoding.append(batch)

    def _decode(self, batch: _Batch, read: Sequence[_Read]) -> None:
        worker = self._worker
        known = scored_among(worker.database, worker.model, {each.facts.sha256 for each in read}) if read else set()
        for each in read:
            sha256 = each.facts.sha256
            if sha256 in self._by_sha256:
                self._by_sha256[sha256].files.append(each.file)
            elif sha256 in known:
                batch.outcomes.append(Reused(each.file, sha256))
            else:
                video = each.content if isinstance(each.content, Video) else None
                content = _Content(each.facts, [each.file], worker.decoders.begin(each.content, self._size), video)
                self._by_sha256[sha256] = content
                batch.contents.append(content)
                self._bound(content.future, each.bytes)

    def _bound(self, future: "Future[Ready]", size: int) -> None:
        """Note `size` undecoded bytes, and wait while there are too many."""
        self._unread.append((future, size))
        self._unread = [(each, of_it) for each, of_it in self._unread if not each.done()]
        while sum(of_it for _, of_it in self._unread) > BYTES_IN_HAND:
            wait([each for each, _ in self._unread], return_when=FIRST_COMPLETED)
            self._worker.deadline.progress()
            self._unread = [(each, of_it) for each, of_it in self._unread if not each.done()]

    def _hand_on(self, batch: _Batch) -> None:
        """What is decoded goes to the network."""
        worker = self._worker
        decoded: list[Ready | PictureError | PoolBroke | Outcome] = []
        for content in batch.contents:
            outcome = worker.decoders.outcome(content.future)
            root = _local_root(worker, content.files[0])
            changed = changed_since(content.files[0], content.video, root) if content.video else None
            decoded.append(changed or outcome)
        ready = [each for each in decoded if isinstance(each, Ready)]
        self._judging.append(_AtNetwork(batch, decoded, self._network.submit(_judged, worker, ready)))

    def _write_down(self, done: _AtNetwork) -> int:
        """Record a batch in one transaction; returns how many files it concludes."""
        worker, outcomes, again = self._worker, list(done.batch.outcomes), list[Claimed]()
        judged, seconds = done.judged.result()
        found = iter(judged)
        for content, decoded in zip(done.batch.contents, done.decoded, strict=True):
            del self._by_sha256[content.facts.sha256]
            if isinstance(decoded, Ready):
                outcomes += _scored(content, decoded, next(found), seconds)
            elif isinstance(decoded, PictureError):
                outcomes += [Failed(file, "undecodable", str(decoded), content.facts) for file in content.files]
            elif isinstance(decoded, PoolBroke):
                again += content.files
            else:
                outcomes.append(decoded)
                again += content.files[1:]
        if outcomes:
            record(worker.database, worker.name, outcomes, worker.model, device=worker.predictor.ran_on, now=worker.now())
        if again:
            release(worker.database, worker.name, [file.id for file in again], charge=False)
        self._is_dry = False
        return len(outcomes)

    def _give_back(self) -> None:
        """What the decoders have is given up: waiting for it would make whoever stops us wait."""
        contents = [content for batch in self._decoding for content in batch.contents]
        files = [file for content in contents for file in content.files]
        files += [outcome.file for batch in self._decoding for outcome in batch.outcomes]
        files += self._suspects
        for content in contents:
            del self._by_sha256[content.facts.sha256]
        self._decoding.clear()
        self._suspects = ()
        if files:
            release(self._worker.database, self._worker.name, [file.id for file in files], charge=False)

    def _wait(self) -> None:
        """Until something can be handed on or written down."""
        awaited: list[Future[Any]] = [self._judging[0].judged] if self._judging else []
        undecoded = self._decoding[0].undecoded if self._decoding and len(self._judging) < AT_NETWORK else None
        wait([*awaited, undecoded] if undecoded else awaited, return_when=FIRST_COMPLETED)


def _read(worker: Worker, file: Claimed) -> _Read | Outcome:
    settings, path = worker.settings, local_path(file.path, worker.path_map)
    root = _local_root(worker, file)
    with worker.deadline.reading(file):
        if (settings.videos or has_video_suffix(path)) and announced_container(path):
            if not settings.videos:
                return Failed(
                    file, "video", "a video, and this worker reads none: set DFSCAN_VIDEOS=1 for it, then run `dfscan retry`"
                )
            video = read_video(file, int(settings.max_video_megabytes * 1e6), path=path, root=root)
            return _Read(file, *video) if isinstance(video, tuple) else video
        image = read_image(file, int(settings.max_file_megabytes * 1e6), path=path, root=root)
        return _Read(file, *image) if isinstance(image, tuple) else image


def _local_root(worker: Worker, file: Claimed) -> str | None:
    return local_path(file.root, worker.path_map) if file.root else None


def _judged(worker: Worker, ready: Sequence[Ready]) -> tuple[list[Judged | str], float]:
    """Judge the contents of a batch together; and how many seconds that took for each."""
    if not ready:
        return [], 0.0
    began = monotonic()
    judged = judge(worker.predictor, worker.model, ready)
    return judged, (monotonic() - began) / len(ready)


def _scored(content: _Content, decoded: Ready, judged: Judged | str, seconds: float) -> Iterator[Outcome]:
    facts = replace(
        content.facts,
        format=decoded.format,
        width=decoded.width,
        height=decoded.height,
        evidence=decoded.evidence,
        fingerprint=decoded.fingerprint,
    )
    for file in content.files:
        if isinstance(judged, str):
            yield Failed(file, "unpredictable", judged, facts)
        else:
            yield Scored(file, facts, judged.score, seconds, judged.prediction)
