"""1, 2 and 4 worker processes on one backlog, beside what the simulation makes of the stage times recorded in the same run.

One thread and one decoder for each worker, so that what they share is only the machine's cores and the database. Compared are
images for each second of a core: what else the machine does takes time from the real workers, but no work off them.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from ..backlog import drain, found_in
from ..measure import Figure, Sizes
from ..pictures import write_face_sized
from ..processes import settings_of
from ..simulation import Site, simulate
from ..stage_times import record_stages
from ..trees import open_new

IMAGES = 160
# Batches are small, so that each worker has several: the simulation's are all full.
ONE_EACH = {"OMP_NUM_THREADS": "1", "DFSCAN_DECODERS": "1", "DFSCAN_DEVICE": "cpu", "DFSCAN_BATCH_SIZE": "16"}


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Record the stages, then let the workers do the same images anew."""
    images = min(IMAGES, sizes.images)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "pictures"
        write_face_sized(folder, images)
        pictures = found_in(folder)
        database = open_new(f"sqlite:///{place}/recorded.sqlite")
        stages = record_stages(database, pictures, settings_of(place, **ONE_EACH))
        database.close()
        site = Site(cores=os.cpu_count() or 1, decoders=1)
        for workers in (1, 2, 4):
            runs = [drain(pictures, workers, **ONE_EACH) for _ in range(max(1, sizes.runs // 2))]
            simulated = simulate(stages, site, workers, images)
            for_a_core = median(images / run.busy for run in runs)
            name = f"{workers} worker{'s' * (workers > 1)}, {images} images"
            yield Figure(name, median(images / run.seconds for run in runs), "images/s")
            ratio = for_a_core / (simulated.rate / (simulated.cores * site.cores))
            yield Figure(f"{name}, for each second of a core", for_a_core, "images", ratio, "the simulation")
