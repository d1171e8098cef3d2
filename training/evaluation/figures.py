"""The figures that go into a card and a report: pooled, per source and per generator, each with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.detector.inference.scorer import sigmoid

from ..data.manifest import Row
from . import metrics
from .bootstrap import Measure, intervals
from .logits import labels_of
from .metrics import Costs
from .weighted_metrics import Labels, Sample, Scores, Values

DRAWS = 1000
EVEN = Costs()


def figures(
    rows: Sequence[Row],
    scores: Scores,
    threshold: float,
    band_low: float,
    *,
    costs: Costs = EVEN,
    prior: float = 0.5,
    draws: int = DRAWS,
    raw: Scores | None = None,
    calibrated_here: bool = False,
) -> dict[str, Any]:
    """All figures as one JSON-ready object: `pooled`, `sources` and `generators`, and what they depend on.

    A figure is {"value", "low", "high"}: 95 %, bootstrapped by group; the ends are null where no draw defines the figure, and
    a figure that is undefined is left out. A set with one label gets only its rates at the threshold and at the band's low end.
    A generator's fakes are set against the reals of the sources they are from, or against all reals where those have none;
    `reals_from` names the sources. `prior` is the share of fakes that the calibration was fitted for; only Cllr needs it.

    `raw` are logits before any calibration: what publications mean by "at 0.5" is the sigmoid of these, and the figures `_raw`
    are of it. `calibrated_here` says that the calibration was fitted on these very images: their figures at 0.5 are too good.
    """
    labels, groups = labels_of(rows), np.asarray([row.group for row in rows])
    sources = np.asarray([row.source for row in rows])

    def of(chosen: NDArray[np.int64]) -> dict[str, Any]:
        real, fake = int((labels[chosen] == 0).sum()), int((labels[chosen] == 1).sum())
        measures = _measures(real, fake, threshold, band_low, costs, prior)
        found = measured(measures, labels[chosen], scores[chosen], groups[chosen].tolist(), draws)
        if raw is not None and real and fake:
            found |= measured(_raw(costs), labels[chosen], sigmoid(raw[chosen]), groups[chosen].tolist(), draws)
        return {"real": real, "fake": fake, **found}

    return {
        "threshold": threshold,
        "band_low": band_low,
        "costs": asdict(costs),
        "prior": prior,
        "calibrated_here": calibrated_here,
        "pooled": of(np.arange(len(rows))),
        "sources": {str(source): of(np.flatnonzero(sources == source)) for source in np.unique(sources)},
        "generators": {name: {"reals_from": near, **of(chosen)} for name, (chosen, near) in by_generator(rows).items()},
    }


def measured(
    measures: Mapping[str, Measure], labels: Labels, scores: Scores, groups: Sequence[str], draws: int
) -> dict[str, dict[str, float | None]]:
    """Each measure as {"value", "low", "high"}; one that is undefined on the images as they are is left out."""
    once = Sample(labels, scores, np.ones((1, len(labels))))
    values = {name: float(measure(once)[0]) for name, measure in measures.items()}
    defined = {name: value for name, value in values.items() if np.isfinite(value)}
    ends = intervals({name: measures[name] for name in defined}, labels, scores, groups, draws=draws, seed=0)
    return {name: {"value": value, **_ends(*ends[name])} for name, value in defined.items()}


def by_generator(rows: Sequence[Row]) -> dict[str, tuple[NDArray[np.int64], list[str]]]:
    """Per named generator: the indices of its fakes and of the reals beside them, and the sources of those reals.

    These are the sources of its fakes, as far as they have reals, else all that have some.
    """
    with_reals = {row.source for row in rows if row.label == 0}
    found = {}
    for name in sorted({row.generator for row in rows if row.label == 1 and row.generator}):
        own = {row.source for row in rows if row.label == 1 and row.generator == name}
        near = own & with_reals or with_reals
        chosen = [i for i, row in enumerate(rows) if (row.generator == name if row.label else row.source in near)]
        found[name] = (np.asarray(chosen), sorted(near))
    return found


def _measures(real: int, fake: int, threshold: float, band_low: float, costs: Costs, prior: float) -> dict[str, Measure]:
    """The measures that a set of so many images defines."""
    two_sided = _two_sided(threshold, costs, prior) if real and fake else {}
    return {**two_sided, **rate_measures(real, fake, threshold, band_low)}


def rate_measures(real: int, fake: int, threshold: float, band_low: float) -> dict[str, Measure]:
    """The rates at the threshold and at the band's low end that a set of so many images defines."""
    measures: dict[str, Measure] = {}
    if real:
        measures["false_alarm_rate"] = partial(metrics.false_alarm_rate.draws, threshold=threshold)
        measures["flagged_real_rate"] = partial(metrics.false_alarm_rate.draws, threshold=band_low)
    if fake:
        measures["hit_rate"] = partial(metrics.hit_rate.draws, threshold=threshold)
        measures["flagged_fake_rate"] = partial(metrics.hit_rate.draws, threshold=band_low)
    return measures


