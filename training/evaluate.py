"""Logits and labels of manifest rows."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from worker.detector.predictor import Predictor

from .dataset import Pictures
from .manifest import Row
from .weighted import Labels, Scores


def logits_of(
    predictor: Predictor,
    rows: Sequence[Row],
    *,
    processes: int = 0,
    batch_size: int = 64,
) -> Scores:
    """Uncalibrated logits in the order of `rows`."""
    size = predictor.card.recipe.preprocessing.size
    loader = DataLoader(Pictures(rows, size), batch_size, num_workers=processes, collate_fn=_stack, generator=torch.Generator())
    return np.concatenate([predictor.logits(images_BHWC) for images_BHWC in loader])


def labels_of(rows: Sequence[Row]) -> Labels:
    """1 for fake, 0 for real, in the order of `rows`."""
    return np.asarray([row.label for row in rows], np.int64)


def _stack(samples: list[tuple[NDArray[np.uint8], int]]) -> NDArray[np.uint8]:
    return np.stack([image for image, _ in samples])
