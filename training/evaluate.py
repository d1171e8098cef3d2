"""Scores of manifest rows, and the figures that go into a checkpoint's card: pooled and per source."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from worker.detector.predictor import Predictor

from .dataset import Pictures
from .manifest import Row
from .metrics import (
    Labels,
    Scores,
    auc,
    average_precision,
    bootstrap_interval,
    equal_error_rate,
    rate_above,
)

DRAWS = 300


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


def figures(rows: Sequence[Row], scores: Scores, threshold: float, band_low: float) -> dict[str, Any]:
    """All figures as one JSON-ready object: `pooled`, and `sources` with one entry each.

    A source with both labels gets AUC, AP and EER; any source gets its false alarm or hit rates at the threshold and at
    the low end of the band. Intervals are 95 %, bootstrapped by group.
    """
    sources = sorted({row.source for row in rows})
    picked = {source: np.asarray([i for i, row in enumerate(rows) if row.source == source]) for source in sources}
    return {
        "pooled": _figures(rows, scores, threshold, band_low),
        "sources": {
            source: _figures([rows[i] for i in indices], scores[indices], threshold, band_low)
            for source, indices in picked.items()
        },
    }


def _figures(rows: Sequence[Row], scores: Scores, threshold: float, band_low: float) -> dict[str, Any]:
    labels, groups = labels_of(rows), [row.group for row in rows]
    found: dict[str, Any] = {"real": int((labels == 0).sum()), "fake": int((labels == 1).sum())}

    def add(name: str, figure: Callable[[Labels, Scores], float]) -> None:
        def on(indices: NDArray[np.int64]) -> float:
            return figure(labels[indices], scores[indices])

        low, high = bootstrap_interval(on, groups, draws=DRAWS, seed=0)
        found[name] = {"value": figure(labels, scores), "low": low, "high": high}

    if found["real"] and found["fake"]:
        add("auc", _on_both(auc))
        add("average_precision", _on_both(average_precision))
        add("equal_error_rate", _on_both(equal_error_rate))
        add("balanced_accuracy", _on_both(lambda y, s: (_share(y, s, 1, threshold) + 1 - _share(y, s, 0, threshold)) / 2))
    if found["real"]:
        add("false_alarm_rate", lambda y, s: _share(y, s, 0, threshold))
        add("flagged_real_rate", lambda y, s: _share(y, s, 0, band_low))
    if found["fake"]:
        add("hit_rate", lambda y, s: _share(y, s, 1, threshold))
        add("flagged_fake_rate", lambda y, s: _share(y, s, 1, band_low))
    return found


def _share(labels: Labels, scores: Scores, label: int, threshold: float) -> float:
    of_label = scores[labels == label]
    return rate_above(of_label, threshold) if len(of_label) else float("nan")


def _on_both(figure: Callable[[Labels, Scores], float]) -> Callable[[Labels, Scores], float]:
    """`figure`, undefined (nan) on a draw that holds one label only."""
    return lambda labels, scores: figure(labels, scores) if len(np.unique(labels)) == 2 else float("nan")


def _stack(samples: list[tuple[NDArray[np.uint8], int]]) -> NDArray[np.uint8]:
    return np.stack([image for image, _ in samples])
