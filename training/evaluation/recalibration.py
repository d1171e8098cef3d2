"""A new threshold for a checkpoint, from real photographs of the people who use it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from scanner.base.errors import KnownError
from scanner.discovery.walk import Found, walk
from worker.detector.checkpoints.card import CheckpointCard
from worker.detector.image.picture import PictureError, decode_rgb
from worker.detector.image.preprocess import to_square
from worker.detector.inference.predictor import Predictor

from ..data.manifest import MAX_PIXELS
from .calibration import fitted_prior
from .metrics import rate_above, threshold_for
from .weighted_metrics import Scores


class TooFewReals(KnownError):
    """Too few photographs for the false alarm rate that is asked for."""


@dataclass(frozen=True)
class RealScores:
    """Scores of the photographs that could be read, and for the others `path: reason`."""

    scores: Scores
    unread: tuple[str, ...]


def scores_of_folder(predictor: Predictor, folder: Path, ignore: Sequence[str], on_read: Callable[[int], None]) -> RealScores:
    """Score every image under `folder`, as a scan would. `on_read` is told how many were read."""
    size, batch, parts, unread = predictor.card.recipe.preprocessing.size, [], [], []
    for entry in walk(str(folder), root=str(folder), ignore=ignore):
        if not isinstance(entry, Found):
            unread.append(f"{entry.path}: {entry.reason}")
            continue
        try:
            picture = decode_rgb(Path(entry.path).read_bytes(), max_pixels=MAX_PIXELS, short_side=size).picture
        except (OSError, PictureError) as error:
            unread.append(f"{entry.path}: {error}")
            continue
        batch.append(to_square(picture, size))
        if len(batch) == 32:
            parts.append(predictor.scores(np.stack(batch)))
            batch.clear()
            on_read(32 * len(parts))
    if batch:
        parts.append(predictor.scores(np.stack(batch)))
    return RealScores(np.concatenate(parts) if parts else np.zeros(0), tuple(unread))


def recalibrated(
    card: CheckpointCard, reals: Scores, *, name: str, fake_fpr: float, flagged_fpr: float, from_sha256: str, now: datetime
) -> CheckpointCard:
    """`card` with the cuts at which at most `fake_fpr` and `flagged_fpr` of `reals` are called fake and flagged.

    The score itself stays as it is. Raises TooFewReals for fewer than 1 / `fake_fpr` photographs: the cut would be a guess.
    """
    needed = int(np.ceil(1 / fake_fpr))
    if len(reals) < needed:
        raise TooFewReals(
            f"a false alarm rate of {fake_fpr:.2%} needs at least {needed:,} readable photographs, and there are {len(reals):,}; "
            "add photographs, or allow a higher --fpr"
        )
    threshold = threshold_for(reals, fake_fpr)
    band_low = min(threshold, threshold_for(reals, flagged_fpr))
    alarms = int(np.sum(reals >= threshold))
    interval = binomtest(alarms, len(reals)).proportion_ci(method="exact")
    created_at = now.isoformat(timespec="seconds")
    record = {
        "from_sha256": from_sha256,
        "reals": len(reals),
        "fake_fpr": fake_fpr,
        "flagged_fpr": flagged_fpr,
        "false_alarm_rate": {"value": alarms / len(reals), "low": float(interval.low), "high": float(interval.high)},
        "flagged_real_rate": rate_above(reals, band_low),
        "before": {"threshold": card.threshold, "band_low": card.band_low, "false_alarm_rate": rate_above(reals, card.threshold)},
        "prior": fitted_prior(card),
        "created_at": created_at,
    }
    # The figures at the threshold were measured at another one.
    return replace(
        card,
        name=name,
        threshold=threshold,
        band_low=band_low,
        created_at=created_at,
        training={**card.training, "calibrated": record},
        metrics={},
    )
