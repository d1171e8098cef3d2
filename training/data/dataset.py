"""Manifest rows as training samples, through the same decoding and preprocessing as the worker's."""

import random
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset

from worker.detector.faces.face import Input
from worker.detector.faces.input_selection import Wanted
from worker.detector.image.picture import PictureError, decode_rgb
from worker.detector.image.preprocess import OWN_RESIZE, Resize, to_input

from .augmentation import Augmentation, degraded, reframed
from .feeding.decoded_cache import DecodedRows
from .manifest import MAX_PIXELS, Row
from .row_picture import looked_at_for, unreadable
from .self_blending import forged


class Pictures(Dataset[tuple[NDArray[np.uint8], int]]):
    """(uint8 HWC of `size`, label) per row. With an augmentation pictures are changed; the same seed and index repeat exactly.

    An index beyond the rows counts on from the first: another copy of the same row, augmented in another way. What is kept in
    `decoded` is not decoded again.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        size: int,
        *,
        augmentation: Augmentation | None = None,
        seed: str = "",
        resize: Resize = OWN_RESIZE,
        decoded: DecodedRows | None = None,
    ) -> None:
        self._rows = rows
        self._size = size
        self._resize = resize
        self._augmentation = augmentation
        self._seed = seed
        self._known = decoded
        self._donors: dict[str, list[int]] = {}
        for number, row in enumerate(rows if augmentation and augmentation.forge else ()):
            if row.label == 0:
                self._donors.setdefault(row.source, []).append(number)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], int]:
        picture, label, rng = self._reframed(index)
        if self._augmentation is not None:
            picture = degraded(picture, self._augmentation, rng)
        return to_input(picture, self._size, self._resize), label

    def undegraded(self, index: int) -> tuple[NDArray[np.uint8], int, int]:
        """The picture as it is before the second half of the augmentation, its label, and a seed for that half."""
        picture, label, rng = self._reframed(index)
        return np.asarray(picture), label, rng.getrandbits(63)

    def _reframed(self, index: int) -> tuple[Image.Image, int, random.Random]:
        """The picture after forging and framing, its label, and the generator of what follows."""
        number, rng = index % len(self._rows), random.Random(f"{self._seed}/{index}")  # noqa: S311  (not for secrets)
        picture, label, how = self._decoded(number), self._rows[number].label, self._augmentation
        if how is None:
            return picture, label, rng
        if label == 0 and rng.random() < how.forge:
            donor = self._decoded(rng.choice(self._donors[self._rows[number].source])) if rng.random() < 0.5 else None
            picture, label = forged(picture, donor, rng), 1
        return reframed(picture, how, rng), label, rng

    def label(self, index: int) -> int:
        """The label of what is shown at `index`, without a look at it."""
        label = self._rows[index % len(self._rows)].label
        if self._augmentation is None or label:
            return label
        return int(random.Random(f"{self._seed}/{index}").random() < self._augmentation.forge)  # noqa: S311

    def _decoded(self, number: int) -> Image.Image:
        row = self._rows[number]
        try:
            if self._known is not None:
                return self._known.picture(number, row)
            content, scaled = row.read(), self._resize == OWN_RESIZE
            return decode_rgb(content, max_pixels=MAX_PIXELS, short_side=self._size, scaled=scaled).picture
        except (OSError, PictureError) as error:
            raise unreadable(row, error) from None


class Inputs(Dataset[tuple[tuple[Input, ...], ...]]):
    """Per row all inputs that scanning makes of its picture for each network that is shown it, at least one.

    Each process loads a face finder of its own.
    """

    def __init__(self, rows: Sequence[Row], wanted: Sequence[Wanted]) -> None:
        self._rows = rows
        self._wanted = wanted

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[tuple[Input, ...], ...]:
        return tuple(looked.inputs for looked in looked_at_for(self._rows[index], self._wanted))


def epoch_order(rows: Sequence[Row], repeat: Mapping[str, int], seed: str) -> list[int]:
    """Indices into `Pictures` for one epoch, shuffled by `seed`; rows of a source in `repeat` come in that many copies."""
    order = [index + copy * len(rows) for index, row in enumerate(rows) for copy in range(repeat.get(row.source, 1))]
    random.Random(seed).shuffle(order)  # noqa: S311
    return order
