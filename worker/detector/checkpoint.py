"""Checkpoints that describe themselves: safetensors with one JSON document in the header. No pickle.

The document pins everything a score depends on: recipe, preprocessing, calibration, threshold and band; and what is known
about it: training record and metrics. Frozen public backbones are not copied, only named with their sha256.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from scanner.errors import KnownError

from .backbones import BackboneFiles, build_detector, find_backbone_files
from .network import FusionDetector
from .preprocess import Preprocessing
from .recipes import BranchName, Recipe

FORMAT = 2
_HEADER = "dfscan"
_FROZEN = "branches.clip-image."
_NEUTRAL = "neutral_D"  # older checkpoints have none; their branches are not compared


class CheckpointError(KnownError):
    """A file that is no checkpoint of ours, or not one that this version can run."""


@dataclass(frozen=True)
class Calibration:
    """Platt scaling (Platt 1999): score = sigmoid(slope * logit + offset)."""

    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class CheckpointCard:
    """What a checkpoint says of itself.

    A score >= `threshold` is labelled fake; a score in the band [`band_low`, `threshold`) is uncertain; below it is real.
    `whole_images` says that it was trained and measured on whole images as well as on crops of faces: only then is a picture
    without a face flagged. `backbones` maps branches whose weights are not in the file to the sha256 of the public file that they
    need.
    """

    name: str
    recipe: Recipe
    calibration: Calibration
    threshold: float
    band_low: float
    created_at: str
    whole_images: bool = False
    backbones: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def save_checkpoint(path: Path, detector: FusionDetector, card: CheckpointCard, *, half: bool = False) -> None:
    """Write `detector` and `card` to `path`, atomically.

    `half` stores matrices and kernels as float16; vectors (biases, batch-norm statistics) stay float32, they need the range.
    """
    tensors = {}
    for name, tensor in stored_tensors(detector).items():
        narrow = half and tensor.is_floating_point() and tensor.ndim > 1
        tensors[name] = (tensor.half() if narrow else tensor).cpu().contiguous()
    _write(path, tensors, card)


def save_with_card(source: Path, target: Path, card: CheckpointCard) -> None:
    """Write the weights of the checkpoint `source`, bit for bit, with another card to `target` (which may be `source`)."""
    _write(target, load_file(source), card)


def stored_tensors(detector: nn.Module) -> dict[str, Tensor]:
    """What belongs into a checkpoint: all tensors but those of frozen public backbones."""
    return {name: tensor for name, tensor in detector.state_dict().items() if not name.startswith(_FROZEN)}


def read_card(path: Path) -> CheckpointCard:
    """Read only the header of `path`. Raises CheckpointError."""
    return _header(path)[0]


def load_checkpoint(path: Path, files: BackboneFiles) -> tuple[FusionDetector, CheckpointCard]:
    """Build the network that `path` describes and fill it. float32, on the CPU, in evaluation mode.

    `files` names public backbones that the checkpoint refers to. Raises CheckpointError and BackboneMissing.
    """
    card, tensors_sha256 = _header(path)
    needed = BackboneFiles()
    if "clip-image" in card.recipe.branches:
        needed = BackboneFiles(clip=find_backbone_files(_only_clip(card.recipe), files).clip)
        if needed.clip and file_sha256(needed.clip) != card.backbones.get("clip-image"):
            raise CheckpointError(
                f"{needed.clip} is not the CLIP file that {path} was trained on (sha256 {card.backbones.get('clip-image')}); "
                "name the right one with --clip-weights"
            )
    detector = build_detector(card.recipe, needed, embed_prompt=False)
    stored = load_file(path)
    tensors = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in stored.items()}
    try:
        result = detector.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise CheckpointError(f"{path} does not fit its own recipe {card.recipe.name}: {error}") from None
    missing = [name for name in result.missing_keys if not name.startswith(_FROZEN) and name != _NEUTRAL]
    if missing or result.unexpected_keys:
        odd = [*missing, *result.unexpected_keys]
        raise CheckpointError(f"{path} does not fit its own recipe {card.recipe.name}: {len(odd)} tensors differ, first {odd[0]}")
    if _tensors_sha256(stored) != tensors_sha256:
        raise CheckpointError(f"{path} is damaged: its weights are not those that were written (sha256 differs); fetch it again")
    return detector.eval(), card


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _write(path: Path, tensors: Mapping[str, Tensor], card: CheckpointCard) -> None:
    document = json.dumps({"format": FORMAT, "tensors_sha256": _tensors_sha256(tensors), **asdict(card)})
    partial = path.with_name(path.name + ".partial")
    save_file(dict(tensors), partial, metadata={_HEADER: document})
    partial.chmod(0o644)  # safetensors makes it private; checkpoints are passed around
    partial.replace(path)


def _tensors_sha256(tensors: Mapping[str, Tensor]) -> str:
    """Over names, types, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def library_versions() -> dict[str, str]:
    """Versions that a score may depend on."""
    import PIL

    return {"torch": torch.__version__, "pillow": PIL.__version__}


def _only_clip(recipe: Recipe) -> Recipe:
    return Recipe(recipe.name, ("clip-image",), recipe.hidden, recipe.dropout, recipe.preprocessing)


def _header(path: Path) -> tuple[CheckpointCard, str]:
    """The card, and the sha256 that the tensors had when they were written."""
    try:
        with safe_open(path, framework="pt") as opened:
            header = opened.metadata() or {}
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist; `dfscan model list` shows the checkpoints at hand") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is no safetensors file ({error}); only dfscan's own checkpoints can be used") from None
    try:
        document = json.loads(header[_HEADER])
        if (written := document.pop("format")) != FORMAT:
            raise CheckpointError(
                f"{path} was written by another version of dfscan (format {written}, this one reads {FORMAT}); "
                "use the version that wrote it, or train or fetch it anew"
            )
        tensors_sha256 = str(document.pop("tensors_sha256"))
        return _card_from(document), tensors_sha256
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} carries no readable description of dfscan ({error!r}): not one of its checkpoints"
        ) from None


def _card_from(document: dict[str, Any]) -> CheckpointCard:
    recipe = document.pop("recipe")
    if not set(recipe["branches"]) <= set(get_args(BranchName)) or not all(isinstance(width, int) for width in recipe["hidden"]):
        raise ValueError("a recipe with branches or a head that this version cannot build")
    seen = recipe.pop("preprocessing")
    preprocessing = Preprocessing(int(seen["size"]), tuple(seen["mean"]), tuple(seen["std"]))
    if preprocessing.size < 1 or len(preprocessing.mean) != 3 or len(preprocessing.std) != 3 or min(preprocessing.std) <= 0:
        raise ValueError("a preprocessing that no picture can go through")
    branches, hidden = tuple(recipe["branches"]), tuple(recipe["hidden"])
    card = CheckpointCard(
        recipe=Recipe(recipe["name"], branches, hidden, recipe["dropout"], preprocessing),
        calibration=Calibration(**document.pop("calibration")),
        **document,
    )
    numbers = (card.calibration.slope, card.calibration.offset, card.band_low, card.threshold)
    if not all(map(math.isfinite, numbers)) or not 0 <= card.band_low <= card.threshold:
        raise ValueError("a calibration or cuts that are none")
    return card
