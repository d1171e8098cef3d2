"""How often a model was right where it was measured, by its own card: the rates that belong to a label."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..domain.states import Label


@dataclass(frozen=True)
class Rate:
    """A share, 0..1, with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{_percent(self.value)} ({_percent(self.low)} to {_percent(self.high)})"


@dataclass(frozen=True)
class MeasuredRates:
    """Of `real` and `forged` images, which share got the label or a stronger one. `on` says in words what they were."""

    of_real: Rate | None
    of_forged: Rate | None
    real: int
    forged: int
    on: str


def measured_rates(card: Mapping[str, Any], label: str) -> MeasuredRates | None:
    """From the card of a checkpoint; for `real`, the share that was flagged. None where the card has no such figures.

    Pictures of held-out sources are most like what people bring; a card without them has those of its split.
    """
    metrics = card.get("metrics")
    if not isinstance(metrics, Mapping):
        return None
    held_out = _held_out(metrics)
    figures = held_out or metrics.get("pooled")
    if not isinstance(figures, Mapping):
        return None
    at_threshold = label == Label.FAKE
    of_real = _rate(figures.get("false_alarm_rate" if at_threshold else "flagged_real_rate"))
    of_forged = _rate(figures.get("hit_rate" if at_threshold else "flagged_fake_rate"))
    real, forged = figures.get("real"), figures.get("fake")
    if (of_real is None and of_forged is None) or not isinstance(real, int) or not isinstance(forged, int):
        return None
    on = "pictures from many sources, none of which it was fitted on" if held_out else "pictures like those it was trained on"
    return MeasuredRates(of_real, of_forged, real, forged, on)


def _held_out(metrics: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The figures of all pictures of held-out sources, as the whole network calls them: the first row that has rates."""
    held_out = metrics.get("held_out")
    rows = held_out.get("rows") if isinstance(held_out, Mapping) else None
    found = (row for row in rows or () if isinstance(row, Mapping) and "false_alarm_rate" in row)
    return next(found, None)


def _rate(figure: Any) -> Rate | None:
    if not isinstance(figure, Mapping):
        return None
    try:
        return Rate(float(figure["value"]), float(figure["low"]), float(figure["high"]))
    except (KeyError, TypeError, ValueError):
        return None


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "<0.1 %"
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
