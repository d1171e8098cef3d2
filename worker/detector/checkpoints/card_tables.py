"""The tables of a card and of an evaluation report, in Markdown. What a document does not hold is left out or a dash."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .late_fusion import LateFusion

Figures = Mapping[str, Any]

_MAIN = {
    "auc": "AUC",
    "equal_error_rate": "EER",
    "balanced_accuracy": "balanced accuracy",
    "false_alarm_rate": "real called fake",
    "flagged_real_rate": "real flagged",
    "hit_rate": "fake called fake",
    "flagged_fake_rate": "fake flagged",
}
_RANKS = {
    "average_precision": "AP",
    "hit_rate_at_1_percent": "TPR at FPR 1 %",
    "hit_rate_at_5_percent": "TPR at FPR 5 %",
    "equal_error_threshold": "threshold of the EER",
    "expected_calibration_error": "ECE",
    "cllr": "Cllr (bits)",
}
_COSTS = {
    "minimal_dcf": "min-DCF",
    "minimal_dcf_normalised": "min-DCF, normalised",
    "actual_dcf": "act-DCF",
    "actual_dcf_normalised": "act-DCF, normalised",
    "actual_dcf_at_half": "act-DCF at 0.5",
    "actual_dcf_raw": "act-DCF at 0.5, raw",
}
_ACCURACIES = {
    "accuracy": "accuracy",
    "f1_fake": "F1, positive = fake",
    "f1_real": "F1, positive = real",
    "accuracy_at_half": "accuracy at 0.5",
    "f1_fake_at_half": "F1 fake at 0.5",
    "f1_real_at_half": "F1 real at 0.5",
    "accuracy_raw": "accuracy at 0.5, raw",
    "f1_fake_raw": "F1 fake at 0.5, raw",
    "f1_real_raw": "F1 real at 0.5, raw",
}
_GENERATORS = {name: _MAIN[name] for name in ("auc", "equal_error_rate", "hit_rate", "flagged_fake_rate")}
_ROBUSTNESS = {name: _MAIN[name] for name in ("auc", "balanced_accuracy", "false_alarm_rate", "hit_rate")}
_FITTED_HERE = " (calibrated on these very images)"
# What a calibration that was fitted on the images themselves makes look better than it is.
_CALIBRATED = (
    "expected_calibration_error",
    "cllr",
    "accuracy_at_half",
    "f1_fake_at_half",
    "f1_real_at_half",
    "actual_dcf_at_half",
)
_HELD_OUT = {
    name: {**_MAIN, **_RANKS}[name]
    for name in (
        "auc",
        "hit_rate_at_1_percent",
        "hit_rate_at_5_percent",
        "false_alarm_rate",
        "flagged_real_rate",
        "hit_rate",
        "flagged_fake_rate",
    )
}
_DRIFT = {
    "drift_mean": "mean change of the score",
    "drift_95": "95th percentile",
    "relabelled": "other label",
    "reversed": "fake to real or back",
}
# What is published of a threshold of 0.5 is of the network's own sigmoid: the raw figures stand beside it.
_PUBLISHED = {
    "auc": "AUC",
    "equal_error_rate": "EER",
    "accuracy_at_half": "accuracy at 0.5",
    "f1_real_at_half": "F1 real at 0.5",
    "f1_fake_at_half": "F1 fake at 0.5",
    "actual_dcf_at_half": "act-DCF at 0.5",
    "minimal_dcf": "min-DCF",
}
_AT_HALF = "_at_half"


def figures_table(figures: Figures) -> str:
    """What matters most, pooled and per source."""
    return _table(["source", "real", "fake", *_MAIN.values()], [_row(name, found, _MAIN) for name, found in _sets(figures)])


def further_tables(figures: Figures) -> list[str]:
    """Ranking and calibration, costs, accuracy, generators: those that `figures` holds, each after a line that explains it."""
    parts = []
    for says, columns in (
        ("Ranking and calibration (ECE in 15 bins of equal width):", _RANKS),
        (costs_line(figures), _COSTS),
        (
            f"Accuracy and F1, at the threshold {figures.get('threshold', 0.5):.3f}, at a score of 0.5, and at 0.5 of the raw "
            "sigmoid, as publications use it:",
            _ACCURACIES,
        ),
    ):
        known = {name: title for name, title in columns.items() if any(name in found for _, found in _sets(figures))}
        if known:
            rows = [_row(name, found, known) for name, found in _sets(figures) if known.keys() & found.keys()]
            parts += [says, _table(["source", "real", "fake", *_titles(known, figures)], rows)]
    if generators := figures.get("generators"):
        parts += ["Fakes per generator, set against the real images of the sources named:", _generators_table(generators)]
    return parts


def costs_line(figures: Figures) -> str:
    """Which costs the detection costs were computed with."""
    costs = figures.get("costs") or {"miss": 1, "false_alarm": 1, "p_fake": 0.5}
    blind = min(costs["miss"] * costs["p_fake"], costs["false_alarm"] * (1 - costs["p_fake"]))
    return (
        f"Detection costs with C_miss = {costs['miss']:g}, C_fa = {costs['false_alarm']:g}, P(fake) = {costs['p_fake']:g}; "
        f"normalised by {blind:g}, the cost of deciding blindly:"
    )


def anchors_table(figures: Figures, anchors: Sequence[Figures], cross_fitted: Figures | None = None) -> str:
    """The pooled figures beside published ones; the header says which are not of the same data.

    At 0.5 they are of raw logits, as published; and, where there are some, of a calibration that was fitted on the other half.
    """
    marks = ["" if anchor["same_data"] else " (not the same data)" for anchor in anchors]
    header = ["figure", "measured here", *(f"{anchor['name']}{mark}" for anchor, mark in zip(anchors, marks, strict=True))]
    rows = []
    for name, title in _PUBLISHED.items():
        published = [_plain(anchor["figures"].get(name)) for anchor in anchors]
        for words, cell in _measured(figures, name, cross_fitted or {}):
            rows.append([title + words, cell, *published])
    notes = [f"{anchor['name']}: {anchor['note']}" for anchor in anchors if anchor.get("note")]
    return "\n\n".join([_table(header, rows), *notes])


def _measured(figures: Figures, name: str, cross_fitted: Figures) -> list[tuple[str, str]]:
    """What stands beside a published figure, and how it was come by."""
    pooled = figures["pooled"]
    if not name.endswith(_AT_HALF):
        return [("", figure_cell(pooled.get(name)))]
    found = []
    if raw := pooled.get(name.removesuffix(_AT_HALF) + "_raw"):
        found.append((", raw logit", figure_cell(raw)))
    if name in cross_fitted:
        found.append((", calibrated on the other half", _plain(cross_fitted[name])))
    if not found:  # of a document that was written before there were raw figures
        found.append(
            (", calibrated" + (_FITTED_HERE if figures.get("calibrated_here", True) else ""), figure_cell(pooled.get(name)))
        )
    return found


def robustness_table(robustness: Figures) -> str:
    """Figures, drift and flips under every condition, pooled."""
    rows = [
        [
            found["name"],
            *(figure_cell(found["pooled"].get(name)) for name in _ROBUSTNESS),
            *(_plain(found["pooled"].get(name)) for name in _DRIFT),
        ]
        for found in robustness["conditions"]
    ]
    return _table(["condition", *_ROBUSTNESS.values(), *_DRIFT.values()], rows)


def sources_table(sources: Mapping[str, Figures]) -> str:
    """What a set of images is made of."""
    return _table(
        ["source", "real", "fake", "families", "generators"],
        [
            [name, f"{found['real']:,}", f"{found['fake']:,}", ", ".join(found["families"]), ", ".join(found["generators"])]
            for name, found in sources.items()
        ],
    )


def held_out_table(rows: Sequence[Figures]) -> str:
    """Figures of pictures whose sources the heads were not fitted on."""
    return _table(["what", "real", "fake", *_HELD_OUT.values()], [_row(found["what"], found, _HELD_OUT) for found in rows])


def fusion_table(fusion: LateFusion) -> str:
    """The parts of a combination, and what a unit of each one's logit adds to the sum, by what a picture's score rests on."""
    rows = [
        [
            part.name,
            part.sha256[:16],
            f"{part.threshold:.3f}",
            *(f"{line.weights[number]:.3f}" for line in fusion.lines.values()),
            part.licence or "-",
        ]
        for number, part in enumerate(fusion.parts)
    ]
    return _table(["part", "sha256", "fake from", *(f"weight, {basis}" for basis in fusion.lines), "licence"], rows)


def history_table(history: Sequence[Figures]) -> str:
    """What was tried, in order."""
    return _table(
        ["what", "sizes", "result"],
        [[_text(tried.get("what")), _text(tried.get("sizes")), _text(tried.get("result"))] for tried in history],
    )


def _titles(columns: Mapping[str, str], figures: Figures) -> list[str]:
    """The headers; one that is of a calibration says so where that was fitted on these very images."""
    fitted_here = _FITTED_HERE if figures.get("calibrated_here") else ""
    return [title + (fitted_here if name in _CALIBRATED else "") for name, title in columns.items()]


def _sets(figures: Figures) -> list[tuple[str, Figures]]:
    return [("all", figures["pooled"]), *figures["sources"].items()]


def _generators_table(generators: Mapping[str, Figures]) -> str:
    rows = [[*_row(name, found, _GENERATORS), _text(found["reals_from"])] for name, found in generators.items()]
    return _table(["generator", "real", "fake", *_GENERATORS.values(), "real images of"], rows)


def _row(name: str, found: Figures, columns: Mapping[str, str]) -> list[str]:
    return [_text(name), f"{found['real']:,}", f"{found['fake']:,}", *(figure_cell(found.get(column)) for column in columns)]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" if cells[0] != "---" else "|---" * len(cells) + "|" for cells in lines)


def figure_cell(figure: Figures | None) -> str:
    """A figure with its interval, if it has one."""
    if figure is None:
        return "-"
    if figure.get("low") is None or figure.get("high") is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _text(value: object) -> str:
    """A cell of free text: in one line, without the bar that ends a cell."""
    shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else "-" if value is None else str(value)
    return " ".join(shown.split()).replace("|", "\\|")
