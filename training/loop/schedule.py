"""Which pictures are shown when."""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from scanner.base.errors import KnownError
from worker.detector.image.normalise import normalise
from worker.detector.image.preprocess import Preprocessing

from ..config.hyperparameters import TrainingPlan
from ..data.dataset import Pictures, epoch_order
from ..data.feeding.decoded_cache import DecodedRows
from ..data.feeding.device_augmentation import degraded_on_device
from ..data.loading import loader_of
from ..data.manifest import ManifestError, Row
from .distributed import Team

# A picture and its label; one that is augmented on the device has a seed for that.
Sample = tuple[NDArray[np.uint8], int] | tuple[NDArray[np.uint8], int, int]
# images_BHWC and labels_B; or all pixels in a row, labels_B, shapes_B2 and seeds_B.
Loaded = tuple[Tensor, Tensor] | tuple[Tensor, Tensor, Tensor, Tensor]
# Whether the network must see the pictures of an epoch at these indices.
Needs = Callable[[int, Sequence[int]], bool]
_NO_PIXELS = np.empty((0, 0, 3), np.uint8)


class UnevenTeam(KnownError):
    """A batch that cannot be divided among the processes."""


@dataclass(frozen=True)
class Batch:
    """Pictures of one step of one process, on its device: images_BCHW, labels_B, and the place of each among `Pictures`."""

    images_BCHW: Tensor
    labels_B: Tensor
    indices_B: tuple[int, ...]


@dataclass(frozen=True)
class Schedule:
    """Which samples are seen when. Epochs are alike: `count` pictures each, and epoch e begins at step `starts[e]`.

    Orders are made when they are asked for: those of thirty epochs of a large set take gigabytes.
    """

    rows: Sequence[Row]
    plan: TrainingPlan
    count: int
    starts: list[int]

    @property
    def steps(self) -> int:
        return self.starts[-1]

    def order(self, epoch: int) -> list[int]:
        """Indices into `Pictures`, another order in each epoch."""
        return epoch_order(self.rows, self.plan.repeat, f"{self.plan.seed}/{epoch}")[: self.count]


def schedule_of(rows: Sequence[Row], plan: TrainingPlan, team: Team) -> Schedule:
    """All epochs of a run. Of each the last few pictures are left out where processes would get unequally many of them, or a
    single one: batch normalisation has nothing to normalise by.

    Raises UnevenTeam.
    """
    if plan.batch_size % team.size:
        raise UnevenTeam(f"a batch of {plan.batch_size} cannot be divided among {team.size} processes; change one of them")
    if plan.batch_size < 2 * team.size:
        raise UnevenTeam(f"a batch of {plan.batch_size} leaves each of {team.size} processes a single picture; make it larger")
    if plan.batch_size < 2 * team.size * plan.accumulate:
        raise UnevenTeam(
            f"a batch of {plan.batch_size} in {plan.accumulate} parts (accumulate) leaves each of {team.size} processes less "
            "than two pictures at a time; make it larger"
        )
    count = _even(sum(plan.repeat.get(row.source, 1) for row in rows), plan.batch_size, team.size)
    steps = math.ceil(count / plan.batch_size)
    return Schedule(rows, plan, count, [epoch * steps for epoch in range(plan.epochs + 1)])


def without_unknown_repeats(rows: Sequence[Row], plan: TrainingPlan, say: Callable[[str], None], *, own: bool) -> TrainingPlan:
    """The plan without repeats of sources that are not there.

    In a recipe of one's `own` such a source was misspelt, and nothing would be repeated: raises ManifestError. A bundled recipe
    repeats sources of the set that it was made for: that is said.
    """
    there = {row.source for row in rows}
    unknown = [source for source in plan.repeat if source not in there]
    for source in unknown if own else ():
        meant = get_close_matches(source, sorted(there), 1)
        advice = f"did you mean {meant[0]!r}?" if meant else f"there are {', '.join(sorted(there)[:10])}"
        raise ManifestError(f"the recipe repeats source {source!r}, which the manifest does not have; {advice}")
    if not unknown:
        return plan
    say(f"note: the recipe repeats {', '.join(unknown)}, which the manifest does not have")
    return replace(plan, repeat={source: times for source, times in plan.repeat.items() if source in there})


def _even(count: int, batch_size: int, processes: int) -> int:
    last = count % batch_size
    alone = last < 2 * processes <= batch_size and last < count
    return count - (last if alone else last % processes)


def fake_weight(rows: Sequence[Row], schedule: Schedule, plan: TrainingPlan) -> float:
    """Weight of a fake in the loss: real over fake images of an epoch where the plan balances, else 1."""
    if not plan.balance:
        return 1.0
    order = schedule.order(0)
    fakes = sum(rows[index % len(rows)].label for index in order)
    reals = len(order) - fakes
    forgeries = reals * plan.augmentation.forge if plan.augmentation else 0.0
    return (reals - forgeries) / (fakes + forgeries)


