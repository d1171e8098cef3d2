"""What each branch is worth alone and together, on pictures that the heads were not fitted on."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanner.domain.states import Basis
from worker.detector.checkpoints.card import CheckpointCard, Combination

from ..data.manifest import Row
from ..evaluation import figures, metrics
from ..evaluation.bootstrap import Measure
from ..evaluation.logits import labels_of
from .combine import Pictures, fused, logit_of, pictures_of
from .examples import Examples
from .fit import Logits

VARIANTS = ("CNN alone", "CLIP alone", "both")
WITH_WHOLE = "both, with the head for whole pictures"
# A picture without a face is scored by the first head, too, where the head for whole pictures is left out.
_FIRST_HEAD = {
    Basis.FACES.value: Combination(1.0, 0.0, 0.0),
    Basis.BOTH.value: Combination(1.0, 0.0, 0.0),
    Basis.WHOLE.value: Combination(0.0, 1.0, 0.0),
}


def variants(examples: Examples, logits: Logits, weight: float, card: CheckpointCard) -> dict[str, Pictures]:
    """The pictures as each of VARIANTS scores them."""
    alone = replace(card, combinations=_FIRST_HEAD)
    of_views = (logits.cnn_V, logits.face_V, fused(logits, weight))
    return {name: pictures_of(examples, one_V, one_V, alone) for name, one_V in zip(VARIANTS, of_views, strict=True)}


def ablation(examples: Examples, logits: Logits, weight: float, card: CheckpointCard) -> list[dict[str, Any]]:
    """AUC and TPR at 1 % and 5 % FPR of each variant on the pictures that are of no face set, with intervals, JSON-ready.

    The whole network, as `card` sums its heads, comes last, with its rates at the cuts; then with and without a face.
    """
    found = variants(examples, logits, weight, card)
    found[WITH_WHOLE] = pictures_of(examples, fused(logits, weight), logits.whole_V, card)
    basis_P = found[WITH_WHOLE].basis_P
    rows = [examples.rows[row] for row in found[WITH_WHOLE].row_P]
    wild = np.asarray([not examples.plan.is_face_set(row.source) for row in rows])
    made = [_measured(name, rows, found[name].logit_P, wild, None) for name in VARIANTS]
    cuts = (logit_of(card.threshold), logit_of(card.band_low))
    for name, chosen in (
        (WITH_WHOLE, wild),
        ("of these with a face", wild & (basis_P != Basis.WHOLE.value)),
        ("without a face", wild & (basis_P == Basis.WHOLE.value)),
    ):
        if chosen.any():
            made.append(_measured(name, rows, found[WITH_WHOLE].logit_P, chosen, cuts))
    return made


def _measured(
    name: str, rows: Sequence[Row], logits: NDArray[np.float64], chosen: NDArray[np.bool], cuts: tuple[float, float] | None
) -> dict[str, Any]:
    kept = [row for row, is_chosen in zip(rows, chosen, strict=True) if is_chosen]
    labels = labels_of(kept)
    real, fake = int((labels == 0).sum()), int((labels == 1).sum())
    measures: dict[str, Measure] = {}
    if real and fake:
        measures["auc"] = metrics.auc.draws
        measures["hit_rate_at_1_percent"] = partial(metrics.hit_rate_at.draws, false_alarm_rate=0.01)
        measures["hit_rate_at_5_percent"] = partial(metrics.hit_rate_at.draws, false_alarm_rate=0.05)
    if cuts and real:
        measures["false_alarm_rate"] = partial(metrics.false_alarm_rate.draws, threshold=cuts[0])
        measures["flagged_real_rate"] = partial(metrics.false_alarm_rate.draws, threshold=cuts[1])
    if cuts and fake:
        measures["hit_rate"] = partial(metrics.hit_rate.draws, threshold=cuts[0])
        measures["flagged_fake_rate"] = partial(metrics.hit_rate.draws, threshold=cuts[1])
    of = figures.measured(measures, labels, logits[chosen], [row.source for row in kept], figures.DRAWS)
    return {"what": name, "real": real, "fake": fake, **of}
