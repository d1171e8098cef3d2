"""`dfscan scan` end to end, warm, beside what its parts allow and beside a plain script: the same files, in turn, on all cores.

f is the rate of the bare forward pass, as a worker loads the network, on ready batches; d that of the bare decoding and
preprocessing, in as many processes as there are cores. On the same cores a scan can do no more than 1 / (1/f + 1/d) images a
second. The rate of a scan is that of the middle of its work (see Verdicts.rate).
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from scanner.database.engine import open_database

from ..bare import decoding_pool, loaded_scorer, plain_script, prepared
from ..measure import Figure, Limit, Sizes, medians
from ..pictures import scene, write_face_sized, write_photos
from ..processes import finish, settings_of
from ..verdict_rate import Verdicts, verdicts_in

# So many inputs are ready for the bare forward pass: it does not depend on what they show.
READY = 160


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Face-sized pictures, then photos; faces are looked for in those only, for information."""
    with tempfile.TemporaryDirectory() as place:
        faces = write_face_sized(Path(place) / "face-sized", sizes.images)
        rates = _rates(place, faces, sizes.runs)
        yield from _parts("256 x 256", rates)
        yield _against_parts("256 x 256", rates, Limit(">=", 0.90, of_ratio=True))
        yield _against_script("256 x 256", rates)
        photos = write_photos(Path(place) / "photos", sizes.photos)
        rates = _rates(place, photos, sizes.runs, faces_too=True)
        yield from _parts("12 MP", rates)
        yield _against_parts("12 MP", rates)
        yield _against_script("12 MP", rates, Limit(">=", 3.0, of_ratio=True))
        ratio = _ratio(rates["with faces"], rates["scan"])
        yield Figure("12 MP: scan, faces looked for", median(rates["with faces"]), "images/s", ratio, "scan --no-faces")
        scenes = write_photos(Path(place) / "scenes", sizes.photos, scene)
        rate = median(_scan(scenes) for _ in range(sizes.runs))
        yield Figure("12 MP with four faces: scan", rate, "images/s", rate / median(rates["with faces"]), "photos without")


def _rates(place: str, paths: Sequence[Path], runs: int, *, faces_too: bool = False) -> dict[str, list[float]]:
    """Images a second of each, `runs` times, in turn."""
    settings = settings_of(place)
    predictor = loaded_scorer(settings)
    size = predictor.card.recipe.preprocessing.size
    images_BHWC = np.stack([prepared(size, path.read_bytes()) for path in paths[:READY]])
    script = plain_script(settings)
    with decoding_pool(size) as decode:
        measured: dict[str, Callable[[], float]] = {
            "forward": lambda: _rate(len(images_BHWC), lambda: predictor.scores(images_BHWC)),
            "decode": lambda: _rate(len(paths), lambda: decode(paths)),
            "script": lambda: _rate(len(paths), lambda: script(paths)),
            "scan": partial(_scan, paths, "--no-faces"),
        }
        if faces_too:
            measured["with faces"] = partial(_scan, paths)
        predictor.scores(images_BHWC[: settings.batch_size])
        script(paths[:1])
        rates: dict[str, list[float]] = {name: [] for name in measured}
        for _ in range(runs):
            for name, call in measured.items():
                rates[name].append(call())
    return rates


def _rate(images: int, call: Callable[[], object]) -> float:
    began = perf_counter()
    call()
    return images / (perf_counter() - began)


def _scan(paths: Sequence[Path], *options: str) -> float:
    """By the command, in an installation of its own."""
    with tempfile.TemporaryDirectory() as place:
        finish(place, "scan", *options, str(paths[0].parent), statuses=(0, 1))  # 1: something is flagged
        database = open_database(settings_of(place).url)
        verdicts = verdicts_in(database)
        database.close()
    _say(verdicts, len(paths), options)
    return verdicts.rate


def _say(verdicts: Verdicts, wanted: int, options: Sequence[str]) -> None:
    """What is called fake is looked at again under mild conditions: in bulk that would be another work than people's pictures."""
    if len(verdicts.times) != wanted:
        raise RuntimeError(f"a scan of {wanted} pictures gave {len(verdicts.times)} verdicts")
    share = verdicts.labels["fake"] / wanted
    print(f"  scan {' '.join(options)}: {wanted} verdicts, {share:.1%} of them fake", file=sys.stderr)


def _parts(name: str, rates: dict[str, list[float]]) -> Iterator[Figure]:
    found = medians(rates)
    yield Figure(f"{name}: bare forward pass (f)", found["forward"], "images/s")
    yield Figure(f"{name}: bare decoding (d), {os.cpu_count()} processes", found["decode"], "images/s")
    yield Figure(f"{name}: plain script", found["script"], "images/s")


def _against_parts(name: str, rates: dict[str, list[float]], limit: Limit | None = None) -> Figure:
    possible = [1 / (1 / f + 1 / d) for f, d in zip(rates["forward"], rates["decode"], strict=True)]
    ratio = _ratio(rates["scan"], possible)
    return Figure(f"{name}: scan --no-faces, warm", median(rates["scan"]), "images/s", ratio, "1 / (1/f + 1/d)", limit)


def _against_script(name: str, rates: dict[str, list[float]], limit: Limit | None = None) -> Figure:
    ratio = _ratio(rates["scan"], rates["script"])
    return Figure(f"{name}: the same scans", median(rates["scan"]), "images/s", ratio, "the plain script", limit)


def _ratio(these: Sequence[float], others: Sequence[float]) -> float:
    """The median over the runs, each compared within itself."""
    return median(this / other for this, other in zip(these, others, strict=True))
