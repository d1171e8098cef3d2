"""Views with what is known of their rows, and which of them a head is fitted on, with which weight.

Shapes: V views, D embedding width.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worker.detector.model.network import FusionDetector

from ..config.heads_plan import HeadsPlan
from ..data.manifest import Row
from .embedding_cache import Embedded
from .views import View

Mask = NDArray[np.bool]
_BLOCK = 2048


@dataclass(frozen=True)
class Examples:
    """All views: of which row each is, what CLIP says (features_VD, float32), and the CNN's logit from its own head."""

    rows: tuple[Row, ...]
    plan: HeadsPlan
    views: tuple[View, ...]
    row_V: NDArray[np.int64]
    features_VD: Tensor
    cnn_V: NDArray[np.float64]

    @cached_property
    def label_of(self) -> NDArray[np.int64]:
        """1 for fake."""
        return np.asarray([row.label for row in self.rows])[self.row_V]

    @cached_property
    def source_of(self) -> NDArray[np.str_]:
        """The source of each view's row."""
        return np.asarray([row.source for row in self.rows])[self.row_V]

    @cached_property
    def in_face_set(self) -> Mask:
        """Whether it is of a face set."""
        return np.asarray([self.plan.is_face_set(row.source) for row in self.rows])[self.row_V]

    @cached_property
    def in_train(self) -> Mask:
        """Whether it is of the split `train`: nothing else is fitted on."""
        return np.asarray([row.split == "train" for row in self.rows])[self.row_V]

    @cached_property
    def kind_of(self) -> NDArray[np.str_]:
        """The kinds of the views."""
        return np.asarray([view.kind for view in self.views])

    @cached_property
    def is_plain(self) -> Mask:
        """Whether it is what scanning shows."""
        return np.asarray([view.draw == 0 for view in self.views])

    @cached_property
    def _may_be_real(self) -> Mask:
        """Further faces of fakes in which one face alone was forged."""
        one = np.asarray([row.family in self.plan.one_forged and row.label == 1 for row in self.rows])[self.row_V]
        further: Mask = one & np.asarray([view.place > 0 for view in self.views])
        return further

    def face_weights(self, allowed_V: Mask) -> Tensor:
        """weights_V for the head for faces: face sets and the others count alike, both labels alike in each."""
        chosen = allowed_V & np.isin(self.kind_of, ("face", "subject", "crop")) & ~self._may_be_real
        others = self._balanced(chosen & ~self.in_face_set, self.plan.damping)
        return torch.from_numpy(others + self._balanced(chosen & self.in_face_set, self.plan.face_set_damping))

    def whole_weights(self, allowed_V: Mask) -> Tensor:
        """weights_V for the head for whole pictures; crops of face sets are none."""
        return torch.from_numpy(self._balanced(allowed_V & np.isin(self.kind_of, ("whole", "subject")), self.plan.damping))

    def gate_labels(self) -> Tensor:
        """1 for what is as the CNN's own training pictures are."""
        return torch.from_numpy(self.in_face_set.astype(np.float32))

    def gate_weights(self, allowed_V: Mask) -> Tensor:
        """weights_V for the gate: every view alike, both sides alike."""
        chosen = allowed_V & (self.in_face_set | (self.kind_of != "whole") | self.is_plain)
        weights = np.zeros(len(self.views))
        for side in (self.in_face_set, ~self.in_face_set):
            if count := int((chosen & side).sum()):
                weights[chosen & side] = 1 / count
        return torch.from_numpy(weights)

    def _balanced(self, chosen_V: Mask, damping: float) -> NDArray[np.float64]:
        """Every picture of a source alike however many views it has; sources damped; each label sums to 1."""
        weights = np.zeros(len(self.views))
        numbers = np.flatnonzero(chosen_V)
        views_of = Counter(self.row_V[numbers].tolist())
        pictures = Counter((self.rows[row].label, self.rows[row].source) for row in views_of)
        for number in numbers:
            row = int(self.row_V[number])
            weights[number] = pictures[self.rows[row].label, self.rows[row].source] ** -damping / views_of[row]
        for label in (0, 1):
            if total := weights[self.label_of == label].sum():
                weights[self.label_of == label] /= total
        return weights


def examples_of(embedded: Embedded, rows: Sequence[Row], plan: HeadsPlan, detector: FusionDetector) -> Examples:
    """The views ready to fit on: `detector` says how wide its branches are, and holds the CNN's own head."""
    first, second = detector.parts.values()
    numbers = embedded.embeddings_VD
    features_VD = torch.empty((len(numbers), first.width), dtype=torch.float32)
    cnn = np.empty(len(numbers))
    head = cnn_head(detector)
    with torch.inference_mode():
        for start in range(0, len(numbers), _BLOCK):
            part_VD = torch.from_numpy(np.asarray(numbers[start : start + _BLOCK], np.float32))
            features_VD[start : start + _BLOCK] = part_VD[:, : first.width]
            cnn[start : start + _BLOCK] = head(part_VD[:, first.width :]).squeeze(1).double().numpy()
    assert numbers.shape[1] == first.width + second.width
    return Examples(tuple(rows), plan, embedded.views, embedded.row_V, features_VD, cnn)


def cnn_head(detector: FusionDetector) -> Callable[[Tensor], Tensor]:
    """The head of the second branch of a gated network."""
    head: Callable[[Tensor], Tensor] = detector.head.heads[1]  # type: ignore[index, assignment]
    return head
