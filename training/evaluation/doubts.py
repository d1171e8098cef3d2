"""What makes a checkpoint worthless although it was written without an error."""

from collections.abc import Mapping
from typing import Any


def doubts_about(figures: Mapping[str, Any]) -> list[str]:
    """What a person must know before they use a network with these pooled `figures`; nothing is the normal case.

    `figures` are those of `figures.figures`.
    """
    pooled = figures.get("pooled", {})
    auc, hits, flagged = (_value(pooled, name) for name in ("auc", "hit_rate", "flagged_fake_rate"))
    found = []
    if auc is not None and auc <= 0.5:
        found.append(f"its AUC is {auc:.3f}: it tells fakes from reals no better than chance, or the labels are swapped")
    if flagged == 0:
        found.append("it flags no fake at all: every verdict would be real")
    elif hits == 0:
        found.append(f"it calls no fake fake; {flagged:.0%} of fakes are uncertain" if flagged else "it calls no fake fake")
    return found


def _value(figures: Mapping[str, Any], name: str) -> float | None:
    found = figures.get(name)
    return None if found is None else float(found["value"])
