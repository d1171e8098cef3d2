"""What a detector is worth on a source, or on the fakes of a generator, that it was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from ..data.manifest import Manifest, ManifestError, Row
from . import metrics
from .figures import DRAWS, measured
from .logits import labels_of
from .weighted_metrics import Scores


@dataclass(frozen=True)
class LeftOut:
    """What is not trained on: a source, or the fakes of a generator."""

    kind: Literal["source", "generator"]
    name: str


def without(manifest: Manifest, left_out: LeftOut) -> tuple[Manifest, tuple[Row, ...]]:
    """The manifest without what is left out, and the rows to measure on. Raises ManifestError where one of them cannot be."""
    by_kind = without_source if left_out.kind == "source" else without_generator
    return by_kind(manifest, left_out.name)


def without_generator(manifest: Manifest, generator: str) -> tuple[Manifest, tuple[Row, ...]]:
    """The manifest without the fakes of `generator`, and those of them to measure on.

    These are the fakes whose group (people, an original) is not trained on, and all of them where there are none such. Raises
    ManifestError when there are no fakes of it, or no others are left.
    """
    fakes = tuple(row for row in manifest.rows if row.label and row.generator == generator)
    if not fakes:
        there = ", ".join(sorted({row.generator for row in manifest.rows if row.label and row.generator})[:10]) or "none"
        raise ManifestError(f"the manifest has no fakes of a generator {generator!r} to leave out; it has those of {there} ...")
    gone = set(fakes)
    kept = Manifest(tuple(row for row in manifest.rows if row not in gone), f"{manifest.sha256} without fakes of {generator}")
    for split in ("train", "val"):
        kept.of_split(split)
    trained_on = {row.group for row in kept.rows if row.split == "train"}
    return kept, tuple(row for row in fakes if row.group not in trained_on) or fakes


def without_source(manifest: Manifest, source: str) -> tuple[Manifest, tuple[Row, ...]]:
    """The manifest without the rows of `source`, and those rows. Raises ManifestError when there are none, or nothing is left."""
    left_out = tuple(row for row in manifest.rows if row.source == source)
    if not left_out:
        there = ", ".join(sorted({row.source for row in manifest.rows})[:10])
        raise ManifestError(f"the manifest has no source {source!r} to leave out; it has {there} ...")
    kept = Manifest(tuple(row for row in manifest.rows if row.source != source), f"{manifest.sha256} without {source}")
    for split in ("train", "val"):
        kept.of_split(split)
    return kept, left_out


def left_out_figures(
    left_out: LeftOut,
    rows: Sequence[Row],
    scores: Scores,
    beside: Sequence[Row],
    beside_scores: Scores,
    cuts: tuple[float, float],
) -> dict[str, Any]:
    """Figures of what was left out, JSON-ready: AUC, and the rates at the threshold and the band's low end in `cuts`.

    Where it has one label only, its images are ranked against those of the other label in `beside`.
    """
    labels = labels_of(rows)
    threshold, band_low = cuts
    found: dict[str, Any] = {left_out.kind: left_out.name, "real": int((labels == 0).sum()), "fake": int((labels == 1).sum())}
    groups = [row.group for row in rows]
    measures = {}
    if found["real"]:
        measures["false_alarm_rate"] = partial(metrics.false_alarm_rate.draws, threshold=threshold)
        measures["flagged_real_rate"] = partial(metrics.false_alarm_rate.draws, threshold=band_low)
    if found["fake"]:
        measures["hit_rate"] = partial(metrics.hit_rate.draws, threshold=threshold)
        measures["flagged_fake_rate"] = partial(metrics.hit_rate.draws, threshold=band_low)
    found |= measured(measures, labels, scores, groups, DRAWS)
    others = [number for number, row in enumerate(beside) if row.label not in set(labels.tolist())]
    labels = np.concatenate([labels, labels_of([beside[number] for number in others])])
    if len(set(labels.tolist())) == 2:
        ranked = np.concatenate([scores, beside_scores[others]])
        groups += [beside[number].group for number in others]
        found |= measured({"auc": metrics.auc.draws}, labels, ranked, groups, DRAWS)
    return found


def left_out_line(found: dict[str, Any]) -> str:
    """The same for people, in one line."""
    names = {
        "auc": "AUC",
        "false_alarm_rate": "real called fake",
        "flagged_real_rate": "real flagged",
        "hit_rate": "fake called fake",
        "flagged_fake_rate": "fake flagged",
    }
    said = [f"{title} {_figure(found[name])}" for name, title in names.items() if name in found]
    name = found["source"] if "source" in found else f"the fakes of {found['generator']}"
    return f"left out {name} ({found['real']:,} real, {found['fake']:,} fake): " + ", ".join(said)


def _figure(figure: dict[str, Any]) -> str:
    if figure["low"] is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
