"""Groups of `train` that are not trained on: what epoch and learning rate are chosen by, where `val` is reported."""

import hashlib
import math
from collections.abc import Sequence

from .manifest import ManifestError, Row


def held_back(rows: Sequence[Row], share: float, seed: int) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """The rows to train on, and those of the share of groups that is held back: by the hash of seed and name, always the same.

    Raises ManifestError where one of the two would lack a label.
    """
    groups = sorted({row.group for row in rows}, key=lambda group: hashlib.sha256(f"{seed}/{group}".encode()).digest())
    chosen = set(groups[: math.ceil(share * len(groups))])
    parts = tuple(row for row in rows if row.group not in chosen), tuple(row for row in rows if row.group in chosen)
    for part, name in zip(parts, ("to train on", "to choose the epoch by"), strict=True):
        if len({row.label for row in part}) < 2:
            raise ManifestError(
                f"of {len(groups):,} groups in split 'train' {len(chosen):,} are held back (held_back = {share:g}), and what is "
                f"left {name} lacks real or fake images: add groups, or set another share"
            )
    return parts
