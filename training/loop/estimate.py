"""What a run costs, measured before it starts: how long it takes, what bounds it, and what it had better use."""

import ctypes
import gc
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from scanner.base.files import write_whole
from scanner.base.machine import cores
from worker.detector.image.normalise import normalise
from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.network import FusionDetector

from ..config.hyperparameters import TrainingPlan
from ..config.recipes.reader import TrainingRecipe
from ..data.feeding.decoded_cache import DecodedRows
from ..data.manifest import Row
from .distributed import Team
from .frozen_embeddings import FrozenBranches
from .optimiser import optimiser_for, training_step, with_own_weights
from .schedule import Loaded, Parts, RunPictures, Schedule, Shown, collated, inputs_of, schedule_of

_TIMED_STEPS = 2
_TRIED_PICTURES = 8
PRECISION_FILE = "precision.json"


@dataclass(frozen=True)
class Costs:
    """Seconds: one process loads the batch of a step, the network learns from it, and frozen branches embed one picture."""

    loading: float
    computing: float
    embedding: float = 0.0

    def per_step(self, processes: int) -> float:
        """Seconds of a step. Loading overlaps with computing when there are processes for it; the slower of the two counts."""
        return max(self.loading / processes, self.computing) if processes else self.loading + self.computing

    def loaders(self, device: str, cores: int) -> int:
        """How many processes keep up with the computing; on a CPU they take their cores from it."""
        wanted = math.ceil(self.loading / self.computing)
        return max(1, min(wanted, cores - 1) if device == "cpu" else min(wanted + 1, cores))

    def bound(self, processes: int) -> str:
        """What bounds a run, in words."""
        loading = f"loading a batch takes {self.loading:.2g} s of a process"
        if processes and self.loading / processes > self.computing:
            return f"bound by loading: {loading} of {processes}, learning from it {self.computing:.2g} s; --loaders sets how many"
        return f"bound by computing, {self.computing:.2g} s a step; {loading}"


def costs_of(
    detector: FusionDetector,
    rows: Sequence[Row],
    plan: TrainingPlan,
    preprocessing: Preprocessing,
    schedule: Schedule,
    team: Team,
    frozen: FrozenBranches | None = None,
    decoded: DecodedRows | None = None,
) -> Mapping[int, Costs]:
    """Costs at each input size of the run (pixels).

    Those at the largest are measured, by a few steps on a copy of `detector`. A step at another size takes as long as it has
    pixels; loading is about the same.
    """
    sizes = [plan.size_of(epoch) for epoch in range(plan.epochs)]
    largest = max(sizes)
    with torch.random.fork_rng():
        start = schedule.starts[sizes.index(largest)]
        found = _costs(detector, rows, plan, preprocessing, schedule, start, team, frozen, decoded)
    _release_freed_memory()
    shares = {size: (size / largest) ** 2 for size in sorted(set(sizes))}
    return {size: Costs(found.loading, found.computing * share, found.embedding * share) for size, share in shares.items()}


def seconds_for(
    costs: Mapping[int, Costs],
    plan: TrainingPlan,
    schedule: Schedule,
    team: Team,
    processes: int,
    missing: int = 0,
    pictured: int | None = None,
) -> float:
    """Seconds of the training steps; measuring after epochs is not counted.

    `missing` embeddings are computed once, and `pictured` epochs show pictures, without it all.
    """
    total = missing * max(cost.embedding for cost in costs.values()) / team.size
    for epoch in range(plan.epochs):
        steps = schedule.starts[epoch + 1] - schedule.starts[epoch]
        cost = costs[plan.size_of(epoch)]
        total += steps * (cost.per_step(processes) if pictured is None or epoch < pictured else cost.computing)
    return total


@dataclass(frozen=True)
class Forecast:
    """What a run, or a stage of one, costs, and how many processes load pictures for it."""

    steps: int
    seconds: float
    loaders: int
    bound: str


def forecast(
    detector: FusionDetector,
    rows: Sequence[Row],
    recipe: TrainingRecipe,
    team: Team,
    asked: int | None,
    frozen: FrozenBranches | None,
    missing: int,
    decoded: DecodedRows | None,
) -> Forecast:
    """Measure it. As many processes load as were `asked` for, or as many as keep up; `missing` embeddings of the branches in
    `frozen` are to be computed.
    """
    plan, schedule = recipe.plan, schedule_of(rows, recipe.plan, team)
    costs = costs_of(detector, rows, plan, recipe.network.preprocessing, schedule, team, frozen, decoded)
    last = costs[plan.size_of(plan.epochs - 1)]
    loaders = last.loaders(team.device.type, cores()) if asked is None else asked
    # Where all branches that look at pictures are frozen, a picture is needed until its embedding is known.
    all_frozen = frozen is not None and set(detector.seeing) <= set(frozen.branches)
    pictured = (max(1, plan.draws) if missing else 0) if all_frozen else None
    seconds = seconds_for(costs, plan, schedule, team, loaders, missing, pictured)
    return Forecast(schedule.steps, seconds, loaders, last.bound(loaders))


