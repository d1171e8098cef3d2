"""1, 2 and 4 worker processes on one backlog, beside what the simulation makes of the stage times recorded in the same run.

One thread and one decoder for each worker, so that what they share is only the machine's cores and the database. Compared are
images for each second of a core: what else the machine does takes time from the real workers, but no work off them.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psutil
from sqlalchemy import func, select

from scanner.database.engine import Database
from scanner.database.models import File, State
from scanner.intake import batches, take_in
from scanner.leases import claim
from scanner.queue import waker
from scanner.settings import Settings
from scanner.verdicts import ContentFacts, Scored, is_scored, record, register_model
from scanner.walk import Found, walk
from scanner.workers import live_workers

from ..measure import Figure, Sizes
from ..processes import running, wait_for
from ..simulation import Site, Stages, simulate
from ..trees import open_new

IMAGES = 160
BATCH = 16


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Record the stages, then let the workers do the same images anew."""
    with tempfile.TemporaryDirectory() as place:
        pictures = _pictures(Path(place) / "pictures")
        database = open_new(f"sqlite:///{place}/recorded.sqlite")
        stages = record_stages(database, pictures)
        database.close()
    print(f"  stages: {json.dumps({name: round(value, 5) for name, value in asdict(stages).items()})}", file=sys.stderr)
    site = Site(cores=os.cpu_count() or 1, decoders=1)
    for workers in (1, 2, 4):
        runs = [_real_run(workers) for _ in range(max(1, sizes.runs // 2))]
        simulated = simulate(stages, site, workers, IMAGES)
        for_a_core = median(IMAGES / busy for _, busy in runs)
        name = f"{workers} worker{'s' * (workers > 1)}, {IMAGES} images"
        yield Figure(name, median(IMAGES / took for took, _ in runs), "images/s")
        ratio = for_a_core / (simulated.rate / (simulated.cores * site.cores))
        yield Figure(f"{name}, for each second of a core", for_a_core, "images", ratio, "the simulation")


def record_stages(database: Database, pictures: Sequence[Found]) -> Stages:
    """What a worker does, one stage after the other, in this process: medians over the batches, in seconds of a core.

    A decoder is a process of its own, so decoding is timed by the clock.
    """
    import numpy as np
    import torch

    from worker.decoding import DecoderPool, Limits, Ready
    from worker.detector.backbones import BackboneFiles
    from worker.detector.device import choose_device
    from worker.detector.predictor import load_predictor
    from worker.detector.registry import find_checkpoint
    from worker.reading import read_image

    torch.set_num_threads(1)
    settings = Settings(data_dir=Path(pictures[0].path).parent, decoders=1)
    path = find_checkpoint("lite", settings.data_dir)
    predictor = load_predictor(path, choose_device("cpu"), files=BackboneFiles(), micro_batch=BATCH)
    model = register_model(database, sha256="1" * 64, name="lite", card={}, threshold=0.75, band_low=0.5, now=_now())
    for batch in batches(pictures):
        take_in(database, batch, root_id=None, now=_now())
    times: dict[str, list[float]] = {name: [] for name in ("claim", "begin", "decode", "forward", "record")}
    size = predictor.card.recipe.preprocessing.size
    limits = Limits(int(settings.max_megapixels * 1e6), settings.decode_seconds, settings.decode_megabytes)
    with DecoderPool(1, limits) as decoders:
        decoders.warm_up()
        while True:
            at = [_spent()]
            claimed = claim(database, "recorder", BATCH, now=_now(), lease_seconds=600, max_attempts=5)
            if not claimed:
                break
            at.append(_spent())
            read = [read_image(file, 1 << 30) for file in claimed]
            contents = [each for each in read if isinstance(each, tuple)]
            assert not any(is_scored(database, model, facts.sha256) for _, facts in contents)
            at.append(_spent())
            decoded = [decoders.outcome(decoders.begin(content, size)) for content, _ in contents]
            at.append(_spent())
            scores = predictor.scores(np.stack([each.image_HWC for each in decoded if isinstance(each, Ready)]))
            at.append(_spent())
            outcomes = [
                Scored(file, ContentFacts(facts.sha256, facts.size, "JPEG", 256, 256), float(score), 0.01)
                for file, (_, facts), score in zip(claimed, contents, scores, strict=True)
            ]
            record(database, "recorder", outcomes, model, device="cpu", now=_now())
            at.append(_spent())
            for name, began, ended in zip(times, at, at[1:], strict=False):
                times[name].append(ended[name == "decode"] - began[name == "decode"])
    middle = {name: median(taken) for name, taken in times.items()}
    return Stages(middle["claim"], middle["begin"] / BATCH, middle["decode"] / BATCH, middle["forward"], middle["record"], BATCH)


def _spent() -> tuple[float, float]:
    """Seconds of a core by this process, and seconds by the clock."""
    return time.process_time(), time.perf_counter()


def _real_run(workers: int) -> tuple[float, float]:
    """Seconds that it took, and seconds of cores that the workers and their decoders had."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        pictures = _pictures(Path(place) / "pictures")
        database = open_new(f"sqlite:///{place}/dfscan.sqlite")
        stack.callback(database.close)
        one_each = {"OMP_NUM_THREADS": "1", "DFSCAN_DECODERS": "1"}
        started = [stack.enter_context(running(place, "worker", "--device", "cpu", **one_each)) for _ in range(workers)]
        wait_for(lambda: len(live_workers(database, _now())) == workers)
        wake = waker(Settings(data_dir=Path(place)))
        began, busy = time.perf_counter(), _busy(started)
        for batch in batches(pictures):
            take_in(database, batch, root_id=None, now=_now())
        for _ in range(workers):
            wake()
        wait_for(lambda: not _pending(database))
        return time.perf_counter() - began, _busy(started) - busy


def _busy(started: Sequence[subprocess.Popen[bytes]]) -> float:
    tops = [psutil.Process(process.pid) for process in started]
    members = [each for top in tops for each in (top, *top.children(recursive=True))]
    return sum(sum(each.cpu_times()[:2]) for each in members)


def _pending(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(File).where(File.state == State.PENDING)) or 0


def _pictures(folder: Path) -> list[Found]:
    """Face-sized JPEGs, each of its own content."""
    import numpy as np
    from PIL import Image

    folder.mkdir()
    for number in range(IMAGES):
        pixels = np.random.default_rng(number).integers(0, 255, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).resize((256, 256)).save(folder / f"{number}.jpg", quality=90)
    return [entry for entry in walk(str(folder), root=str(folder), ignore=()) if isinstance(entry, Found)]


def _now() -> datetime:
    return datetime.now(UTC)
