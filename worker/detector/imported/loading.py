"""Any checkpoint as a scorer, whoever made its network."""

from pathlib import Path

from ..checkpoints.card import read_card
from ..inference.device import choose_device
from ..inference.scorer import Scorer
from ..weights.public_weights import BackboneFiles
from .network import load_imported


def load_network(path: Path, device: str, *, files: BackboneFiles, micro_batch: int) -> Scorer:
    """Load the checkpoint at `path` onto `device` as a person names it: by torch, or ONNX Runtime for an imported network.

    Raises CheckpointError, BackboneMissing, DeviceUnavailable and RuntimeUnavailable.
    """
    chosen = choose_device(device)
    if read_card(path).imported is not None:
        return load_imported(path, chosen, requested=device, micro_batch=micro_batch)
    from ..inference.predictor import load_predictor

    return load_predictor(path, chosen, files=files, micro_batch=micro_batch)
