"""What a network's branches say on average: embeddings that speak for neither label, beside which one branch is heard alone."""

from collections.abc import Sequence

import numpy as np
import torch

from worker.detector.inference.predictor import Predictor

from ..data.dataset import Pictures
from ..data.loading import loader_of
from ..data.manifest import Row
from ..evaluation.logits import stacked

# Of each label; the mean of so many embeddings is known to a few percent of their spread.
IMAGES = 1024


def set_neutral(predictor: Predictor, rows: Sequence[Row], *, processes: int = 0, batch_size: int = 64) -> None:
    """Fill the detector's `neutral_D` with the mean of its embeddings over `rows`, reals and fakes counting the same.

    Up to IMAGES of each label are taken, evenly over the rows. A detector with one branch that looks at the image has none and
    is left alone. Raises ManifestError for a picture that cannot be read.
    """
    detector = predictor.detector
    if len(detector.seeing) < 2:
        return
    means = []
    for label in sorted({row.label for row in rows}):
        chosen = _evenly([row for row in rows if row.label == label])
        pictures = Pictures(chosen, predictor.card.recipe.preprocessing.size)
        loader = loader_of(pictures, batch_size=batch_size, processes=processes, collate=stacked)
        with torch.no_grad():
            sums = [detector.embeddings(predictor.on_device(images_BHWC)).double().sum(0).cpu() for images_BHWC in loader]
        means.append(torch.stack(sums).sum(0) / len(chosen))
    detector.neutral_D.copy_(torch.stack(means).mean(0))


def _evenly(rows: Sequence[Row]) -> Sequence[Row]:
    return [rows[index] for index in np.unique(np.linspace(0, len(rows) - 1, min(IMAGES, len(rows))).astype(int))]
