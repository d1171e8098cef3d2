"""An epoch of `paper` with what its frozen branch says kept, beside the same without; random weights, as quick as any others.

The second epoch counts: the first one computes what is kept. The pictures are face-sized JPEGs.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch

from training.config.recipes.reader import TrainingRecipe, recipe_named
from training.data.manifest import Row
from training.loop.distributed import Team
from training.loop.frozen_embeddings import FrozenEmbeddings, frozen_embeddings
from training.loop.loop import train
from training.loop.progress import Progress
from worker.detector.model.assembly import build_detector
from worker.detector.weights.public_weights import BackboneFiles

from ..measure import Figure, Limit, Sizes
from ..pictures import write_face_sized

PICTURES, BATCH = 64, 16


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Seconds of an epoch of so many pictures, in turn with and without."""
    recipe = recipe_named("paper")
    assert isinstance(recipe, TrainingRecipe)
    recipe = replace(recipe, plan=replace(recipe.plan, epochs=2, batch_size=BATCH))
    with tempfile.TemporaryDirectory() as place:
        paths = write_face_sized(Path(place) / "pictures", PICTURES)
        rows = [Row(path, number % 2, "made", "", "", path.name, "train") for number, path in enumerate(paths)]
        times: dict[str, list[float]] = {"kept": [], "computed": []}
        for run in range(max(1, sizes.runs // 2)):
            for name, found in times.items():
                found.append(_epoch(recipe, rows, Path(place) / f"{name}{run}", keeps=name == "kept"))
    ratio = median(kept / computed for kept, computed in zip(times["kept"], times["computed"], strict=True))
    yield Figure("an epoch of `paper`, CLIP in each", median(times["computed"]), f"s for {PICTURES} pictures")
    yield Figure(
        "an epoch of `paper`, CLIP kept",
        median(times["kept"]),
        f"s for {PICTURES} pictures",
        ratio,
        "CLIP in each",
        Limit("<=", 0.6, of_ratio=True),
    )


def _epoch(recipe: TrainingRecipe, rows: Sequence[Row], folder: Path, *, keeps: bool) -> float:
    """Seconds of the second epoch's steps."""
    network, plan = recipe.network, recipe.plan
    detector = build_detector(network, BackboneFiles())
    frozen: FrozenEmbeddings | None = None
    if keeps:
        frozen = frozen_embeddings(detector, network, {"clip-image": "random"}, rows, plan, folder / "cache")
    folder.mkdir(exist_ok=True)
    ends: dict[int, float] = {}
    steps = PICTURES // BATCH

    def report(now: Progress) -> None:
        ends[now.step] = time.perf_counter()

    measured: list[float] = []

    def measure(epoch: int, _: object) -> dict[str, float]:
        measured.append(time.perf_counter())
        return {"auc": 0.5, "dcf": 0.5}

    train(
        detector,
        rows,
        plan,
        network.preprocessing,
        folder=folder,
        team=Team(torch.device("cpu")),
        loader_processes=1,
        report=report,
        measure=measure,
        frozen=frozen,
    )
    return ends[2 * steps] - measured[0]
