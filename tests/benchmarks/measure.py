"""Figures and how they are taken: side by side in one run, medians of several, with the machine's name."""

import operator
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_COMPARE = {"<=": operator.le, "<": operator.lt, ">=": operator.ge}


@dataclass(frozen=True)
class Sizes:
    """How much is measured: files in a tree, rows in a database, face-sized pictures, photos, runs that a median is taken of."""

    files: int = 100_000
    rows: int = 1_000_000
    images: int = 1_000
    photos: int = 120
    runs: int = 5


@dataclass(frozen=True)
class Limit:
    """What must hold of a figure's value, or of its ratio: `sign` is one of <=, < and >=."""

    sign: str
    bound: float
    of_ratio: bool = False


@dataclass(frozen=True)
class Figure:
    """One line of the table. `ratio` compares `value` with what was measured beside it, which `against` names."""

    what: str
    value: float
    unit: str
    ratio: float | None = None
    against: str = ""
    limit: Limit | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        if self.limit is None:
            return None
        measured = self.ratio if self.limit.of_ratio else self.value
        return measured is not None and bool(_COMPARE[self.limit.sign](measured, self.limit.bound))


def in_turn(
    runs: int, clock: Callable[[], float] = time.perf_counter, /, **measured: Callable[[], object]
) -> dict[str, list[float]]:
    """Seconds by `clock` that each took, `runs` times; in turn, so that a noisy moment hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(runs):
        for name, call in measured.items():
            began = clock()
            call()
            times[name].append(clock() - began)
    return times


def medians(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median of each."""
    return {name: statistics.median(taken) for name, taken in times.items()}


def machine() -> dict[str, Any]:
    """What the figures were taken on, and how busy it was with other things."""
    cpu = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in cpu.read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_1_minute": round(os.getloadavg()[0], 1),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
