"""What a picture takes in each stage with the active model, and what the simulation makes of that on other machines.

Face-sized pictures taken as they are, and photos of 12 megapixels in which faces are looked for (they show none, so each has one
input, as it is; those with faces have one for each). The network sees one picture at a time, which keeps one core busy in the
runtimes of CPUs; where all are busy, each takes longer. What is measured is also said on standard error, as scenes of
`stages.json`; `python -m tests.benchmarks.sites` makes the table of docs/scaling.md of that.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import process_time

from scanner.discovery.intake import batches, take_in
from scanner.domain.outcomes import ContentFacts, Scored
from scanner.jobs.leases import claim
from scanner.results.record import record, register_model
from worker.service.benchmark.measure import Measured
from worker.service.benchmark.measure import measure as measure_folder

from ..backlog import found_in
from ..measure import Figure, Sizes
from ..pictures import write_face_sized, write_photos
from ..processes import settings_of
from ..simulation import Stages
from ..sites import elsewhere
from ..trees import open_new

BATCH = 16


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
        times = {name: round(value, 5) for name, value in asdict(stages).items()}
        site = {"cores": os.cpu_count(), "decoders": 1}
        scene = {f"{found.model}, {kind}": {"stages": times, "site": site, "elsewhere": True}}
        print(json.dumps(scene)[1:-1], file=sys.stderr)
        for stage in found.stages:
            yield Figure(f"{kind}: {stage.name}, {found.model} on {found.ran_on}", 1000 * stage.seconds, "ms")
        for there in elsewhere(stages):
            name = f"{kind}: {there.site}"
            yield Figure(name, there.an_hour, "pictures an hour", there.share, f"of the time of the {there.bound}")
            yield Figure(f"{name}, cores for a million", there.core_hours, "core-hours")
            if there.gpu_hours:
                yield Figure(f"{name}, GPUs for a million", there.gpu_hours, "GPU-hours")


def _stages(found: Measured, place: str, folder: Path) -> Stages:
    seconds = {stage.name: stage.seconds for stage in found.stages}
    claimed, recorded = _database(place, folder)
    forward = BATCH * seconds["the network"]
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
