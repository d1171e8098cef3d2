"""A new threshold for a checkpoint, from real photographs of the people who use it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from scanner.base.errors import KnownError
from scanner.discovery.walk import Found, walk
from worker.detector.checkpoints.card import CheckpointCard
from worker.detector.combined.scorer import AnyScorer
from worker.detector.faces.input_selection import Find, look_for
from worker.detector.image.picture import PictureError

from ..data.manifest import MAX_PIXELS
from .calibration import apart, fitted_prior
from .logits import Sample, scanned_scores
from .metrics import rate_above, threshold_for
from .weighted_metrics import Scores

_BATCH = 32  # photographs at a time


class TooFewReals(KnownError):
    """Too few photographs for the false alarm rate that is asked for."""


@dataclass(frozen=True)
class RealScores:
    """Scores of the photographs that a scan would judge, how many have a face, how many a scan calls real whatever they show
    (they have no face, and the network is not made for whole pictures), and `path: reason` for those that could not be read."""

    scores: Scores
    with_face: int
    never_flagged: int
    unread: tuple[str, ...]


def scores_of_folder(
    predictor: AnyScorer, folder: Path, ignore: Sequence[str], on_read: Callable[[int], None], *, find: Find | None
) -> RealScores:
    """Score every image under `folder` as a scan does: by the faces that `find` finds, or as a whole without it.

    A scan flags no picture without a face where the network is not made for whole pictures: such scores are left out.
    `on_read` is told how many were read.
    """
    wanted, unread, read = predictor.wanted, list[str](), 0

    def batches() -> Iterator[list[Sample]]:
        nonlocal read
        batch: list[Sample] = []
        for entry in walk(str(folder), root=str(folder), ignore=ignore):
            if not isinstance(entry, Found):
                unread.append(f"{entry.path}: {entry.reason}")
                continue
            try:
                content = Path(entry.path).read_bytes()
                looked = look_for(content, wanted, max_pixels=MAX_PIXELS, find=find)
                batch.append([one.inputs for one in looked])
            except (OSError, PictureError) as error:
                unread.append(f"{entry.path}: {error}")
                continue
            if len(batch) == _BATCH:
                yield batch
                read, batch = read + len(batch), []
                on_read(read)
        yield batch

    found = scanned_scores(predictor, batches(), faces=find is not None)
    # As `scanner.domain.labels.verdict` has it.
    judged = found.have_faces | (find is None or predictor.card.whole_images)
    return RealScores(found.scores[judged], int(found.have_faces.sum()), int((~judged).sum()), tuple(unread))


def recalibrated(
    card: CheckpointCard, reals: Scores, *, name: str, fake_fpr: float, flagged_fpr: float, from_sha256: str, now: datetime
) -> CheckpointCard:
    """`card` with the cuts at which at most `fake_fpr` and `flagged_fpr` of `reals` are called fake and flagged.

    The score itself stays as it is. Raises TooFewReals for fewer than 1 / `fake_fpr` photographs: the cut would be a guess.
    """
    needed = int(np.ceil(1 / fake_fpr))
    if len(reals) < needed:
        raise TooFewReals(
            f"a false alarm rate of {fake_fpr:.2%} needs at least {needed:,} photographs that can be judged, "
            f"and there are {len(reals):,}; add photographs, or allow a higher --fpr"
        )
    # In the middle of a gap: another runtime's rounding must not lift a photograph over the cut.
    threshold = apart(reals, threshold_for(reals, fake_fpr))
    band_low = min(threshold, apart(reals, threshold_for(reals, flagged_fpr)))
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
