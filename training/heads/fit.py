"""The three heads on CLIP's embeddings, and their logits on sources that they were not fitted on.

Shapes: V views.
"""

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..data.manifest import Row
from .examples import Examples, Mask
from .logistic import CannotFit, Linear, fit_logistic


@dataclass(frozen=True)
class Heads:
    """For faces, for whole pictures, and how far the CNN is to be listened to (a logit)."""

    face: Linear
    gate: Linear
    whole: Linear | None


@dataclass(frozen=True)
class Logits:
    """What the heads say of each view, and the CNN's own logit."""

    face_V: NDArray[np.float64]
    gate_V: NDArray[np.float64]
    whole_V: NDArray[np.float64]
    cnn_V: NDArray[np.float64]


def fit_heads(
    examples: Examples, left_out: Collection[str] = (), *, with_whole: bool = True, start: Heads | None = None
) -> Heads:
    """Fit all heads on the rows of `train` that are of none of the sources `left_out`. Raises CannotFit.

    `start` are heads fitted on other sources: it saves time and changes nothing.
    """
    plan = examples.plan
    allowed_V = examples.in_train & ~np.isin(examples.source_of, list(left_out))
    features, labels = examples.features_VD, torch.from_numpy(examples.label_of)
    face = fit_logistic(
        features,
        labels,
        examples.face_weights(allowed_V),
        plan.penalties.face,
        iterations=plan.iterations,
        start=start.face if start else None,
    )
    whole = None
    if with_whole:
        whole = fit_logistic(
            features,
            labels,
            examples.whole_weights(allowed_V),
            plan.penalties.whole,
            iterations=plan.iterations,
            start=start.whole if start else None,
        )
    gate = fit_logistic(
        features,
        examples.gate_labels(),
        _refuse_one_sided(examples.gate_weights(allowed_V), examples),
        plan.penalties.gate,
        iterations=plan.iterations,
        start=start.gate if start else None,
    )
    return Heads(face, gate, whole)


def logits_of_heads(heads: Heads, examples: Examples, chosen_V: Mask | None = None) -> Logits:
    """What `heads` say of all views, or of the chosen ones; the others are not a number."""
    numbers = np.arange(len(examples.views)) if chosen_V is None else np.flatnonzero(chosen_V)
    features = examples.features_VD if chosen_V is None else examples.features_VD[torch.from_numpy(numbers)]

    def spread(head: Linear | None) -> NDArray[np.float64]:
        found = np.full(len(examples.views), np.nan)
        if head is not None:
            found[numbers] = head(features).double().numpy()
        return found

    return Logits(spread(heads.face), spread(heads.gate), spread(heads.whole), examples.cnn_V)


def held_out_logits(examples: Examples, final: Heads, left_out: Collection[str], say: Callable[[str], None]) -> Logits:
    """Logits of all views, by heads that were fitted without their source; of face sets and of `left_out` by the `final` heads.

    The other sources are divided into folds: each fold is judged by heads that were fitted on the others and on the face sets.
    """
    found = logits_of_heads(final, examples)
    kept = [row for row in examples.rows if row.source not in left_out]
    fold_of = folds_by_source(kept, examples.plan.is_face_set, examples.plan.folds, examples.plan.seed)
    for fold in sorted(set(fold_of.values())):
        own = sorted(source for source, number in fold_of.items() if number == fold)
        say(f"fold {fold + 1} of {len(set(fold_of.values()))}: {len(own)} sources left out")
        chosen_V = np.isin(examples.source_of, own)
        part = logits_of_heads(fit_heads(examples, {*left_out, *own}, start=final), examples, chosen_V)
        for name in ("face_V", "gate_V", "whole_V"):
            getattr(found, name)[chosen_V] = getattr(part, name)[chosen_V]
    return found


def folds_by_source(rows: Sequence[Row], is_face_set: Callable[[str], bool], folds: int, seed: int) -> dict[str, int]:
    """The fold of each source that is no face set; each fold gets about as many pictures of each label.

    The largest sources are placed first, each where the squares of the counts grow least. Raises CannotFit for too few.
    """
    counts: dict[str, NDArray[np.int64]] = {}
    for row in rows:
        if not is_face_set(row.source):
            counts.setdefault(row.source, np.zeros(2, np.int64))[row.label] += 1
    if len(counts) < 2:
        raise CannotFit(
            "pictures of at least two sources besides the face sets are needed: one is judged by what the others teach"
        )
    names = sorted(counts)
    random.Random(seed).shuffle(names)  # noqa: S311  (not for secrets)
    names.sort(key=lambda name: -int(counts[name].sum()))
    folds = min(folds, len(names))
    totals = np.zeros((folds, 2))
    found = {}
    for name in names:
        grown = [((totals + np.eye(folds)[fold][:, None] * counts[name]) ** 2).sum() for fold in range(folds)]
        found[name] = int(np.argmin(grown))
        totals[found[name]] += counts[name]
    return found


def _refuse_one_sided(weights_V: torch.Tensor, examples: Examples) -> torch.Tensor:
    counted = weights_V.numpy() > 0
    if not (counted & examples.in_face_set).any() or not (counted & ~examples.in_face_set).any():
        raise CannotFit(
            "the gate needs pictures of a face set and of other sources in split 'train'; name the face sets in the recipe "
            "(face_sets), or add some to the manifest"
        )
    return weights_V
