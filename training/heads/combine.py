"""From what heads say of a picture's views to its logit, and where the cuts lie: on sources that the heads were not fitted on.

Shapes: V views, P pictures.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from scanner.domain.prediction import Face
from scanner.domain.states import Basis
from worker.detector.checkpoints.card import CheckpointCard, Combination
from worker.detector.faces.face import Input
from worker.detector.inference.picture_score import InputAnswer, score_picture
from worker.detector.inference.scorer import sigmoid

from ..config.heads_plan import Cuts, Mixture
from ..evaluation.metrics import threshold_for
from .examples import Examples
from .fit import Logits
from .logistic import CannotFit

# With fewer pictures of a label on a basis, its line is taken from pictures of all bases.
_LEAST = 20
# Per standard deviation: with heads that are worse than chance the order stays, and scores hardly differ.
_LEAST_SLOPE = 1e-3
_NO_PIXELS = np.zeros((0, 0, 3), np.uint8)


@dataclass(frozen=True)
class Pictures:
    """Pictures with a logit each: the numbers of their rows, and what each logit rests on."""

    row_P: NDArray[np.int64]
    logit_P: NDArray[np.float64]
    basis_P: NDArray[np.str_]


def cnn_weight(logits: Logits, examples: Examples) -> float:
    """How much the CNN's logit counts: so much that its spread is CLIP's, times the recipe's share."""
    chosen = ~examples.in_face_set & (examples.kind_of != "crop")
    spread = float(logits.cnn_V[chosen].std())
    if spread < 1e-9:
        raise CannotFit("the CNN says the same of every picture: name another checkpoint with --from")
    return examples.plan.mixture.cnn * float(logits.face_V[chosen].std()) / spread


def fused(logits: Logits, weight: float) -> NDArray[np.float64]:
    """logits_V of the first head as the network has it: CLIP's, and the CNN's as far as the gate lets it."""
    gate_V: NDArray[np.float64] = np.exp(-np.logaddexp(0, -logits.gate_V))
    return logits.face_V + weight * gate_V * logits.cnn_V


def plain_combinations(mixture: Mixture) -> dict[str, Combination]:
    """How heads are summed before anything is calibrated."""
    return {
        Basis.FACES.value: Combination(1.0, mixture.beside_crop, 0.0),
        Basis.BOTH.value: Combination(1.0, mixture.beside_faces, 0.0),
        Basis.WHOLE.value: Combination(0.0, 1.0, 0.0),
    }


def pictures_of(examples: Examples, face_V: NDArray[np.float64], whole_V: NDArray[np.float64], card: CheckpointCard) -> Pictures:
    """The logit of each picture as scanning sums it, from its views as scanning shows them.

    Rows without such views, face sets' of `train`, are left out. `card` says how heads are summed.
    """
    by_row: dict[int, dict[int, list[int]]] = {}
    for number in np.flatnonzero(examples.is_plain):
        by_row.setdefault(int(examples.row_V[number]), {}).setdefault(examples.views[number].place, []).append(int(number))
    found = []
    for row, places in by_row.items():
        inputs, answers = [], []
        for numbers in places.values():
            view = examples.views[numbers[0]]
            face = None if view.kind == "whole" else Face((0, 0, view.width, view.height), 1.0, frame=view.frame)
            inputs.append(Input(_NO_PIXELS, (0, 0, 0, 0), face, frame=view.frame))
            answers.append(InputAnswer(float(face_V[numbers].mean()), float(whole_V[numbers].mean())))
        scored = score_picture(card, inputs, answers)
        found.append((row, scored.logit, scored.basis.value))
    row_P, logit_P, basis_P = zip(*found, strict=True)
    return Pictures(np.asarray(row_P), np.asarray(logit_P), np.asarray(basis_P))


def calibrated_combinations(
    pictures: Pictures,
    label_P: NDArray[np.int64],
    is_held_out_P: NDArray[np.bool],
    is_val_P: NDArray[np.bool],
    mixture: Mixture,
    cuts: Cuts,
) -> dict[str, Combination]:
    """For each basis a line from its plain sum to a calibrated logit.

    Its slope is that of logistic regression, both labels counting alike; it is moved so that the share `fake_held_out` of real
    pictures of held-out sources reaches the threshold. Then all are lowered together until no more reals of `val` are called fake
    than asked. Raises CannotFit without real pictures.
    """
    reals = (label_P == 0) & is_held_out_P
    if not reals.any():
        raise CannotFit("there are no real pictures outside of the face sets: where the threshold lies cannot be known")
    high = logit_of(cuts.threshold)
    lines: dict[str, tuple[float, float]] = {}
    for basis in (Basis.FACES.value, Basis.BOTH.value, Basis.WHOLE.value):
        own = is_held_out_P & (pictures.basis_P == basis)
        if min(int((own & (label_P == label)).sum()) for label in (0, 1)) < _LEAST:
            own = is_held_out_P
        slope = _balanced_slope(label_P[own], pictures.logit_P[own])
        lines[basis] = (slope, high - slope * threshold_for(pictures.logit_P[own & reals], cuts.fake_held_out))
    logit_P = np.asarray(
        [
            lines[str(basis)][0] * logit + lines[str(basis)][1]
            for basis, logit in zip(pictures.basis_P, pictures.logit_P, strict=True)
        ]
    )
    val = logit_P[(label_P == 0) & is_val_P]
    lowered = max(0.0, threshold_for(val, cuts.fake_val) - high) if len(val) else 0.0
    return {
        basis: Combination(slope * plain.faces, slope * plain.whole, offset - lowered)
        for (basis, (slope, offset)), plain in zip(lines.items(), plain_combinations(mixture).values(), strict=True)
    }


def band_start(reals: NDArray[np.float64], cuts: Cuts) -> float:
    """Where the band begins, as a score: `cuts.band_low`, or higher, so that no more `reals` (logits) are flagged than asked."""
    at = threshold_for(reals, cuts.flagged_held_out)
    return min(cuts.threshold, max(cuts.band_low, float(sigmoid(np.asarray(at)))))


def _balanced_slope(labels: NDArray[np.int64], logits: NDArray[np.float64]) -> float:
    """The slope of logistic regression on one number, both labels counting alike."""
    spread = float(logits.std())
    if spread < 1e-9 or len(set(labels.tolist())) < 2:
        raise CannotFit("the heads say the same of every picture, or all are of one label: nothing can be calibrated")
    fitted = LogisticRegression(C=np.inf, class_weight="balanced").fit((logits - logits.mean())[:, None] / spread, labels)
    return max(float(fitted.coef_[0, 0]), _LEAST_SLOPE) / spread


def logit_of(share: float) -> float:
    """The logit of a score."""
    return math.log(share / (1 - share))
