"""A checkpoint's card as text (Markdown): what it is, what it was measured on, and what that does not mean."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .checkpoint import CheckpointCard

_COLUMNS = {
    "auc": "AUC",
    "equal_error_rate": "EER",
    "balanced_accuracy": "balanced accuracy",
    "false_alarm_rate": "real called fake",
    "flagged_real_rate": "real flagged",
    "hit_rate": "fake called fake",
    "flagged_fake_rate": "fake flagged",
}


def card_text(card: CheckpointCard, path: Path, sha256: str) -> str:
    """The whole card."""
    plan = card.training.get("plan", {})
    seen = card.recipe.preprocessing
    parts = [
        f"# {card.name}",
        f"File `{path.name}`, sha256 `{sha256}`, made {card.created_at}.",
        f"Recipe `{card.recipe.name}`: {' + '.join(card.recipe.branches)}, input {seen.size} x {seen.size} pixels.",
        f"A score of {card.threshold:.3f} or more is called fake, from {card.band_low:.3f} on uncertain, below that real.",
        f"Trained on {card.training.get('rows', 0):,} images (manifest sha256 `{card.training.get('manifest_sha256')}`), "
        f"{len(plan.get('sizes', ()))} epochs at {', '.join(map(str, plan.get('sizes', ())))} pixels, "
        f"batch {plan.get('batch_size')}, "
        f"{plan.get('optimiser')} {plan.get('learning_rate')}, seed {plan.get('seed')}.",
    ]
    if sources := card.training.get("sources"):
        parts += ["## Trained on", _sources_table(sources)]
    if card.metrics:
        parts += [
            f"## Measured on split `{card.metrics.get('split')}`",
            "95 % bootstrap intervals by group in brackets. Calibration and thresholds were chosen on the same images.",
            figures_table(card.metrics),
        ]
    return "\n\n".join([*parts, "## Limits", _limits(seen.size)])


def _sources_table(sources: Mapping[str, Mapping[str, Any]]) -> str:
    lines = ["| source | real | fake | families | generators |", "|---|---|---|---|---|"]
    for name, found in sources.items():
        families, generators = ", ".join(found["families"]), ", ".join(found["generators"])
        lines.append(f"| {name} | {found['real']:,} | {found['fake']:,} | {families} | {generators} |")
    return "\n".join(lines)


def _limits(size: int) -> str:
    return "\n".join(
        [
            "- The figures are of images from the sources that it was trained on. Expect it to miss forgeries of other kinds,",
            "  and to call more photographs fake that are unlike these: that has not been measured.",
            f"- It sees the centre square of an image at {size} x {size} pixels, and looks for no faces: small ones are lost.",
            "- It was trained on images of about this size. Scores of whole scenes, drawings and screenshots mean little.",
            "- A score is a reason to look, not a proof, and must not be the only ground of an accusation.",
        ]
    )


def figures_table(figures: Mapping[str, Any]) -> str:
    """Figures per source as a Markdown table."""
    lines = ["| source | real | fake | " + " | ".join(_COLUMNS.values()) + " |", "|---" * (3 + len(_COLUMNS)) + "|"]
    for source, found in {"all": figures["pooled"], **figures["sources"]}.items():
        cells = [_cell(found.get(name)) for name in _COLUMNS]
        lines.append(f"| {source} | {found['real']:,} | {found['fake']:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(figure: Mapping[str, float] | None) -> str:
    if figure is None:
        return "-"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