def _two_sided(threshold: float, costs: Costs, prior: float) -> dict[str, Measure]:
    """What needs both labels. Figures `_at_half` are at a calibrated score of 0.5."""
    minimal: Measure = partial(metrics.minimal_dcf.draws, costs=costs)
    actual: Measure = partial(metrics.actual_dcf.draws, threshold=threshold, costs=costs)
    return {
        "auc": metrics.auc.draws,
        "average_precision": metrics.average_precision.draws,
        "equal_error_rate": metrics.equal_error_rate.draws,
        "equal_error_threshold": metrics.equal_error_threshold.draws,
        "hit_rate_at_1_percent": partial(metrics.hit_rate_at.draws, false_alarm_rate=0.01),
        "hit_rate_at_5_percent": partial(metrics.hit_rate_at.draws, false_alarm_rate=0.05),
        "minimal_dcf": minimal,
        "minimal_dcf_normalised": partial(_normalised, minimal, costs),
        "actual_dcf": actual,
        "actual_dcf_normalised": partial(_normalised, actual, costs),
        "balanced_accuracy": partial(metrics.balanced_accuracy.draws, threshold=threshold),
        "accuracy": partial(metrics.accuracy.draws, threshold=threshold),
        "f1_fake": partial(metrics.f1_fake.draws, threshold=threshold),
        "f1_real": partial(metrics.f1_real.draws, threshold=threshold),
        "accuracy_at_half": partial(metrics.accuracy.draws, threshold=0.5),
        "f1_fake_at_half": partial(metrics.f1_fake.draws, threshold=0.5),
        "f1_real_at_half": partial(metrics.f1_real.draws, threshold=0.5),
        "actual_dcf_at_half": partial(metrics.actual_dcf.draws, threshold=0.5, costs=costs),
        "expected_calibration_error": metrics.expected_calibration_error.draws,
        "cllr": partial(metrics.cllr.draws, prior=prior),
    }


def _raw(costs: Costs) -> dict[str, Measure]:
    """What publications report "at 0.5", of the network's own sigmoid."""
    return {
        "accuracy_raw": partial(metrics.accuracy.draws, threshold=0.5),
        "f1_fake_raw": partial(metrics.f1_fake.draws, threshold=0.5),
        "f1_real_raw": partial(metrics.f1_real.draws, threshold=0.5),
        "actual_dcf_raw": partial(metrics.actual_dcf.draws, threshold=0.5, costs=costs),
    }


def _normalised(cost: Measure, costs: Costs, sample: Sample) -> Values:
    return cost(sample) / costs.blind


def _ends(low: float, high: float) -> dict[str, float | None]:
    return {"low": low if np.isfinite(low) else None, "high": high if np.isfinite(high) else None}
