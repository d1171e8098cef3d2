"""A matrix of detectors and sets as a picture: a field for each, lighter where the figure is higher."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .matrix import UNITS, unit_names, units_with
from .plots import literal

_LONGEST = 40


def matrix_plot(document: Mapping[str, Any], titles: Sequence[str], measure: str, called: str) -> Figure:
    """`measure` per frame and, where there are videos, per video side by side; fields without a figure stay empty."""
    columns, lines = document["tested_on"], document["detectors"]
    units = units_with(document, measure) or UNITS[:1]
    width = len(units) * (3.5 + 0.8 * len(columns))
    names = unit_names(lines)
    figure = Figure(figsize=(min(width, 60), min(2.5 + 0.6 * len(lines), 60)), layout="constrained")
    for number, unit in enumerate(units, start=1):
        axes = figure.add_subplot(1, len(units), number)
        values = np.full((len(lines), max(1, len(columns))), np.nan)
        for at, line in enumerate(lines):
            for place, name in enumerate(columns):
                own = line["cells"].get(name, {}).get(unit) or {}
                values[at, place] = own[measure]["value"] if measure in own else np.nan
                if measure in own:
                    star = "*" if line["cells"][name]["in_domain"] else ""
                    axes.text(
                        place,
                        at,
                        f"{values[at, place]:.3f}{star}",
                        ha="center",
                        va="center",
                        fontsize=8,
                        color=_on(values[at, place]),
                    )
        shown = axes.imshow(values, vmin=0, vmax=1, cmap="cividis", aspect="auto")
        _name(axes, titles, columns)
        axes.set_title(f"{called} per {names[unit]}\n*: trained on it", fontsize="medium")
        figure.colorbar(shown, ax=axes)
    return figure


def _on(value: float) -> str:
    """A colour that can be read on the field of `value`."""
    return "white" if value < 0.5 else "black"


def _name(axes: Axes, titles: Sequence[str], columns: Sequence[str]) -> None:
    axes.set_xticks(range(len(columns)), [literal(name[:_LONGEST]) for name in columns], rotation=45, ha="right")
    axes.set_yticks(range(len(titles)), [literal(title[:_LONGEST]) for title in titles])
    axes.set_xlabel("tested on")
    axes.set_ylabel("trained on")
