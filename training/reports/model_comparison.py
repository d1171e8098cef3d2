"""Two detectors on the same pictures: is one better than the other, or is it chance?

Shapes: N pictures, of them M fake and K real.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import norm, rankdata

from ..evaluation import metrics
from ..evaluation.bootstrap import group_draws
from ..evaluation.logits import labels_of
from ..evaluation.weighted_metrics import Labels, Sample, Scores, Values
from .prediction_files import PredictionsError
from .predictions import Predictions

_DRAWS = 2000


@dataclass(frozen=True)
class Difference:
    """AUC of both, `first` less `second`; its 95 % interval by group; p of DeLong's test, two-sided, of no difference.

    `low` and `high` are None where all pictures are of one group, `p` where the test is not defined.
    """

    first: float
    second: float
    low: float | None
    high: float | None
    p: float | None

    @property
    def value(self) -> float:
        """By how much the first is better."""
        return self.first - self.second


def auc_difference(labels: Labels, first: Scores, second: Scores, groups: Sequence[str], *, draws: int = _DRAWS) -> Difference:
    """Compare the AUC of two detectors on the same pictures, of which some are fake (1) and some real (0).

    The interval is the percentile interval of a paired bootstrap that draws whole groups (Efron & Tibshirani 1993): both
    detectors are measured on each draw. DeLong's test takes pictures for independent, which those of one group are not: with
    groups of several pictures believe the interval.
    """
    one, other, p = delong(labels, first, second)
    if len(set(groups)) < 2:
        return Difference(one, other, None, None, p)
    differences: list[Values] = []
    for weights_DN in group_draws(groups, draws=draws, seed=0):
        both = [metrics.auc.draws(Sample(labels, scores, weights_DN)) for scores in (first, second)]
        differences.append(both[0] - both[1])
    drawn = np.concatenate(differences)
    low, high = np.percentile(drawn[~np.isnan(drawn)], [2.5, 97.5])
    return Difference(one, other, float(low), float(high), p)


def compared_with(found: Predictions, other: Predictions) -> dict[str, Any]:
    """`found` against `other`, JSON-ready. Raises PredictionsError unless they are of the same pictures, real and fake ones."""
    places = {row.path: number for number, row in enumerate(other.rows)}
    if len(places) < len(other.rows) or set(places) != {row.path for row in found.rows}:
        shared = len(set(places) & {row.path for row in found.rows})
        raise PredictionsError(
            f"the predictions are of other pictures: {shared:,} are in both, {len(found.rows):,} in the one and "
            f"{len(other.rows):,} in the other; measure both on the same manifest and split"
        )
    labels = labels_of(found.rows)
    in_order = [places[row.path] for row in found.rows]
    if differing := int((labels != labels_of(other.rows)[in_order]).sum()):
        raise PredictionsError(f"{differing:,} pictures are fake in one of the two files and real in the other: mend the labels")
    if len(set(labels.tolist())) < 2:
        raise PredictionsError(
            "two detectors are compared by their AUC, which takes real and fake pictures; measure both on such"
        )
    second = other.scores[in_order]
    told = auc_difference(labels, found.scores, second, [row.group for row in found.rows])
    names = {"first": found.origin.checkpoint, "second": other.origin.checkpoint}
    return {"checkpoints": {place: dict(one) for place, one in names.items()}, "value": told.value, **asdict(told)}


def difference_text(told: Mapping[str, Any]) -> str:
    """The same in a sentence or two."""
    first, second = (told["checkpoints"][place]["name"] for place in ("first", "second"))
    interval = "(no interval: all pictures are of one group)"
    if told["low"] is not None:
        interval = f"[{told['low']:+.4f}, {told['high']:+.4f}] (95 %, paired bootstrap by group)"
    test = "is not defined here: it takes two pictures of each label or more, and scores that spread"
    if told["p"] is not None:
        test = f"takes pictures for independent: p = {told['p']:.2g}"
    return (
        f"AUC of {first} {told['first']:.4f}, of {second} {told['second']:.4f} on the same pictures: a difference of "
        f"{told['value']:+.4f} {interval}. DeLong's test {test}."
    )


def delong(labels: Labels, first: Scores, second: Scores) -> tuple[float, float, float | None]:
    """AUC of both and the two-sided p of DeLong's test (DeLong, DeLong & Clarke-Pearson 1988), by the ranks of Sun & Xu 2014.

    p is 1 where both order the pictures alike. It is None where the variance cannot be estimated: with less than two pictures of
    a label, and where the two differ without any spread, as of two detectors that divide a few pictures without an error, one of
    them the wrong way round.
    """
    fake, real = labels == 1, labels == 0
    count_M, count_K = int(fake.sum()), int(real.sum())
    aucs, of_fakes, of_reals = [], [], []
    for scores in (first, second):
        over_all_N, within_M, within_K = rankdata(scores), rankdata(scores[fake]), rankdata(scores[real])
        aucs.append(float((over_all_N[fake].sum() - count_M * (count_M + 1) / 2) / (count_M * count_K)))
        of_fakes.append((over_all_N[fake] - within_M) / count_K)
        of_reals.append(1 - (over_all_N[real] - within_K) / count_M)
    difference = aucs[0] - aucs[1]
    if min(count_M, count_K) < 2:
        return aucs[0], aucs[1], None
    covariance = np.atleast_2d(np.cov(of_fakes)) / count_M + np.atleast_2d(np.cov(of_reals)) / count_K
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if not variance > 1e-15:
        return aucs[0], aucs[1], 1.0 if abs(difference) < 1e-12 else None
    return aucs[0], aucs[1], float(2 * norm.sf(abs(difference) / np.sqrt(variance)))
