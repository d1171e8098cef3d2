"""What a machine with a GPU makes of `lite` and of `paper` (random weights, for speed only), as a table and as JSON.

python -m tests.benchmarks.gpu [--device DEVICE] [--models MODEL ...] [--images N] [--photos N] [--batch N] [--json FILE]

For each: the forward pass by each runtime at several batch sizes; then, on face-sized JPEGs and on photos of 12 megapixels that
are taken as they are, decoding by the cores and by the device, the share of each stage of a worker's way with one batch after
the other, and 1, 2 and 4 `dfscan worker` processes on one backlog, all on the same device. A worker has its share of the cores
for its decoders.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .backlog import drain, found_in
from .measure import Figure, machine
from .pictures import write_face_sized, write_photos
from .processes import settings_of
from .table import show
from .trees import open_new

if TYPE_CHECKING:
    from scanner.base.settings import Settings
    from scanner.discovery.walk import Found

MODELS = ("lite", "paper")
WORKERS = (1, 2, 4)


def main(arguments: Sequence[str]) -> int:
    """Measure; 2 when the device is not there."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gpu", description="lite and paper on one device")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, mps or cpu; default %(default)s")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, help="default: both")
    parser.add_argument("--images", type=int, default=4_000, help="face-sized pictures, default %(default)s")
    parser.add_argument("--photos", type=int, default=480, help="photos of 12 megapixels, default %(default)s")
    parser.add_argument("--batch", type=int, default=64, help="of a worker (setting batch_size), default %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE, too")
    asked = parser.parse_args(arguments)
    from worker.detector.inference.device import DeviceUnavailable, choose_device

    try:
        device = choose_device(asked.device)
    except DeviceUnavailable as error:
        print(error, file=sys.stderr)
        return 2
    here = machine() | {"device": f"{device.name} ({device.reason})"}
    print(here["device"], flush=True)
    with tempfile.TemporaryDirectory() as place:
        write_face_sized(Path(place) / "face-sized", asked.images)
        write_photos(Path(place) / "photos", asked.photos)
        chosen = {"DFSCAN_DEVICE": device.name, "DFSCAN_BATCH_SIZE": str(asked.batch)}
        return show(here, _measured(Path(place), asked.models, chosen), asked.json)


def _measured(place: Path, models: Sequence[str], chosen: Mapping[str, str]) -> Iterator[tuple[str, Figure]]:
    pictures = {"256 x 256": found_in(place / "face-sized"), "12 MP": found_in(place / "photos")}
    for model in models:
        for figure in _of_model(place, {**chosen, **_named(model, place)}, pictures):
            yield model, figure


def _of_model(place: Path, environment: Mapping[str, str], pictures: Mapping[str, Sequence["Found"]]) -> Iterator[Figure]:
    settings = settings_of(str(place), **environment)
    from worker.detector.checkpoints.card import read_card
    from worker.service.public_weights import chosen_checkpoint

    from .gpu_forward import decoding, forward

    yield from forward(settings, len(pictures["256 x 256"]))
    size = read_card(chosen_checkpoint(settings).path).recipe.preprocessing.size
    for name, found in pictures.items():
        yield from decoding(name, [Path(one.path) for one in found], settings.device, size)
        yield from _stages(name, found, settings)
        yield from _ends(name, found, environment)


def _named(model: str, place: Path) -> dict[str, str]:
    if model == "lite":
        return {"DFSCAN_MODEL": model}
    from .random_weights import write_paper

    checkpoint, clip = write_paper(place)
    return {"DFSCAN_MODEL": str(checkpoint), "DFSCAN_CLIP_WEIGHTS": str(clip)}


def _stages(name: str, pictures: Sequence["Found"], settings: "Settings") -> Iterator[Figure]:
    """Milliseconds an image; claim, begin and record are of one core, decode of one decoder, forward of the device."""
    from .stage_times import record_stages

    with tempfile.TemporaryDirectory() as place:
        database = open_new(f"sqlite:///{place}/recorded.sqlite")
        found = record_stages(database, pictures, settings)
        database.close()
    an_image = {
        "claim": found.claim / found.batch,
        "begin": found.begin,
        "decode": found.decode,
        "forward": found.forward / found.batch,
        "record": found.record / found.batch,
    }
    for stage, seconds in an_image.items():
        yield Figure(f"{name}: {stage}", 1000 * seconds, "ms", seconds / sum(an_image.values()), "all stages")


def _ends(name: str, pictures: Sequence["Found"], environment: Mapping[str, str]) -> Iterator[Figure]:
    """End to end, by the clock, in the middle of the work (see Verdicts.rate); beside one worker."""
    import torch

    torch.cuda.empty_cache()  # what this process keeps of the device's memory is for the workers now
    rates: list[float] = []
    for workers in WORKERS:
        cores = str(max(1, (os.cpu_count() or 1) // workers))
        drained = drain(pictures, workers, **environment, DFSCAN_DECODERS=cores)
        rates.append(drained.verdicts.rate)
        what = f"{name}: {workers} worker{'s' * (workers > 1)}, {len(pictures)} images"
        yield Figure(what, rates[-1], "images/s", rates[-1] / rates[0], "1 worker")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
