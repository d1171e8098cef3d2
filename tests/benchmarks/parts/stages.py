"""What a picture takes in each stage with the active model, and what the simulation makes of that on other machines.

Face-sized pictures taken as they are, and photos of 12 megapixels in which faces are looked for (they show none, so each has one
input, as it is; those with faces have one for each). The network's time is that of all cores here. The figures of GPUs are
estimates: `GPU_FLOPS` of each, of which `GPU_SHARE` is used, for a network of `GFLOP`.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import process_time

from scanner.discovery.intake import batches, take_in
from scanner.domain.outcomes import ContentFacts, Scored
from scanner.jobs.leases import claim
from scanner.results.record import record, register_model
from worker.service.benchmark import Measured
from worker.service.benchmark import measure as measure_folder

from ..backlog import found_in
from ..measure import Figure, Sizes
from ..pictures import write_face_sized, write_photos
from ..processes import settings_of
from ..simulation import Site, Stages, simulate
from ..trees import open_new

BATCH = 16
# CLIP ViT-B/16 at 224 pixels has 17.5 G multiply-adds an input, EfficientNet-Lite2 at 260 0.87 G; two operations each.
GFLOP = 2 * (17.5 + 0.87)
# An NVIDIA T4's 65 Tflop/s of float16 by its data sheet, and the share that networks of such small batches commonly reach.
GPU_FLOPS, GPU_SHARE = 65e12, 0.25
SITES = {
    "a laptop of 8 cores": (8, 0, 8),
    "a server of 64 cores": (64, 0, 64),
    "one GPU (estimate), 64 cores": (64, 1, 1),
    "8 GPUs (estimate), 64 cores each": (512, 8, 8),
}


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Measure here, then simulate."""
    for kind, write, faces, count in (
        ("face-sized", write_face_sized, False, min(48, sizes.images)),
        ("12 MP with faces looked for", write_photos, True, min(16, sizes.photos)),
    ):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "pictures"
            write(folder, count)
            settings = replace(settings_of(place), faces=faces)
            found = measure_folder(folder, settings, count, lambda _line: None)
            stages = _stages(found, place, folder)
        for stage in found.stages:
            yield Figure(f"{kind}: {stage.name}, {found.model} on {found.ran_on}", 1000 * stage.seconds, "ms")
        for name, (cores, devices, workers) in SITES.items():
            yield from _on(kind, name, stages, cores, devices, workers)


def _on(kind: str, name: str, stages: Stages, cores: int, devices: int, workers: int) -> Iterator[Figure]:
    forward = stages.forward if not devices else BATCH * GFLOP * 1e9 / (GPU_FLOPS * GPU_SHARE)
    decoders = max(1, cores // workers)
    site = Site(cores, writers=1 if cores <= 8 else 8, own_device=bool(devices), decoders=decoders)
    found = simulate(replace(stages, forward=forward), site, workers, 4000 * workers if devices else 800 * workers)
    shares = {"cores": found.cores, "the database": found.writers, "the GPU": found.devices}
    bound = max(shares, key=lambda what: shares[what])
    yield Figure(f"{kind}: {name}", 3600 * found.rate, "pictures an hour", shares[bound], f"of the time of {bound}")
    used = found.cores * cores / found.rate * 1e6 / 3600
    yield Figure(f"{kind}: {name}, cores for a million", used, "core-hours")
    if devices:
        yield Figure(f"{kind}: {name}, GPUs for a million", devices / found.rate * 1e6 / 3600, "GPU-hours")


def _stages(found: Measured, place: str, folder: Path) -> Stages:
    seconds = {stage.name: stage.seconds for stage in found.stages}
    claimed, recorded = _database(place, folder)
    forward = BATCH * seconds["the network"] * (os.cpu_count() or 1)
    decode = seconds["decoding"] + seconds.get("finding faces", 0.0)
    return Stages(claimed, seconds["reading"], decode, forward, recorded, BATCH)


def _database(place: str, folder: Path) -> tuple[float, float]:
    """Seconds of a core for the claim of a batch, and for recording it, on SQLite."""
    database = open_new(f"sqlite:///{place}/stages.sqlite")
    now = datetime.now(UTC)
    model = register_model(database, sha256="1" * 64, name="stages", card={}, threshold=0.75, band_low=0.5, now=now)
    entries = [entry._replace(path=f"{entry.path}{n}.jpg") for n in range(40) for entry in found_in(folder)]
    for batch in batches(entries):
        take_in(database, batch, root_id=None, now=now)
    claims, records = [], []
    for _ in range(20):
        at = process_time()
        files = claim(database, "stages", BATCH, now=now, lease_seconds=600, max_attempts=5)
        claims.append(process_time() - at)
        outcomes = [Scored(file, ContentFacts(f"{file.id:064x}", 10), 0.1, 0.1) for file in files]
        at = process_time()
        record(database, "stages", outcomes, model, device="cpu", now=now)
        records.append(process_time() - at)
    database.close()
    return median(claims), median(records)
