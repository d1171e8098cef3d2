"""Metrics that are computed for many weightings of the same images at once, so that a bootstrap takes seconds.

A draw of a bootstrap is a row of weights: how often each image was drawn. Sorting is done once for all draws.
Shapes: N images, D draws, K cuts (one more than there are different scores).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, update_wrapper
from typing import Concatenate, Generic, ParamSpec

import numpy as np
from numpy.typing import NDArray

from scanner.base.errors import KnownError

Scores = NDArray[np.float64]
Labels = NDArray[np.int64]
Weights = NDArray[np.float64]
Values = NDArray[np.float64]
P = ParamSpec("P")


class NotFinite(KnownError):
    """Scores that are NaN, or a loss that is not finite: nothing that is measured of such a network means anything."""


@dataclass(frozen=True)
class Sample:
    """Images with their labels (1 = fake) and scores, and D weightings of them: what is derived from them is derived once."""

    labels_N: Labels
    scores_N: Scores
    weights_DN: Weights

    def __post_init__(self) -> None:
        """Raises NotFinite for a score that is no number: every order with it is wrong."""
        odd = int(np.isnan(self.scores_N).sum())
        if odd:
            raise NotFinite(f"{odd:,} of {len(self.scores_N):,} scores are no numbers (NaN): the network is broken")

    @cached_property
    def curve(self) -> "Curve":
        """The operating points; equal scores fall together."""
        return _curve_of(self)

    def sums(self, amounts_N: Values | NDArray[np.bool]) -> Values:
        """sums_D of an amount per image, or of the images chosen."""
        return self.weights_DN @ amounts_N.astype(np.float64)


class Metric(Generic[P]):
    """A figure of labels_N and scores_N; called with them, it gives the figure of the images as they are.

    `draws(sample, ...)` gives values_D, nan for a draw on which the figure is undefined.
    """

    def __init__(self, draws: Callable[Concatenate[Sample, P], Values]) -> None:
        self.draws = draws
        update_wrapper(self, draws)

    def __call__(self, labels: Labels, scores: Scores, /, *args: P.args, **kwargs: P.kwargs) -> float:
        return float(self.draws(Sample(labels, scores, np.ones((1, len(labels)))), *args, **kwargs)[0])


@dataclass(frozen=True)
class Curve:
    """The two error rates at every cut, from "nothing is called fake" (cut = inf) to "everything is".

    An image is called fake when its score is >= the cut. Rates are nan throughout in a draw that lacks a label.
    """

    cuts_K: Scores
    false_alarms_DK: Values
    hits_DK: Values
    reals_D: Values
    fakes_D: Values


def divided(parts: Values, wholes: Values) -> Values:
    """`parts / wholes`, nan where a whole is 0."""
    shares = np.full(np.broadcast_shapes(parts.shape, wholes.shape), np.nan)
    np.divide(parts, wholes, out=shares, where=wholes > 0)
    return shares


def _curve_of(sample: Sample) -> Curve:
    order = np.argsort(-sample.scores_N, kind="stable")
    ordered, fake = sample.scores_N[order], sample.labels_N[order] == 1
    last_of_equals = np.flatnonzero(np.append(np.diff(ordered) != 0, True))
    # Of each label alone, then spread over the cuts: half the sums.
    hits_DK, false_alarms_DK = (
        _cumulated(sample.weights_DN, order[chosen])[:, np.append(0, np.cumsum(chosen)[last_of_equals])]
        for chosen in (fake, ~fake)
    )
    fakes_D, reals_D = hits_DK[:, -1], false_alarms_DK[:, -1]
    both = (reals_D > 0) & (fakes_D > 0)
    return Curve(
        np.append(np.inf, ordered[last_of_equals]),
        divided(false_alarms_DK, np.where(both, reals_D, 0)[:, None]),
        divided(hits_DK, np.where(both, fakes_D, 0)[:, None]),
        reals_D,
        fakes_D,
    )


def _cumulated(weights_DN: Weights, order: NDArray[np.int64]) -> Values:
    sums = np.zeros((len(weights_DN), len(order) + 1))
    np.cumsum(weights_DN[:, order], axis=1, out=sums[:, 1:])
    return sums
