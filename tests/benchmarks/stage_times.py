"""What each stage of a worker's way with a batch takes, one after the other, in this process."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from statistics import median

import numpy as np
import torch

from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.discovery.intake import batches, take_in
from scanner.discovery.walk import Found
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import ActiveModel, Scored
from scanner.jobs.leases import claim
from scanner.results.record import record, register_model, scored_among
from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.inputs import Ready
from worker.decoding.limits import Limits
from worker.detector.inference.scorer import Scorer
from worker.pipeline.read import read_image
from worker.pipeline.types import Item

from .bare import loaded_scorer
from .simulation import Stages

_STAGES = ("claim", "begin", "decode", "forward", "record")


def record_stages(database: Database, pictures: Sequence[Found], settings: Settings) -> Stages:
    """Medians over the full batches, in seconds of a core, with one thread and one decoder; also said on standard error, as JSON.

    A decoder is a process of its own, and a device other than the CPU works beside it, too: those are timed by the clock. The
    first batch is left out, unless it is the only one: the network's first call is dearer.
    """
    predictor = loaded_scorer(settings)
    model = register_model(database, sha256="1" * 64, name="recorded", card={}, threshold=1.0, band_low=1.0, now=_now())
    for batch in batches(pictures):
        take_in(database, batch, root_id=None, now=_now())
    clocked = {"decode"} if predictor.device.name == "cpu" else {"decode", "forward"}
    times: dict[str, list[float]] = {name: [] for name in _STAGES}
    size = min(settings.batch_size, len(pictures))
    with _one_thread(), DecoderPool(1, Limits.of(settings)) as decoders:
        decoders.warm_up()
        while moments := _batch(database, size, predictor, model, decoders):
            for name, began, ended in zip(_STAGES, moments, moments[1:], strict=False):
                times[name].append(ended[name in clocked] - began[name in clocked])
    middle = {name: median(taken[1:] or taken) for name, taken in times.items()}
    found = Stages(middle["claim"], middle["begin"] / size, middle["decode"] / size, middle["forward"], middle["record"], size)
    print(f"  stages: {json.dumps({name: round(value, 5) for name, value in asdict(found).items()})}", file=sys.stderr)
    return found


def _batch(
    database: Database, files: int, predictor: Scorer, model: ActiveModel, decoders: DecoderPool
) -> list[tuple[float, float]]:
    """The moments between the stages of a batch of so many files; none when fewer are pending."""
    at = [_spent()]
    claimed = claim(database, "recorder", files, now=_now(), lease_seconds=600, max_attempts=5)
    if len(claimed) < files:
        return []
    at.append(_spent())
    items = [_read(file) for file in claimed]
    assert not scored_among(database, model, [item.facts.sha256 for item in items])
    at.append(_spent())
    size = predictor.card.recipe.preprocessing.size
    futures = [decoders.begin(item.source, size) for item in items]
    decoded = [each for each in (future.result() for future in futures) if isinstance(each, Ready)]
    at.append(_spent())
    scores = predictor.scores(np.stack([ready.inputs[0].image_HWC for ready in decoded]))
    at.append(_spent())
    outcomes = [
        Scored(file, replace(item.facts, format=ready.format, width=ready.width, height=ready.height), float(score), 0.01)
        for file, item, ready, score in zip(claimed, items, decoded, scores, strict=True)
    ]
    record(database, "recorder", outcomes, model, device=predictor.device.name, now=_now())
    return [*at, _spent()]


def _read(file: Claimed) -> Item:
    read = read_image(file, 1 << 30)
    assert isinstance(read, Item), read
    return read


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _spent() -> tuple[float, float]:
    """Seconds of a core by this process, and seconds by the clock."""
    return time.process_time(), time.perf_counter()


def _now() -> datetime:
    return datetime.now(UTC)
