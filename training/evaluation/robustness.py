"""What becomes of scores when images are recompressed, shrunk, blurred, photographed off a screen or passed on.

A condition makes a new file of the upright picture at its full size; that file then goes the way of every scanned file:
`decode_rgb`, `to_input`, network. Everything is deterministic.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from worker.detector.combined.scorer import AnyScorer, CombinedScorer
from worker.detector.image.perturbations import Condition
from worker.detector.image.picture import PictureError, decode_rgb
from worker.detector.image.preprocess import OWN_RESIZE, Resize, to_input
from worker.detector.inference.scorer import sigmoid

from ..data.loading import loader_of
from ..data.manifest import MAX_PIXELS, Row
from ..data.row_picture import unreadable
from . import metrics
from .conditions import UNCHANGED, conditions
from .figures import DRAWS, measured
from .logits import fused_logits, labels_of
from .weighted_metrics import Labels, Scores

_SQUARES = 256  # per batch, over all conditions


def robustness(
    predictor: AnyScorer, rows: Sequence[Row], *, processes: int = 0, report: Callable[[int, int], None], draws: int = DRAWS
) -> dict[str, Any]:
    """Figures of `rows` as they are and under every condition, JSON-ready, with the drift and the flips against "as it is".

    Calibration, threshold and band are those of the predictor's card. Each condition has `pooled` and `sources`, in which
    `drift_mean` and `drift_95` are the mean and the 95th percentile of the absolute change of the score, `relabelled` is the
    share of images whose label (fake, uncertain, real) changes, and `reversed` the share that goes from fake straight to real
    or back. `report(done, all)` counts images. Raises ManifestError for a picture that cannot be read.
    """
    tried = conditions()
    card = predictor.card
    logits_NC = _logits(predictor, rows, tried, processes, report)
    scores_NC = sigmoid(card.calibration.slope * logits_NC + card.calibration.offset)
    labels, groups = labels_of(rows), np.asarray([row.group for row in rows])
    sources = np.asarray([row.source for row in rows])

    def under(chosen: NDArray[np.int64], number: int) -> dict[str, Any]:
        before, after = scores_NC[chosen, 0], scores_NC[chosen, number]
        figures = _figures(labels[chosen], after, groups[chosen].tolist(), card.threshold, draws)
        return {**figures, **drift(before, after, card.threshold, card.band_low)}

    return {
        "images": len(rows),
        "threshold": card.threshold,
        "band_low": card.band_low,
        "conditions": [
            {
                "name": condition.name,
                "does": condition.does,
                "pooled": under(np.arange(len(rows)), number),
                "sources": {str(source): under(np.flatnonzero(sources == source), number) for source in np.unique(sources)},
            }
            for number, condition in enumerate(tried)
        ],
    }


def logits_under(predictor: AnyScorer, rows: Sequence[Row], condition: Condition, processes: int = 0) -> Scores:
    """Uncalibrated logits of `rows` under one condition, in their order. Raises ManifestError."""
    return _logits(predictor, rows, (condition,), processes, lambda done, count: None)[:, 0]


def drift(before: Scores, after: Scores, threshold: float, band_low: float) -> dict[str, float]:
    """How far scores moved, and how many labels changed with them; see `robustness`."""
    moved = np.abs(after - before)
    # 0 real, 1 uncertain, 2 fake
    was, became = ((scores >= band_low).astype(int) + (scores >= threshold) for scores in (before, after))
    return {
        "drift_mean": float(moved.mean()),
        "drift_95": float(np.percentile(moved, 95)),
        "relabelled": float(np.mean(was != became)),
        "reversed": float(np.mean(np.abs(was - became) == 2)),
    }


def _figures(labels: Labels, scores: Scores, groups: Sequence[str], threshold: float, draws: int) -> dict[str, Any]:
    """What is undefined for lack of a label is left out."""
    at = {
        "balanced_accuracy": metrics.balanced_accuracy,
        "false_alarm_rate": metrics.false_alarm_rate,
        "hit_rate": metrics.hit_rate,
    }
    measures = {name: partial(metric.draws, threshold=threshold) for name, metric in at.items()}
    return measured({"auc": metrics.auc.draws, **measures}, labels, scores, groups, draws)


def _logits(
    predictor: AnyScorer,
    rows: Sequence[Row],
    tried: Sequence[Condition],
    processes: int,
    report: Callable[[int, int], None],
) -> NDArray[np.float64]:
    """logits_NC: one column per condition."""
    if isinstance(predictor, CombinedScorer):
        each = np.stack([_logits(part, rows, tried, processes, report) for part in predictor.parts], axis=-1)
        return np.stack([fused_logits(predictor, each[:, number]) for number in range(len(tried))], axis=1)
    size = predictor.card.recipe.preprocessing.size
    squares = _Changed(rows, size, tried, predictor.card.face_inputs.resize)
    loader = loader_of(squares, batch_size=max(1, _SQUARES // len(tried)), processes=processes, collate=np.stack)
    parts: list[NDArray[np.float64]] = []
    for images_NCHWC in loader:
        count = len(images_NCHWC)
        parts.append(predictor.logits(images_NCHWC.reshape(-1, size, size, 3)).reshape(count, len(tried)))
        report(sum(map(len, parts)), len(rows))
    return np.concatenate(parts)


class _Changed(Dataset[NDArray[np.uint8]]):
    """Per row the squares under each condition: uint8, C conditions x `size` x `size` x 3."""

    def __init__(self, rows: Sequence[Row], size: int, tried: Sequence[Condition], resize: Resize) -> None:
        self._rows = rows
        self._size = size
        self._resize = resize
        self._tried = tried

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        row = self._rows[index]
        try:
            content = row.read()
            # No image is twice as large as this, so it is decoded at its full size.
            whole = decode_rgb(content, max_pixels=MAX_PIXELS, short_side=MAX_PIXELS).picture
            changed = (content if condition.name == UNCHANGED else condition.change(whole) for condition in self._tried)
            return np.stack([self._square(file) for file in changed])
        except (OSError, PictureError) as error:
            raise unreadable(row, error) from None

    def _square(self, content: bytes) -> NDArray[np.uint8]:
        scaled = self._resize == OWN_RESIZE
        picture = decode_rgb(content, max_pixels=MAX_PIXELS, short_side=self._size, scaled=scaled).picture
        return to_input(picture, self._size, self._resize)
