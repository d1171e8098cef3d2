"""A matrix of detectors and sets as Markdown, CSV and a folder of files."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scanner.base.files import try_writing, write_whole, written_whole

from .breakdown import title_cell
from .matrix import MEASURES, UNITS, unit_names, units_with
from .matrix_plot import matrix_plot
from .report import ReportUnwritable

_LONGEST = 3  # more sources than these are counted, not named
_COLUMNS = (
    *("detector", "trained_on", "left_out", "seeds", "tested_on", "in_domain", "unit", "real", "fake"),
    *("measure", "value", "low", "high", "deviation"),
)


def titles(document: Mapping[str, Any]) -> list[str]:
    """What each line is called: by what it was trained on, and by the detector's name where lines would else be alike."""
    said = [_trained_on(line) for line in document["detectors"]]
    names = [line["name"] for line in document["detectors"]]
    if len(set(names)) > 1 or len(set(said)) < len(said):
        said = [f"{name}: {each}" for name, each in zip(names, said, strict=True)]
    if len(set(said)) < len(said):
        files = [line["checkpoints"][0] for line in document["detectors"]]
        said = [f"{each} ({file['file']}, {file['sha256'][:8]})" for each, file in zip(said, files, strict=True)]
    return said


def matrix_text(document: Mapping[str, Any], measure: str) -> str:
    """The Markdown: `measure` of each detector on each set per frame and per video, and all measures of each detector."""
    parts = [
        f"# Trained on, tested on: {document['by']}s",
        "A star: the detector was trained on it. A dagger: it has one label only, and is ranked against the other elsewhere. "
        "95 % intervals by group in brackets; of several seeds mean and standard deviation.",
    ]
    for unit in units_with(document, measure):
        name = unit_names(document["detectors"])[unit]
        parts += [f"## {MEASURES[measure]} per {name}", _table(_matrix(document, unit, measure))]
    videos = "A video's score is the mean of its frames' scores. " if "video" in unit_names(document["detectors"]) else ""
    parts.append(f"{videos}Accuracy is of the network's own sigmoid at 0.5.")
    for title, line in zip(titles(document), document["detectors"], strict=True):
        parts += [f"## {title_cell(title)}", _table(_benchmark(line))]
    return "\n\n".join(parts)


def write_matrix(document: Mapping[str, Any], folder: Path, measure: str) -> Path:
    """Write `matrix-by-<what>` as .md, .csv, .json and .png into `folder`; the Markdown's path. Raises ReportUnwritable."""
    path = matrix_file(folder, document["by"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path.with_suffix(".json"), json.dumps(document, indent=2, allow_nan=False) + "\n")
        with (
            written_whole(path.with_suffix(".csv")) as partial,
            partial.open("w", newline="", encoding="utf-8") as opened,
        ):
            writer = csv.writer(opened, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows(_lines(document))
        matrix_plot(document, titles(document), measure, MEASURES[measure]).savefig(path.with_suffix(".png"), dpi=120)
        write_whole(path, f"{matrix_text(document, measure)}\n\n![matrix]({path.stem}.png)\n")
    except OSError as error:
        raise ReportUnwritable(f"the matrix cannot be written to {folder}: {error.strerror}; choose another --out") from None
    return path


def prepare_matrix(folder: Path, by: str, *, replace: bool) -> None:
    """Try to write there before anything is scored. Raises ReportUnwritable, also for an earlier matrix."""
    path = matrix_file(folder, by)
    if path.exists() and not replace:
        raise ReportUnwritable(f"{path} is an earlier matrix; choose another --out, or overwrite it with --force")
    try:
        try_writing(folder)
    except OSError as error:
        raise ReportUnwritable(f"{folder} cannot be written: {error.strerror}; choose another --out") from None


def matrix_file(folder: Path, by: str) -> Path:
    """The Markdown of a matrix in `folder`."""
    return folder / f"matrix-by-{by}.md"


def _trained_on(line: Mapping[str, Any]) -> str:
    sources: Sequence[str] = line["trained_on"]
    named = ", ".join(sources) if len(sources) <= _LONGEST else f"{len(sources)} sources"
    said = named or "unknown sources"
    if line["left_out"]:
        said += f" without {line['left_out']}"
    return f"{said} ({len(line['seeds'])} seeds)" if len(line["seeds"]) > 1 else said


def _matrix(document: Mapping[str, Any], unit: str, measure: str) -> list[list[str]]:
    found = [["trained on", *(title_cell(name) for name in document["tested_on"]), "mean", "mean of others"]]
    for title, line in zip(titles(document), document["detectors"], strict=True):
        cells = [_cell(line["cells"].get(name), unit, measure) for name in document["tested_on"]]
        means = [_figure(line[mean][unit].get(measure)) for mean in ("mean", "mean_elsewhere")]
        found.append([title_cell(title), *cells, *means])
    return found


def _benchmark(line: Mapping[str, Any]) -> list[list[str]]:
    """One detector on each set, as benchmarks print it: all measures, per frame and per video side by side."""
    found, units = [["tested on"]], unit_names([line])
    for name in units.values():
        found[0] += [f"real {name}s", f"fake {name}s", *(f"{title} per {name}" for title in MEASURES.values())]
    ends = [("all", line["pooled"]), ("mean", line["mean"]), ("mean of others", line["mean_elsewhere"])]
    for name, cell in [*line["cells"].items(), *ends]:
        cells = [title_cell(name) + _marks(cell)]
        for unit in units:
            own = cell[unit] or {}
            counts = [f"{own[label]:,}" if label in own else "-" for label in ("real", "fake")]
            cells += [*counts, *(_figure(own.get(measure)) for measure in MEASURES)]
        found.append(cells)
    return found


def _lines(document: Mapping[str, Any]) -> list[list[object]]:
    """One line for each figure."""
    found: list[list[object]] = []
    for title, line in zip(titles(document), document["detectors"], strict=True):
        seeds = " ".join(str(seed) for seed in line["seeds"] if seed is not None)
        begin = [title, "; ".join(line["trained_on"]), line["left_out"], seeds]
        for name, cell in [*line["cells"].items(), ("all", line["pooled"])]:
            for unit, own in ((unit, cell[unit]) for unit in UNITS if cell[unit]):
                for measure in MEASURES:
                    figure = own.get(measure) or {}
                    ends = [figure.get(end) for end in ("value", "low", "high", "deviation")]
                    found.append([*begin, name, cell.get("in_domain", ""), unit, own["real"], own["fake"], measure, *ends])
    return found


def _cell(cell: Mapping[str, Any] | None, unit: str, measure: str) -> str:
    if cell is None or not cell[unit] or measure not in cell[unit]:
        return "-"
    return _figure(cell[unit][measure]) + _marks(cell)


def _marks(cell: Mapping[str, Any]) -> str:
    return (" *" if cell.get("in_domain") else "") + (" †" if cell.get("ranked_against_others") else "")


def _figure(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return "-"
    if figure["deviation"] is not None:
        return f"{figure['value']:.3f} ± {figure['deviation']:.3f}"
    return f"{figure['value']:.3f}" + ("" if figure["low"] is None else f" [{figure['low']:.3f}, {figure['high']:.3f}]")


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
