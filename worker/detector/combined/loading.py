"""Any checkpoint as a scorer: a network, or models that score together."""

from collections.abc import Callable
from pathlib import Path

from ..checkpoints.card import read_card
from ..imported.loading import load_network
from ..inference.registry import parts_of
from ..inference.scorer import Scorer
from ..weights.public_weights import BackboneFiles
from .scorer import AnyScorer, CombinedScorer


def load_detector(path: Path, device: str, *, files: BackboneFiles, micro_batch: int) -> AnyScorer:
    """Load the checkpoint at `path` onto `device` as a person names it; its parts, if it has any, each by what runs it.

    Raises CheckpointError, BackboneMissing, DeviceUnavailable and RuntimeUnavailable.
    """
    return load_with(path, lambda each: load_network(each, device, files=files, micro_batch=micro_batch))


def load_with(path: Path, load: Callable[[Path], Scorer]) -> AnyScorer:
    """The checkpoint at `path`; `load` loads its network, or those of its parts. Raises CheckpointError, and what it does."""
    card = read_card(path)
    if card.fusion is None:
        return load(path)
    return CombinedScorer(card, [load(part) for part in parts_of(path, card)])
