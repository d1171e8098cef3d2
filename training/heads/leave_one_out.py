"""Leaving out each source in turn: what a fusion is worth on sources that it never saw."""

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.detector.checkpoints.card import CheckpointCard

from ..evaluation import figures, metrics
from .ablation import VARIANTS, variants
from .examples import Examples
from .fit import Heads, Logits, fit_heads, logits_of_heads
from .logistic import CannotFit

Matrix = Mapping[str, Any]


def leave_each_out(
    examples: Examples,
    final: Heads,
    weight: float,
    card: CheckpointCard,
    seen_by_cnn: Collection[str],
    say: Callable[[str], None],
) -> dict[str, Any]:
    """AUC of each source by each of VARIANTS, by heads that were fitted without it; JSON-ready.

    Where a source has one label only its pictures are ranked against those of the other label of all other sources, each of which
    was left out likewise. `pooled` is over all pictures, `mean` over the sources. The CNN is the same throughout: `seen_by_cnn`
    are sources that it was trained on, marked so.
    """
    sources = sorted(set(examples.source_of[examples.is_plain].tolist()))
    found = logits_of_heads(final, examples)
    skipped = {}
    for number, source in enumerate(sources, 1):
        chosen_V = examples.source_of == source
        try:
            heads = fit_heads(examples, {source}, with_whole=False, start=final)
        except CannotFit as error:
            skipped[source] = str(error)
            say(f"{source} cannot be left out: {error}")
            continue
        part = logits_of_heads(heads, examples, chosen_V)
        found.face_V[chosen_V], found.gate_V[chosen_V] = part.face_V[chosen_V], part.gate_V[chosen_V]
        say(f"{number} of {len(sources)}: without {source}")
    return {"skipped": skipped, **_matrix(examples, found, weight, card, set(seen_by_cnn), set(skipped))}


def matrix_table(matrix: Matrix) -> str:
    """The matrix in Markdown; sources that the CNN was trained on have a star."""
    lines = [f"| source | real | fake | {' | '.join(VARIANTS)} |", "|---" * (3 + len(VARIANTS)) + "|"]
    for name, own in matrix["sources"].items():
        star = " *" if own["seen_by_cnn"] else ""
        cells = ["-" if own[variant] is None else f"{own[variant]:.3f}" for variant in VARIANTS]
        lines.append(f"| {name}{star} | {own['real']:,} | {own['fake']:,} | {' | '.join(cells)} |")
    means = [f"{matrix['mean'][variant]:.3f}" for variant in VARIANTS]
    lines.append(f"| mean of the sources | | | {' | '.join(means)} |")
    pooled = matrix["pooled"]
    cells = [_interval(pooled[variant]) for variant in VARIANTS]
    lines.append(f"| pooled | {pooled['real']:,} | {pooled['fake']:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write_matrix(matrix: Matrix, folder: Path) -> None:
    """Store it as `leave-one-out.json` and `leave-one-out.md`."""
    (folder / "leave-one-out.json").write_text(json.dumps(matrix, indent=2, allow_nan=False) + "\n", "utf-8")
    text = (
        "AUC on sources that the heads were not fitted on. A source with one label is ranked against the other label of all "
        "other sources. The CNN is the same throughout; it was trained on the sources with a star.\n\n"
    )
    (folder / "leave-one-out.md").write_text(text + matrix_table(matrix) + "\n", "utf-8")


def _matrix(
    examples: Examples, logits: Logits, weight: float, card: CheckpointCard, seen: set[str], skipped: set[str]
) -> dict[str, Any]:
    by_variant = variants(examples, logits, weight, card)
    row_P = by_variant[VARIANTS[0]].row_P
    kept = np.asarray([examples.rows[row].source not in skipped for row in row_P])
    rows = [examples.rows[row] for row in row_P[kept]]
    label_P = np.asarray([row.label for row in rows])
    source_P = np.asarray([row.source for row in rows])
    logits_by = {name: pictures.logit_P[kept] for name, pictures in by_variant.items()}
    sources: dict[str, Any] = {}
    for source in sorted(set(source_P.tolist())):
        own = source_P == source
        labels = set(label_P[own].tolist())
        beside = own if len(labels) == 2 else own | ~np.isin(label_P, list(labels))
        real, fake = int((label_P[own] == 0).sum()), int((label_P[own] == 1).sum())
        sources[source] = {"real": real, "fake": fake, "seen_by_cnn": source in seen}
        sources[source] |= {name: _auc(label_P[beside], values[beside]) for name, values in logits_by.items()}
    groups = source_P.tolist()
    pooled: dict[str, Any] = {"real": int((label_P == 0).sum()), "fake": int((label_P == 1).sum())}
    for name, values in logits_by.items():
        pooled[name] = figures.measured({"auc": metrics.auc.draws}, label_P, values, groups, figures.DRAWS).get("auc")
    mean = {name: float(np.mean([own[name] for own in sources.values() if own[name] is not None])) for name in VARIANTS}
    return {"sources": sources, "mean": mean, "pooled": pooled}


def _auc(labels: NDArray[np.int64], logits: NDArray[np.float64]) -> float | None:
    value = float(metrics.auc(labels, logits))
    return value if np.isfinite(value) else None


def _interval(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return "-"
    if figure["low"] is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