def batches(
    rows: Sequence[Row],
    schedule: Schedule,
    plan: TrainingPlan,
    preprocessing: Preprocessing,
    *,
    step: int,
    team: Team,
    processes: int,
    decoded: DecodedRows | None = None,
    needs: Needs = lambda *_: True,
) -> Generator[Batch]:
    """What is left of the run after `step` steps, for this process.

    The loading processes live as long as the run, and go on to the next epoch while the last one is measured. Pictures in
    `decoded` are not decoded again; batches that the network does not need to see have images of no pixels.
    """
    parts = Parts(schedule, plan.batch_size, step, team, needs)
    pin = team.device.type == "cuda"  # copies from pinned memory go on beside the computing
    loader = loader_of(RunPictures(rows, plan, decoded), batches=parts, processes=processes, collate=collated, pin=pin)
    for loaded, shown in zip(loader, parts, strict=True):
        size = plan.size_of(shown[0].epoch)
        images_BHWC, labels_B = inputs_of(loaded, plan, size, team.device, from_pinned=pin)
        images_BCHW = normalise(images_BHWC, replace(preprocessing, size=size))
        yield Batch(images_BCHW, labels_B, tuple(one.index for one in shown))


def inputs_of(
    loaded: Loaded, plan: TrainingPlan, size: int, device: torch.device, *, from_pinned: bool = False
) -> tuple[Tensor, Tensor]:
    """images_BHWC (uint8) of `size` pixels and labels_B on the `device`, where the plan may have them augmented."""
    pixels, labels_B, *told = (tensor.to(device, non_blocking=from_pinned) for tensor in loaded)
    if not told or not pixels.numel():
        return pixels, labels_B
    assert plan.augmentation is not None
    shapes_B2, seeds_B = (loaded[number].tolist() for number in (2, 3))
    pictures = torch.split(pixels, [height * width * 3 for height, width in shapes_B2])
    shaped = [picture.view(height, width, 3) for picture, (height, width) in zip(pictures, shapes_B2, strict=True)]
    return degraded_on_device(shaped, seeds_B, plan.augmentation, size), labels_B


@dataclass(frozen=True)
class Shown:
    """A picture of an epoch, by its place among `Pictures`; without `needed` its label alone."""

    epoch: int
    index: int
    needed: bool = True


@dataclass(frozen=True)
class Parts:
    """What this process is shown in each of the steps from `step` on; made as it is asked for."""

    schedule: Schedule
    batch_size: int
    step: int
    team: Team
    needs: Needs = lambda *_: True

    def __iter__(self) -> Iterator[list[Shown]]:
        starts = self.schedule.starts
        for epoch, (begins, ends) in enumerate(pairwise(starts)):
            if ends <= self.step:
                continue
            order = self.schedule.order(epoch)
            for first in range(max(0, self.step - begins) * self.batch_size, len(order), self.batch_size):
                own = order[first : first + self.batch_size][self.team.rank :: self.team.size]
                needed = self.needs(epoch, own)
                yield [Shown(epoch, index, needed) for index in own]


class RunPictures(Dataset[Sample]):
    """The pictures of all epochs; those that are augmented on the device are only forged and framed here."""

    def __init__(self, rows: Sequence[Row], plan: TrainingPlan, decoded: DecodedRows | None = None) -> None:
        self._rows = rows
        self._plan = plan
        self._decoded = decoded
        self._of: dict[int, Pictures] = {}

    def __getitem__(self, shown: Shown) -> Sample:
        if shown.epoch not in self._of:
            plan, epoch = self._plan, shown.epoch
            seed = f"{plan.seed}/{plan.draw_of(epoch)}"
            # The last epoch's may still be asked for; earlier ones are not.
            self._of = {known: pictures for known, pictures in self._of.items() if known == epoch - 1}
            size, how = plan.size_of(epoch), plan.augmentation
            self._of[epoch] = Pictures(self._rows, size, augmentation=how, seed=seed, decoded=self._decoded)
        pictures = self._of[shown.epoch]
        if not shown.needed:
            return _NO_PIXELS, pictures.label(shown.index)
        on_device = self._plan.augmentation is not None and self._plan.augmentation.on_device
        return pictures.undegraded(shown.index) if on_device else pictures[shown.index]


def collated(samples: list[Sample]) -> Loaded:
    """Tensors: they travel between processes in shared memory, arrays through a pipe."""
    labels_B = torch.tensor([sample[1] for sample in samples], dtype=torch.float32)
    images = [sample[0] for sample in samples]
    if len(samples[0]) == 2 or not images[0].size:
        return torch.from_numpy(np.stack(images)), labels_B
    shapes_B2 = torch.tensor([image.shape[:2] for image in images])
    seeds_B = torch.tensor([sample[-1] for sample in samples])
    return torch.from_numpy(np.concatenate([image.reshape(-1) for image in images])), labels_B, shapes_B2, seeds_B
