"""The weights of a late fusion: logistic regression on the calibrated logits of several models, judged out-of-fold by source.

Shapes: I pictures, N models.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from scanner.domain.states import Basis
from worker.detector.checkpoints.late_fusion import LateFusion, Line, Part, PartScore, counting, line_basis

from ..data.manifest import Row
from .fit import folds_by_source
from .logistic import CannotFit

# With fewer pictures of a label on a basis, its line is fitted on pictures of all bases.
_LEAST = 20
# On the weights of standardised logits: it keeps them finite where models divide the pictures without an error.
_PENALTY = 1e-3
_SEED = 0
Mask = NDArray[np.bool]


@dataclass(frozen=True)
class Scored:
    """What the parts say of the pictures of `rows`: calibrated logits_IN, and by which line each picture is scored."""

    parts: tuple[Part, ...]
    rows: tuple[Row, ...]
    logits_IN: NDArray[np.float64]
    bases_I: NDArray[np.str_]

    @property
    def labels(self) -> NDArray[np.int64]:
        """1 for fake."""
        return np.asarray([row.label for row in self.rows])

    @property
    def sources(self) -> NDArray[np.str_]:
        """Where each picture is from."""
        return np.asarray([row.source for row in self.rows])


def scored(parts: Sequence[Part], rows: Sequence[Row], scores: Sequence[Sequence[PartScore]]) -> Scored:
    """`scores` of the parts, for each row those of all parts."""
    logits_IN = np.asarray([[one.logit for one in of_picture] for of_picture in scores], np.float64)
    bases = np.asarray([line_basis(parts, of_picture).value for of_picture in scores])
    return Scored(tuple(parts), tuple(rows), logits_IN, bases)


def fit_fusion(found: Scored) -> LateFusion:
    """The fusion by all pictures. Raises CannotFit."""
    return LateFusion(found.parts, _fit_lines(found, np.ones(len(found.rows), bool)))


def out_of_fold(found: Scored, folds: int) -> NDArray[np.float64]:
    """logits_I of the fusion, each by weights that were fitted without the picture's source. Raises CannotFit."""
    fold_of = folds_of(found.rows, folds)
    fold_I = np.asarray([fold_of[row.source] for row in found.rows])
    logits_I = np.empty(len(found.rows))
    for fold in sorted(set(fold_of.values())):
        own = fold_I == fold
        logits_I[own] = _of_lines(_fit_lines(found, ~own), found)[own]
    return logits_I


def folds_of(rows: Sequence[Row], folds: int) -> dict[str, int]:
    """The fold of each source. Raises CannotFit where there is only one."""
    sources = sorted({row.source for row in rows})
    if len(sources) < 2:
        raise CannotFit(
            f"all pictures are of the source {sources[0]!r}: weights are fitted on some sources and judged on others; "
            "add pictures of another one to the manifest"
        )
    return folds_by_source(rows, lambda _: False, folds, _SEED)


def _fit_lines(found: Scored, chosen_I: Mask) -> dict[str, Line]:
    labels_I = found.labels
    lines = {}
    for basis in Basis:
        own = chosen_I & (found.bases_I == basis.value)
        if min(int((labels_I[own] == label).sum()) for label in (0, 1)) < _LEAST:
            own = chosen_I
        counts = np.asarray(counting(found.parts, basis))
        lines[basis.value] = _fit_line(found.logits_IN[own], labels_I[own], found.sources[own], counts)
    return lines


def _fit_line(logits_IN: NDArray[np.float64], labels_I: NDArray[np.int64], sources_I: NDArray[np.str_], counts_N: Mask) -> Line:
    """Weights at or above 0, so that no part ever votes backwards; 0 for those that do not count."""
    if len(set(labels_I.tolist())) < 2:
        raise CannotFit(
            "real and fake pictures are needed, and of several sources: what is fitted without a source needs both; "
            "add some to the manifest"
        )
    if not np.isfinite(logits_IN).all():
        raise CannotFit("a model says of a picture what is no number: look at it with `dfscan evaluate --predictions`")
    weights_I = _balanced(labels_I, sources_I)
    centres_N = weights_I @ logits_IN
    spreads_N = np.sqrt(weights_I @ (logits_IN - centres_N) ** 2)
    can_N = counts_N & (spreads_N > 1e-9)
    standard_IN = np.where(can_N, (logits_IN - centres_N) / np.where(can_N, spreads_N, 1.0), 0.0)
    signs_I = np.where(labels_I == 1, 1.0, -1.0)

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slopes_N, offset = values[:-1], values[-1]
        margins_I = signs_I * (standard_IN @ slopes_N + offset)
        pulls_I = -weights_I * signs_I * np.exp(-np.logaddexp(0, margins_I))
        total = float(weights_I @ np.logaddexp(0, -margins_I)) + 0.5 * _PENALTY * float(slopes_N @ slopes_N)
        return total, np.append(pulls_I @ standard_IN + _PENALTY * slopes_N, pulls_I.sum())

    bounds = [(0.0, None if can else 0.0) for can in can_N] + [(None, None)]
    solved = minimize(loss, np.zeros(len(can_N) + 1), jac=True, method="L-BFGS-B", bounds=bounds).x
    slopes_N = np.where(can_N, solved[:-1], 0.0)
    if not slopes_N.any():
        raise CannotFit(
            "none of the models tells fake pictures from real ones here: nothing is gained by combining them; name other models, "
            "or see whether the manifest's labels are right"
        )
    return Line(
        tuple((slopes_N / np.where(can_N, spreads_N, 1.0)).tolist()),
        tuple(centres_N.tolist()),
        tuple(logits_IN.min(0).tolist()),
        tuple(logits_IN.max(0).tolist()),
        float(solved[-1]),
    )


def _balanced(labels_I: NDArray[np.int64], sources_I: NDArray[np.str_]) -> NDArray[np.float64]:
    """Both labels alike; within a label a source counts with the square root of its pictures, so that no set rules alone."""
    weights_I = np.zeros(len(labels_I))
    for label in (0, 1):
        of_label = labels_I == label
        for source in np.unique(sources_I[of_label]):
            own = of_label & (sources_I == source)
            weights_I[own] = own.sum() ** -0.5
        weights_I[of_label] /= 2 * weights_I[of_label].sum()
    return weights_I


def _of_lines(lines: dict[str, Line], found: Scored) -> NDArray[np.float64]:
    """logits_I by the line of each picture."""
    rows = zip(found.logits_IN.tolist(), found.bases_I.tolist(), strict=True)
    return np.asarray([lines[basis].offset + sum(lines[basis].contributions(logits)) for logits, basis in rows])
