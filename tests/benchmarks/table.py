"""The table of figures, and the same as JSON."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .measure import Figure


def show(here: Mapping[str, Any], measured: Iterable[tuple[str, Figure]], file: Path | None) -> int:
    """Print what `here` the figures are taken on, and each (with its part's name) as it is ready; write all to `file`, too.

    Returns 1 when a limit is broken, else 0.
    """
    print("{processor}, {cores} cores, {system}, Python {python}, load {load_1_minute}, {at}".format_map(here), flush=True)
    figures = []
    for part, figure in measured:
        print(_line(part, figure), flush=True)
        figures.append({"part": part, **asdict(figure), "holds": figure.holds})
    if file:
        file.write_text(json.dumps({"machine": here, "figures": figures}, indent=1) + "\n", "utf-8")
    return 1 if any(figure["holds"] is False for figure in figures) else 0


def _line(part: str, figure: Figure) -> str:
    ratio = f"{figure.ratio:8.2f} x {figure.against}" if figure.ratio is not None else ""
    verdict = ""
    if figure.limit is not None:
        bound = f"{figure.limit.sign} {figure.limit.bound:g}{' x' if figure.limit.of_ratio else f' {figure.unit}'}"
        verdict = f"   {'holds' if figure.holds else 'BROKEN'}: {bound}"
    return f"{part:8} {figure.what:52} {figure.value:12,.4g} {figure.unit:8}{ratio}{verdict}".rstrip()
