"""What an epoch costs with what frozen branches say kept, beside one without; and how quickly pictures are loaded.

Random weights, as quick as any others. All is processor time of one thread: other programs on the machine change it little. The
second epoch counts, as the first one computes what is kept. The pictures are face-sized JPEGs.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from torch.utils.flop_counter import FlopCounterMode

from training.config.recipes.reader import TrainingRecipe, recipe_named
from training.data.dataset import Pictures
from training.data.feeding.decoded_cache import DecodedRows, decoded_cache, decoded_rows
from training.data.manifest import Row
from training.loop.distributed import Team
from training.loop.frozen_embeddings import FrozenEmbeddings, frozen_embeddings
from training.loop.loop import train
from training.loop.optimiser import optimiser_for, training_step
from training.loop.progress import Progress
from training.loop.schedule import collated
from worker.detector.model.assembly import build_detector
from worker.detector.weights.public_weights import BackboneFiles

from ..measure import Figure, Limit, Sizes
from ..pictures import write_face_sized

PICTURES, BATCH = 64, 16
LOADED = 256


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Loading first, then the epochs, in turn with and without."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    runs = max(1, sizes.runs // 2)
    try:
        with tempfile.TemporaryDirectory() as place:
            paths = write_face_sized(Path(place) / "pictures", LOADED)
            rows = [Row(path, number % 2, "made", "", "", path.name, "train") for number, path in enumerate(paths)]
            yield from _loading(rows, Path(place) / "decoded", runs)
            yield from _epochs("paper", rows[:PICTURES], Path(place), runs, None)
            yield _counted(_recipe("paper"))
            yield from _epochs("paper-clip", rows[:PICTURES], Path(place), runs, Limit("<=", 0.6, of_ratio=True))
    finally:
        torch.set_num_threads(threads)


def _loading(rows: Sequence[Row], folder: Path, runs: int) -> Iterator[Figure]:
    """Pictures a second of one process, decoded and out of the cache, as `robust` augments them and as they are."""
    augmented, plain = _recipe("robust").plan, _recipe("paper").plan
    for what, plan, limit in (("augmented as in `robust`", augmented, Limit(">=", 250)), ("not augmented", plain, None)):
        side, exact = plan.decoded_side
        cache = decoded_rows(decoded_cache(rows, side, folder, exact=exact), rows, rows)
        known: list[tuple[str, DecodedRows | None, Limit | None]] = [("decoded", None, None), ("from the cache", cache, limit)]
        rates: dict[str, float] = {}
        for name, decoded, wanted in known:
            pictures = Pictures(rows, plan.sizes[-1], augmentation=plan.augmentation, seed="1/0", decoded=decoded)
            taken = [_seconds(pictures) for _ in range(1 + runs)][1:]  # the first fills the cache
            rates[name] = len(rows) / median(taken)
            title = f"{plan.sizes[-1]}-pixel pictures, {what}, {name}"
            yield Figure(title, rates[name], "/s of one core", rates[name] / rates["decoded"], "decoded", wanted)


def _seconds(pictures: Pictures) -> float:
    began = time.process_time()
    for first in range(0, len(pictures), BATCH):
        collated([pictures[index] for index in range(first, first + BATCH)])
    return time.process_time() - began


def _epochs(name: str, rows: Sequence[Row], place: Path, runs: int, limit: Limit | None) -> Iterator[Figure]:
    recipe = _recipe(name)
    recipe = replace(recipe, plan=replace(recipe.plan, epochs=2, batch_size=BATCH, autocast=False))
    times: dict[str, list[float]] = {"kept": [], "computed": []}
    for run in range(runs):
        for how, found in times.items():
            found.append(_epoch(recipe, rows, place / f"{name}-{how}{run}", keeps=how == "kept"))
    ratio = median(kept / computed for kept, computed in zip(times["kept"], times["computed"], strict=True))
    unit = f"s of one core for {len(rows)} pictures"
    yield Figure(f"an epoch of `{name}`, CLIP in each", median(times["computed"]), unit)
    yield Figure(f"an epoch of `{name}`, CLIP kept", median(times["kept"]), unit, ratio, "CLIP in each", limit)


def _epoch(recipe: TrainingRecipe, rows: Sequence[Row], folder: Path, *, keeps: bool) -> float:
    """Seconds of the second epoch's steps, loading included."""
    network, plan = recipe.network, recipe.plan
    detector = build_detector(network, BackboneFiles())
    frozen: FrozenEmbeddings | None = None
    if keeps:
        frozen = frozen_embeddings(detector, network, {"clip-image": "random"}, rows, plan, folder / "cache")
    folder.mkdir(exist_ok=True)
    ends: dict[int, float] = {}
    measured: list[float] = []

    def report(now: Progress) -> None:
        ends[now.step] = time.process_time()

    def measure(epoch: int, _: object) -> dict[str, float]:
        measured.append(time.process_time())
        return {"auc": 0.5, "dcf": 0.5}

    train(
        detector,
        rows,
        plan,
        network.preprocessing,
        folder=folder,
        team=Team(torch.device("cpu")),
        loader_processes=0,
        report=report,
        measure=measure,
        frozen=frozen,
    )
    return ends[max(ends)] - measured[0]


def _counted(recipe: TrainingRecipe) -> Figure:
    """What a step is less where CLIP's embeddings are known, by the multiplications that it takes: no machine does better."""
    detector = build_detector(recipe.network, BackboneFiles()).train()
    plan = replace(recipe.plan, autocast=False)
    images_BCHW, labels_B = torch.rand(4, 3, 224, 224), torch.arange(4) % 2.0
    counts = []
    for known in (None, {"clip-image": torch.rand(4, 512)}):
        with FlopCounterMode(display=False) as counter:
            training_step(detector, optimiser_for(detector, plan), images_BCHW, labels_B, plan, 1.0, 0.0, known)
        counts.append(counter.get_total_flops() / len(labels_B) / 1e9)
    return Figure("a step of `paper`, CLIP kept, as counted", counts[1], "GFLOP a picture", counts[1] / counts[0], "CLIP in each")


def _recipe(name: str) -> TrainingRecipe:
    recipe = recipe_named(name)
    assert isinstance(recipe, TrainingRecipe)
    return recipe
