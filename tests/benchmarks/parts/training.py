"""What an epoch costs with what frozen branches say kept, beside one without; and how quickly pictures are loaded.

Of `paper` it is an epoch of its second stage; `paper-joint` learns the CNN in each, so that CLIP alone can be kept.

Random weights, as quick as any others. All is processor time of one thread: other programs on the machine change it little. The
second epoch counts, as the first one computes what is kept. The pictures are face-sized JPEGs.
"""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn
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
from training.loop.stages.fixed_branches import fixed
from training.loop.stages.stage import first_detector
from worker.detector.model.assembly import build_detector
from worker.detector.model.network import FusionDetector
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
            yield from _epochs("paper", rows[:PICTURES], Path(place), runs, Limit("<=", 0.6, of_ratio=True))
            yield from _epochs("paper-joint", rows[:PICTURES], Path(place), runs, None)
            yield from _counted()
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
    second = ", second stage" if recipe.plan.first else ""
    computed, kept_too = ("CLIP and CNN in each", "CLIP and CNN kept") if second else ("CLIP in each", "CLIP kept")
    times: dict[str, list[float]] = {"kept": [], "computed": []}
    for run in range(runs):
        for how, found in times.items():
            found.append(_epoch(recipe, rows, place / f"{name}-{how}{run}", keeps=how == "kept"))
    ratio = median(kept / computed for kept, computed in zip(times["kept"], times["computed"], strict=True))
    unit = f"s of one core for {len(rows)} pictures"
    yield Figure(f"an epoch of `{name}`{second}, {computed}", median(times["computed"]), unit)
    yield Figure(f"an epoch of `{name}`{second}, {kept_too}", median(times["kept"]), unit, ratio, computed, limit)


def _epoch(recipe: TrainingRecipe, rows: Sequence[Row], folder: Path, *, keeps: bool) -> float:
    """Seconds of the second epoch's steps, loading included; of the second stage where there are two."""
    detector = build_detector(recipe.network, BackboneFiles())
    names = recipe.plan.first.branches if recipe.plan.first else ()
    _give_statistics(detector, names)
    folder.mkdir(exist_ok=True)
    with fixed(detector, names):
        return _seconds_of_epoch(detector, recipe, rows, folder, keeps=keeps)


def _seconds_of_epoch(
    detector: FusionDetector, recipe: TrainingRecipe, rows: Sequence[Row], folder: Path, *, keeps: bool
) -> float:
    network, plan = recipe.network, recipe.plan
    frozen: FrozenEmbeddings | None = None
    if keeps:
        frozen = frozen_embeddings(detector, network, dict.fromkeys(network.branches, "random"), rows, plan, folder / "cache")
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


def _counted() -> Iterator[Figure]:
    """What steps take, by the multiplications that they are: no machine does better. Then both stages for all of their epochs."""
    joint, paper = _recipe("paper-joint"), _recipe("paper")
    detector, first = build_detector(joint.network, BackboneFiles()), paper.plan.first
    assert first is not None
    embeddings_BD = torch.rand(2, 512)
    clip, both = {"clip-image": embeddings_BD}, {"clip-image": embeddings_BD, "resnet101": embeddings_BD}
    together, less = _gflop(detector, joint), _gflop(detector, joint, clip)
    unit = "GFLOP a picture"
    yield Figure("a step of `paper-joint`, CLIP kept, as counted", less, unit, less / together, "CLIP in each")
    alone = first_detector(paper, detector)
    assert alone is not None
    learned = _gflop(alone, paper)
    yield Figure("a step of the first stage of `paper`, as counted", learned, unit)
    with fixed(detector, first.branches):
        computed, kept = _gflop(detector, paper), _gflop(detector, paper, both)
    yield Figure("a step of the second stage, CLIP and CNN in each, as counted", computed, unit)
    yield Figure("a step of the second stage, CLIP and CNN kept, as counted", kept, unit, kept / computed, "CLIP and CNN in each")
    epochs = paper.plan.epochs
    whole = first.epochs * learned + epochs * computed
    cached = first.epochs * learned + (computed - kept) + epochs * kept
    yield Figure("all epochs of both stages, CLIP and CNN kept, as counted", cached, unit, cached / whole, "CLIP and CNN in each")


def _gflop(detector: FusionDetector, recipe: TrainingRecipe, known: Mapping[str, Tensor] | None = None) -> float:
    """Of a picture in one step; `known` embeddings are not computed."""
    plan = replace(recipe.plan, autocast=False)
    images_BCHW, labels_B = torch.rand(2, 3, 224, 224), torch.arange(2) % 2.0
    with FlopCounterMode(display=False) as counter:
        training_step(detector.train(), optimiser_for(detector, plan), images_BCHW, labels_B, plan, 1.0, 0.0, known)
    return float(counter.get_total_flops()) / len(labels_B) / 1e9


@torch.no_grad()
def _give_statistics(detector: FusionDetector, names: Sequence[str]) -> None:
    """What batch normalisation has counted after a first stage: without it random weights end in infinity."""
    for name in names:
        branch = detector.parts[name].train()
        for module in branch.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 1.0
        branch(torch.rand(8, 3, 224, 224))


def _recipe(name: str) -> TrainingRecipe:
    recipe = recipe_named(name)
    assert isinstance(recipe, TrainingRecipe)
    return recipe
