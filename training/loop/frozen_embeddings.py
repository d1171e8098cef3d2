"""What frozen branches say of the pictures of a run, computed once and kept: it is the same in every epoch.

Shapes: B images, C = 3, H = W = input size in pixels, D embedding width.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worker.detector.checkpoints.checkpoint import library_versions
from worker.detector.inference.predictor import Predictor
from worker.detector.model.network import FusionDetector
from worker.detector.model.recipes import Recipe

from ..config.hyperparameters import TrainingPlan
from ..data.cache_files import demand_room, size_text, told_rows, with_room
from ..data.dataset import Pictures
from ..data.loading import loader_of
from ..data.manifest import Row
from ..evaluation.logits import logits_of, stacked
from .schedule import Batch, Needs

# Goes up when the same pictures would be embedded in another way.
_FORMAT = 1
# Goes up when the same draw of an augmentation would be another picture.
_DRAWS_FORMAT = 2
_AT_ONCE = 256


@dataclass(frozen=True)
class FrozenBranches:
    """The `branches` of a network whose embeddings, `widths` wide, can be kept: frozen ones that look at the picture."""

    branches: tuple[str, ...]
    widths: tuple[int, ...]
    autocast: bool

    @torch.no_grad()
    def computed(self, detector: FusionDetector, images_BCHW: Tensor) -> dict[str, Tensor]:
        """embeddings_BD by branch in float16, computed anew."""
        with torch.autocast(images_BCHW.device.type, torch.bfloat16) if self.autocast else nullcontext():
            return {name: detector.parts[name](detector.shown(name, images_BCHW)).half() for name in self.branches}


@dataclass(frozen=True)
class FrozenEmbeddings(FrozenBranches):
    """What they say, for each draw of each picture of a run.

    `numbers` is one file (float16, memory-mapped), one line of it for each draw of each picture. A line of zeros is not computed
    yet: a frozen branch says something of every picture. Processes of one machine share the file.
    """

    path: Path
    numbers: NDArray[np.float16]

    @torch.no_grad()
    def of(self, detector: FusionDetector, lines_B: Sequence[int], images_BCHW: Tensor) -> dict[str, Tensor]:
        """embeddings_BD by branch, on the device of the images; those that are not there yet are computed and kept.

        Always what float16 keeps of them, so that the first epoch sees what all others see. Raises CacheUnusable.
        """
        lines = np.asarray(lines_B)
        known_BD = self.numbers[lines]
        missing = np.flatnonzero(~known_BD.any(axis=1))
        if len(missing):
            chosen = images_BCHW if len(missing) == len(lines) else images_BCHW[torch.from_numpy(missing).to(images_BCHW.device)]
            # A batch that is learned from in parts is not embedded at once, either.
            computed = [torch.cat(list(self.computed(detector, part).values()), dim=1) for part in torch.split(chosen, _AT_ONCE)]
            known_BD[missing] = torch.cat(computed).cpu().numpy()
            self.numbers[lines[missing]] = known_BD[missing]
        found_BD = torch.from_numpy(known_BD).to(images_BCHW.device).float()
        return dict(zip(self.branches, torch.split(found_BD, list(self.widths), dim=1), strict=True))

    def has(self, lines_B: Sequence[int]) -> bool:
        """Whether all of these are there."""
        return bool(self.numbers[np.asarray(lines_B)].any(axis=1).all())

    @property
    def known(self) -> int:
        """How many lines are there already."""
        step = 1 << 16
        return int(sum(self.numbers[at : at + step].any(axis=1).sum() for at in range(0, len(self.numbers), step)))


def cached_branches(detector: FusionDetector, plan: TrainingPlan, *, as_scanned: bool = False) -> FrozenBranches:
    """Those of `detector`; pictures `as_scanned` are embedded as a scan does, without what the plan says of precision."""
    names = tuple(name for name, branch in detector.parts.items() if branch.is_frozen and not branch.is_constant)
    return FrozenBranches(names, tuple(detector.parts[name].width for name in names), plan.autocast and not as_scanned)


def frozen_embeddings(
    detector: FusionDetector,
    network: Recipe,
    hashes: Mapping[str, str],
    rows: Sequence[Row],
    plan: TrainingPlan,
    folder: Path,
    *,
    as_scanned: bool = False,
) -> FrozenEmbeddings:
    """Those of all draws of `rows`, or, `as_scanned`, of the pictures as they are; in a file in `folder` that is made if need be.

    `hashes` are of the frozen branches' weights: of their public files, or of what a first stage has trained. The file depends on
    everything that the embeddings do. Raises CacheUnusable.
    """
    kept = cached_branches(detector, plan, as_scanned=as_scanned)
    width, lines = sum(kept.widths), len(rows) if as_scanned else lines_of(plan, rows)
    path = folder / f"{_key(kept.branches, network, hashes, rows, plan, as_scanned=as_scanned)}.f16"
    with_room(path, lines * width * 2, "embeddings", _ADVICE)
    numbers = np.memmap(path, np.float16, "r+", shape=(lines, width))
    return FrozenEmbeddings(kept.branches, kept.widths, kept.autocast, path, numbers)


def lines_of(plan: TrainingPlan, rows: Sequence[Row]) -> int:
    """How many lines a run needs: one a picture, or, where pictures are augmented, one for each copy in each draw."""
    return len(rows) if plan.augmentation is None else len(rows) * max([1, *plan.repeat.values()]) * plan.draws


def line_of(plan: TrainingPlan, rows: Sequence[Row], epoch: int, index: int) -> int:
    """The line of what is shown at `index` (see `Pictures`) in `epoch`."""
    if plan.augmentation is None:
        return index % len(rows)
    return (epoch % plan.draws) * len(rows) * max([1, *plan.repeat.values()]) + index


def known_of(
    frozen: FrozenEmbeddings | None, detector: FusionDetector, batch: Batch, plan: TrainingPlan, rows: Sequence[Row], epoch: int
) -> dict[str, Tensor] | None:
    """Embeddings by branch of a batch of `epoch`; None where none are kept."""
    if frozen is None:
        return None
    lines = [line_of(plan, rows, epoch, index) for index in batch.indices_B]
    return frozen.of(detector, lines, batch.images_BCHW)


def needs_of(frozen: FrozenEmbeddings | None, detector: FusionDetector, plan: TrainingPlan, rows: Sequence[Row]) -> Needs:
    """Which pictures the network must see: all, unless every branch that looks at them is frozen; then those not yet known."""
    if frozen is None or not set(detector.seeing) <= set(frozen.branches):
        return lambda *_: True
    return lambda epoch, indices: not frozen.has([line_of(plan, rows, epoch, index) for index in indices])


@torch.inference_mode()
def kept_logits(
    predictor: Predictor, rows: Sequence[Row], frozen: FrozenEmbeddings | None, *, processes: int, batch_size: int = 64
) -> NDArray[np.float64]:
    """Uncalibrated logits of `rows` as they are, in their order, with what is in `frozen` of the frozen branches."""
    if frozen is None:
        return logits_of(predictor, rows, processes=processes, batch_size=batch_size)
    detector, firsts = predictor.detector, range(0, len(rows), batch_size)
    if set(detector.seeing) <= set(frozen.branches) and frozen.known == len(rows):
        loader: Iterable[NDArray[np.uint8]] = (
            np.empty((min(batch_size, len(rows) - first), 0, 0, 3), np.uint8) for first in firsts
        )
    else:
        pictures = Pictures(rows, predictor.card.recipe.preprocessing.size)
        loader = loader_of(pictures, batch_size=batch_size, processes=processes, collate=stacked)
    found = []
    for first, images_BHWC in zip(firsts, loader, strict=True):
        images_BCHW = predictor.on_device(images_BHWC)
        known = frozen.of(detector, range(first, first + len(images_BHWC)), images_BCHW)
        found.append(detector(images_BCHW, known).double().cpu().numpy())
    return np.concatenate(found)


def announced_for_later(kept: FrozenBranches, lines: int, folder: Path) -> str:
    """What a run says of the embeddings of its second stage, before the first. Raises CacheUnusable where there is no room."""
    size = lines * sum(kept.widths) * 2
    demand_room(folder, size, "embeddings", _ADVICE)
    return f"{lines:,} embeddings of {', '.join(kept.branches)}, {size_text(size)} in {folder}, come with its first epoch"


def announced(kept: FrozenEmbeddings) -> str:
    """What a run says of its embeddings before it begins."""
    lines, done = len(kept.numbers), kept.known
    there = "all of them are there" if done == lines else f"{done:,} are there, the others come with the first epoch"
    return f"{lines:,} embeddings of {', '.join(kept.branches)}, {size_text(kept.numbers.nbytes)} in {kept.path}: {there}"


_ADVICE = "free some, name another --cache, or go without by --no-cache"


def _key(
    branches: Sequence[str],
    network: Recipe,
    hashes: Mapping[str, str],
    rows: Sequence[Row],
    plan: TrainingPlan,
    *,
    as_scanned: bool,
) -> str:
    shown = {name: asdict(network)[name] for name in ("clip", "clip_blocks", "preprocessing", "inputs")}
    drawn = None
    if plan.augmentation is not None and not as_scanned:
        drawn = [_DRAWS_FORMAT, asdict(plan.augmentation), plan.draws, plan.seed, dict(plan.repeat)]
    document = {
        "format": _FORMAT,
        "branches": list(branches),
        "hashes": {name: hashes.get(name) for name in branches},
        "network": shown,
        "sizes": sorted({plan.size_of(epoch) for epoch in range(plan.epochs)}),
        "drawn": drawn,
        "autocast": plan.autocast and not as_scanned,
        "versions": library_versions(),
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    for told in told_rows(rows):
        digest.update(told)
    return digest.hexdigest()[:32]