def quicker_precision(
    detector: FusionDetector,
    rows: Sequence[Row],
    plan: TrainingPlan,
    preprocessing: Preprocessing,
    schedule: Schedule,
    team: Team,
    folder: Path,
) -> tuple[bool, str | None]:
    """Whether to compute in bfloat16, and why, where that was measured now.

    Where the plan allows it GPUs do. Processors differ: some have instructions for it, on others it is slower than float32. What
    was chosen is kept in `folder`, so that a run that goes on has the same numbers.
    """
    if not plan.autocast or team.device.type != "cpu":
        return plan.autocast, None
    kept = folder / PRECISION_FILE
    try:
        return bool(json.loads(kept.read_bytes())["autocast"]), None
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none yet
    largest = max(range(plan.epochs), key=plan.size_of)
    took: dict[str, float] = {}
    with torch.random.fork_rng():
        for name, autocast in (("float32", False), ("bfloat16", True)):
            tried = replace(plan, autocast=autocast)
            start = schedule.starts[largest]
            took[name] = _costs(detector, rows, tried, preprocessing, schedule, start, team, None).computing
            _release_freed_memory()
    chosen = min(took, key=lambda name: took[name])
    write_whole(kept, json.dumps({"autocast": chosen == "bfloat16", "seconds a step": took}))
    return chosen == "bfloat16", f"computes in {chosen}: " + ", ".join(f"{took[name]:.2g} s a step in {name}" for name in took)


def _costs(
    detector: FusionDetector,
    rows: Sequence[Row],
    plan: TrainingPlan,
    preprocessing: Preprocessing,
    schedule: Schedule,
    step: int,
    team: Team,
    frozen: FrozenBranches | None,
    decoded: DecodedRows | None = None,
) -> Costs:
    own = plan.batch_size // team.size
    # A processor takes as long for a picture in a small batch. A GPU does not, and whole batches take it no time.
    tried = min(own, _TRIED_PICTURES) if team.device.type == "cpu" else own
    shown = next(iter(Parts(schedule, plan.batch_size, step, team)))
    loading, loaded = _loading(RunPictures(rows, plan, decoded), shown[:tried], kept=decoded is not None)
    size = plan.size_of(shown[0].epoch)
    inputs_of(loaded, plan, size, team.device)
    began = time.perf_counter()
    images_BHWC, labels_B = inputs_of(loaded, plan, size, team.device)
    float(images_BHWC[0, 0, 0, 0])  # a GPU has done them only now
    augmenting = time.perf_counter() - began
    images_BCHW = normalise(images_BHWC, replace(preprocessing, size=size))
    trial = with_own_weights(detector).to(team.device).to(memory_format=torch.channels_last).train()
    optimiser = optimiser_for(trial, plan)
    known, embedding = None, 0.0
    if frozen:
        frozen.computed(trial, images_BCHW)
        began = time.perf_counter()
        known = {name: found_BD.float() for name, found_BD in frozen.computed(trial, images_BCHW).items()}
        float(next(iter(known.values()))[0, 0])
        embedding = (time.perf_counter() - began) / len(labels_B)
    took = []
    for _ in range(1 + _TIMED_STEPS):
        began = time.perf_counter()
        float(training_step(trial, optimiser, images_BCHW, labels_B, plan, 1.0, 0.0, known))
        took.append(time.perf_counter() - began)
    # The first is slow everywhere; of the others the quickest was disturbed least.
    return Costs(loading * own, (augmenting + min(took[1:])) * own / len(labels_B), embedding)


def _loading(pictures: RunPictures, shown: Sequence[Shown], *, kept: bool) -> tuple[float, Loaded]:
    """Seconds that one process takes for one of the pictures of an epoch, and the batch that they make.

    What comes once a run is not counted: the order of an epoch, libraries that are loaded for the first picture, pictures that
    are decoded to be `kept`.
    """
    samples, timed = [pictures[one] for one in (shown if kept else shown[:1])], shown if kept else shown[1:]
    began = time.perf_counter()
    again = [pictures[one] for one in timed]
    return (time.perf_counter() - began) / max(1, len(timed)), collated(again if kept else samples + again)


def _release_freed_memory() -> None:
    """Give what trial steps have freed back to the system, where the C library is glibc: it keeps pieces of large tensors."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
