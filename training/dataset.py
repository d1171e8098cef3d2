"""Manifest rows as training samples, through the same decoding and preprocessing as the worker's."""

import random
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from worker.detector.picture import PictureError, decode_rgb
from worker.detector.preprocess import to_square

from .augment import augmented
from .manifest import ManifestError, Row

_MAX_PIXELS = 100_000_000


class Pictures(Dataset[tuple[NDArray[np.uint8], int]]):
    """(uint8 HWC of `size`, label) per row. With a seed, pictures are augmented; the same seed and index repeat exactly.

    An index beyond the rows counts on from the first: another copy of the same row, augmented in another way.
    """

    def __init__(self, rows: Sequence[Row], size: int, *, augment_seed: str | None = None) -> None:
        self._rows = rows
        self._size = size
        self._seed = augment_seed

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], int]:
        row = self._rows[index % len(self._rows)]
        try:
            picture = decode_rgb(row.path.read_bytes(), max_pixels=_MAX_PIXELS, short_side=self._size).picture
        except (OSError, PictureError) as error:
            raise ManifestError(f"{row.path}: {error}. Mend it, or take its line out of the manifest") from None
        if self._seed is not None:
            picture = augmented(picture, random.Random(f"{self._seed}/{index}"))  # noqa: S311  (not for secrets)
        return to_square(picture, self._size), row.label


def epoch_order(rows: Sequence[Row], repeat: Mapping[str, int], seed: str) -> list[int]:
    """Indices into `Pictures` for one epoch, shuffled by `seed`; rows of a source in `repeat` come in that many copies."""
    order = [index + copy * len(rows) for index, row in enumerate(rows) for copy in range(repeat.get(row.source, 1))]
    random.Random(seed).shuffle(order)  # noqa: S311
    return order
