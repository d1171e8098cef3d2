"""What this machine does with the pictures of a folder, stage by stage, measured on a random sample. Nothing is stored."""

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from scanner.base.errors import KnownError
from scanner.base.files import open_regular
from scanner.base.settings import Settings
from scanner.discovery.walk import Found, walk
from scanner.domain.outcomes import ActiveModel

from ..decoding.decoder_pool import DecoderPool, Limits, PoolBroke
from ..decoding.inputs import Ready
from ..detector.combined.scorer import AnyScorer
from ..detector.faces.face_finder import require_face_finder
from ..detector.image.picture import PictureError
from ..pipeline.aggregation import judge
from .model_loading import load_scorer
from .public_weights import chosen_checkpoint

# How many pictures are measured when nothing else is said.
SAMPLE = 48
_SEED = 1
# What the sample may take in memory.
_MOST_BYTES = 1 << 30


class NothingToMeasure(KnownError):
    """A folder without a picture that can be read."""


@dataclass(frozen=True)
class Census:
    """The pictures under a folder: how many, their bytes together, and a random sample of their paths."""

    pictures: int
    bytes: int
    sample: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Stage:
    """`seconds` that one picture takes in a stage that does nothing else, on one core; for the network with all that it has."""

    name: str
    seconds: float

    @property
    def per_second(self) -> float:
        """Pictures a second."""
        return 1 / self.seconds if self.seconds else float("inf")


@dataclass(frozen=True)
class Measured:
    """What was measured: of `sample` pictures that could be read, `unread` could not be.

    `stages` are apart from each other; `together` is how many pictures a second they make side by side, as a worker has them.
    """

    census: Census
    sample: int
    unread: int
    inputs: float
    stages: tuple[Stage, ...]
    together: float
    model: str
    ran_on: str
    decoders: int

    @property
    def slowest(self) -> Stage:
        """What takes most of the time of a picture."""
        return max(self.stages, key=lambda stage: stage.seconds)

    @property
    def share(self) -> float:
        """The share, 0..1, that the slowest stage has of the time of all."""
        return self.slowest.seconds / sum(stage.seconds for stage in self.stages)

    @property
    def whole_seconds(self) -> float:
        """How long one worker takes for all pictures of the folder, if no two have the same content."""
        return self.census.seconds + self.census.pictures / self.together


def take_census(folder: Path, ignore: Sequence[str], count: int) -> Census:
    """Walk through the folder as a sweep does."""
    began, rng = perf_counter(), random.Random(_SEED)  # noqa: S311  (not for secrets)
    pictures, size, sample = 0, 0, list[str]()
    for entry in walk(str(folder), root=str(folder), ignore=ignore):
        if isinstance(entry, Found):
            pictures, size = pictures + 1, size + entry.size
            # Vitter 1985, algorithm R: each has the same chance, and only the sample is in memory.
            if len(sample) < count:
                sample.append(entry.path)
            elif (place := rng.randrange(pictures)) < count:
                sample[place] = entry.path
    return Census(pictures, size, tuple(sample), perf_counter() - began)


def measure(folder: Path, settings: Settings, count: int, say: Callable[[str], None]) -> Measured:
    """Measure on `count` pictures of the folder with the model and the device of the settings.

    Raises NothingToMeasure, and what `load_scorer` raises. Loading the model, and exporting it the first time, is not counted.
    """
    census = take_census(folder, settings.ignore, count)
    say(f"{census.pictures:,} pictures; measuring on {len(census.sample)} of them")
    contents, reading = _read(census.sample)
    chosen = chosen_checkpoint(settings)
    if settings.faces:
        require_face_finder()
    scorer = load_scorer(chosen.path, settings)
    card = scorer.card
    model = ActiveModel(0, chosen.path.stem, card.threshold, card.band_low, card.whole_images)
    with _decoders(settings, 1) as one:
        plain = _decoded(one, scorer, contents, faces=False)
        seen = _decoded(one, scorer, contents, faces=True) if settings.faces else plain
    ready = seen.ready
    if not ready:
        raise NothingToMeasure(f"{folder} holds no picture that can be read; name a folder with pictures")
    network = _timed(lambda: [judge(scorer, model, [content]) for content in ready]) / len(ready)
    with _decoders(settings, settings.decoders) as several:
        together = len(contents) / _timed(lambda: _together(several, scorer, model, contents, settings))
    stages = [Stage("reading", reading), Stage("decoding", plain.seconds)]
    if settings.faces:
        stages.append(Stage("finding faces", max(0.0, seen.seconds - plain.seconds)))
    inputs = float(np.mean([sum(len(item.views) for part in content.parts for item in part.inputs) for content in ready]))
    return Measured(
        census,
        len(contents),
        len(contents) - len(ready),
        inputs,
        (*stages, Stage("the network", network)),
        together,
        model.name,
        scorer.ran_on,
        settings.decoders,
    )


@dataclass(frozen=True)
class _Decoded:
    ready: list[Ready]
    seconds: float


def _read(paths: Sequence[str]) -> tuple[list[bytes], float]:
    """The bytes of the files that can be read, hashed as a worker does, and the seconds for each."""
    began, contents = perf_counter(), list[bytes]()
    for path in paths:
        try:
            with open_regular(path) as file:
                content = file.read(_MOST_BYTES - sum(map(len, contents)) + 1)
        except OSError:
            continue
        if sum(map(len, contents)) + len(content) > _MOST_BYTES:
            break
        hashlib.sha256(content).hexdigest()
        contents.append(content)
    return contents, (perf_counter() - began) / max(1, len(contents))


@contextmanager
def _decoders(settings: Settings, processes: int) -> Iterator[DecoderPool]:
    limits = Limits(int(settings.max_megapixels * 1e6), settings.decode_seconds, settings.decode_megabytes)
    with DecoderPool(processes, limits, faces=settings.faces, scaled=settings.scaled_decode) as decoders:
        decoders.warm_up()
        yield decoders


def _decoded(decoders: DecoderPool, scorer: AnyScorer, contents: Sequence[bytes], *, faces: bool) -> _Decoded:
    """One after the other, by one process."""
    first, *others = scorer.wanted
    began = perf_counter()
    found = [decoders.begin(content, first.size, first.shown, faces=faces, others=others).result() for content in contents]
    seconds = perf_counter() - began
    return _Decoded([one for one in found if isinstance(one, Ready)], seconds / max(1, len(contents)))


def _together(
    decoders: DecoderPool, scorer: AnyScorer, model: ActiveModel, contents: Sequence[bytes], settings: Settings
) -> None:
    """Decoders and network side by side, in batches, as a worker's pipeline has them."""
    first, *others = scorer.wanted
    begun = [decoders.begin(content, first.size, first.shown, faces=settings.faces, others=others) for content in contents]
    with ThreadPoolExecutor(scorer.calls_at_once, "network") as network:
        judged: list[Future[object]] = []
        for start in range(0, len(begun), settings.batch_size):
            batch: list[Ready | PictureError | PoolBroke] = [one.result() for one in begun[start : start + settings.batch_size]]
            judged.append(network.submit(judge, scorer, model, [one for one in batch if isinstance(one, Ready)]))
        for future in judged:
            future.result()


def _timed(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began
