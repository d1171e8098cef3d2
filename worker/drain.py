"""A worker's work: claim pending files, read, decode, predict, record, until nothing is pending.

While the network looks at one batch, the decoders work on the next.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic

from scanner.database.engine import Database, DatabaseUnavailable
from scanner.leases import Claimed, claim, release
from scanner.path_map import local_path
from scanner.recognise import announced_container, has_video_suffix
from scanner.settings import Settings
from scanner.verdicts import ActiveModel, ContentFacts, Failed, Outcome, Reused, Scored, is_scored, record

from .deadline import Deadline
from .decoding import DecoderPool, PoolBroke
from .detector.picture import PictureError
from .detector.predictor import Predictor
from .inputs import Ready
from .judging import judge
from .reading import changed_since, read_image, read_video
from .video import Video

# Undecoded bytes that one batch may hold in memory before its decoders are waited for.
BYTES_IN_HAND = 256 << 20


@dataclass(frozen=True)
class Worker:
    """What a worker works with. `now` gives the time with its zone; `name` owns its leases."""

    name: str
    settings: Settings
    database: Database
    predictor: Predictor
    model: ActiveModel
    decoders: DecoderPool
    now: Callable[[], datetime]
    deadline: Deadline
    path_map: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Decoding:
    """One content on its way through a decoder, and the claimed files that hold it; `video` is where the first of them is."""

    content: ContentFacts
    files: list[Claimed]
    future: "Future[Ready]"
    video: Video | None = None


@dataclass(frozen=True)
class _Batch:
    began: float
    outcomes: list[Outcome]
    decoding: list[_Decoding]


def drain(worker: Worker, should_stop: Callable[[], bool]) -> int:
    """Work until nothing is pending or `should_stop()`; returns how many files were concluded.

    When anything but a file goes wrong, everything in hand is given back, uncharged, and the error is raised.
    """
    concluded = 0
    current: _Batch | None = None
    try:
        with worker.deadline.busy():
            # What an earlier drain held when the database went away is ours still, and would be as long as we live.
            release(worker.database, worker.name, charge=False)
            while True:
                claimed = [] if should_stop() else _claim(worker)
                following = _begin(worker, claimed) if claimed else None
                worker.deadline.progress()
                if current is not None:
                    concluded += _conclude(worker, current)
                    worker.deadline.progress()
                current = following
                if current is None:
                    return concluded
    except BaseException:
        # Without a database the leases run out by themselves.
        with suppress(DatabaseUnavailable):
            release(worker.database, worker.name, charge=False)
        raise


def _claim(worker: Worker) -> list[Claimed]:
    settings = worker.settings
    return claim(
        worker.database,
        worker.name,
        settings.batch_size,
        now=worker.now(),
        lease_seconds=settings.lease_seconds,
        max_attempts=settings.max_attempts,
    )


def _begin(worker: Worker, claimed: Sequence[Claimed]) -> _Batch:
    """Read the files and start to decode those contents that the model has not scored yet."""
    batch = _Batch(monotonic(), [], [])
    size = worker.predictor.card.recipe.preprocessing.size
    in_hand = 0
    by_sha256: dict[str, _Decoding] = {}
    for file in claimed:
        read = _read(worker, file)
        worker.deadline.progress()
        if not isinstance(read, tuple):
            batch.outcomes.append(read)
            continue
        content, facts = read
        if facts.sha256 in by_sha256:
            by_sha256[facts.sha256].files.append(file)
        elif is_scored(worker.database, worker.model, facts.sha256):
            batch.outcomes.append(Reused(file, facts.sha256))
        else:
            video = content if isinstance(content, Video) else None
            by_sha256[facts.sha256] = _Decoding(facts, [file], worker.decoders.begin(content, size), video)
            in_hand += len(content) if isinstance(content, bytes) else 0
            if in_hand > BYTES_IN_HAND:
                wait([waiting.future for waiting in by_sha256.values()])
                in_hand = 0
    batch.decoding.extend(by_sha256.values())
    return batch


def _read(worker: Worker, file: Claimed) -> tuple[bytes | Video, ContentFacts] | Outcome:
    settings, path = worker.settings, local_path(file.path, worker.path_map)
    root = _local_root(worker, file)
    with worker.deadline.reading(file):
        if (settings.videos or has_video_suffix(path)) and announced_container(path):
            if settings.videos:
                return read_video(file, int(settings.max_video_megabytes * 1e6), path=path, root=root)
            return Failed(
                file, "video", "a video, and this worker reads none: set DFSCAN_VIDEOS=1 for it, then run `dfscan retry`"
            )
        return read_image(file, int(settings.max_file_megabytes * 1e6), path=path, root=root)


def _local_root(worker: Worker, file: Claimed) -> str | None:
    return local_path(file.root, worker.path_map) if file.root else None


def _conclude(worker: Worker, batch: _Batch) -> int:
    """Predict what was decoded and record the whole batch."""
    outcomes = list(batch.outcomes)
    ready: list[tuple[_Decoding, Ready]] = []
    again: list[Claimed] = []
    for item in batch.decoding:
        decoded = worker.decoders.outcome(item.future)
        worker.deadline.progress()
        changed = changed_since(item.files[0], item.video, _local_root(worker, item.files[0])) if item.video else None
        if changed is not None:
            outcomes.append(changed)
            again += item.files[1:]
        elif isinstance(decoded, PictureError):
            outcomes += [Failed(file, "undecodable", str(decoded), item.content) for file in item.files]
        elif isinstance(decoded, PoolBroke):
            again += item.files
        else:
            ready.append((item, decoded))
    if ready:
        outcomes += _scored(worker, batch, ready)
    record(worker.database, worker.name, outcomes, worker.model, device=worker.predictor.ran_on, now=worker.now())
    if again:
        release(worker.database, worker.name, [file.id for file in again], charge=False)
    return len(outcomes)


def _scored(worker: Worker, batch: _Batch, ready: Sequence[tuple[_Decoding, Ready]]) -> Iterator[Outcome]:
    """Judge all contents of the batch together."""
    judged = judge(worker.predictor, worker.model, [decoded for _, decoded in ready])
    seconds = (monotonic() - batch.began) / len(ready)
    for (item, decoded), found in zip(ready, judged, strict=True):
        content = replace(
            item.content,
            format=decoded.format,
            width=decoded.width,
            height=decoded.height,
            evidence=decoded.evidence,
            fingerprint=decoded.fingerprint,
        )
        if isinstance(found, str):
            yield from (Failed(file, "unpredictable", found, content) for file in item.files)
        else:
            yield from (Scored(file, content, found.score, seconds, found.seen) for file in item.files)
