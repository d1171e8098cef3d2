"""What each branch is worth alone and together, on pictures that the heads were not fitted on."""

from collections.abc import Mapping, Sequence
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
from .combine import Pictures, fused, pictures_of
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


def ablation(examples: Examples, logits: Logits, weight: float, card: CheckpointCard) -> dict[str, Any]:
    """AUC and TPR at 1 % and 5 % FPR of each variant, with intervals, JSON-ready; over all pictures and those with a face.

    `card` sums the heads of the whole network as it will be shipped.
    """
    found = variants(examples, logits, weight, card)
    found[WITH_WHOLE] = pictures_of(examples, fused(logits, weight), logits.whole_V, card)
    rows = [examples.rows[row] for row in found[WITH_WHOLE].row_P]
    with_face = found[WITH_WHOLE].basis_P != Basis.WHOLE.value
    return {
        name: {
            "all": _measured(rows, pictures.logit_P, np.ones(len(rows), bool)),
            "with_face": _measured(rows, pictures.logit_P, with_face),
        }
        for name, pictures in found.items()
    }


def ablation_table(found: Mapping[str, Any]) -> str:
    """The ablation in Markdown."""
    lines = ["| what | AUC | TPR at FPR 1 % | TPR at FPR 5 % | AUC with a face |", "|---|---|---|---|---|"]
    for name, own in found.items():
        cells = [_cell(own["all"].get(key)) for key in ("auc", "hit_rate_at_1_percent", "hit_rate_at_5_percent")]
        lines.append(f"| {name} | {' | '.join(cells)} | {_cell(own['with_face'].get('auc'))} |")
    return "\n".join(lines)


def _measured(rows: Sequence[Row], logits: NDArray[np.float64], chosen: NDArray[np.bool]) -> dict[str, Any]:
    kept = [row for row, is_chosen in zip(rows, chosen, strict=True) if is_chosen]
    labels = labels_of(kept)
    if len(set(labels.tolist())) < 2:
        return {}
    measures: dict[str, Measure] = {
        "auc": metrics.auc.draws,
        "hit_rate_at_1_percent": partial(metrics.hit_rate_at.draws, false_alarm_rate=0.01),
        "hit_rate_at_5_percent": partial(metrics.hit_rate_at.draws, false_alarm_rate=0.05),
    }
    return figures.measured(measures, labels, logits[chosen], [row.group for row in kept], figures.DRAWS)


def _cell(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return "-"
    if figure["low"] is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
