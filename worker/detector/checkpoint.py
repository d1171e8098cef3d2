"""Checkpoints that describe themselves: safetensors with one JSON document in the header. No pickle.

The document pins everything a score depends on: recipe, preprocessing, calibration, threshold and band; and what is known
about it: training record and metrics. Frozen public backbones are not copied, only named with their sha256.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from scanner.errors import KnownError

from .backbones import BackboneFiles, build_detector, find_backbone_files
from .network import FusionDetector
from .preprocess import Preprocessing
from .recipes import BranchName, Recipe

FORMAT = 1
_HEADER = "dfscan"
_FROZEN = "branches.clip-image."


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
    `backbones` maps branches whose weights are not in the file to the sha256 of the public file they need.
    """

    name: str
    recipe: Recipe
    calibration: Calibration
    threshold: float
    band_low: float
    created_at: str
    backbones: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def save_checkpoint(path: Path, detector: FusionDetector, card: CheckpointCard, *, half: bool = False) -> None:
    """Write `detector` and `card` to `path`, atomically.

    `half` stores matrices and kernels as float16; vectors (biases, batch-norm statistics) stay float32, they need the range.
    """
    tensors = {}
    for name, tensor in detector.state_dict().items():
        if name.startswith(_FROZEN):
            continue
        narrow = half and tensor.is_floating_point() and tensor.ndim > 1
        tensors[name] = (tensor.half() if narrow else tensor).cpu().contiguous()
    document = json.dumps({"format": FORMAT, **asdict(card)})
    partial = path.with_name(path.name + ".partial")
    save_file(tensors, partial, metadata={_HEADER: document})
    partial.chmod(0o644)  # safetensors makes it private; checkpoints are passed around
    partial.replace(path)


def read_card(path: Path) -> CheckpointCard:
    """Read only the header of `path`. Raises CheckpointError."""
    try:
        with safe_open(path, framework="pt") as opened:
            header = opened.metadata() or {}
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist; `dfscan model list` shows the checkpoints at hand") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is no safetensors file ({error}); only dfscan's own checkpoints can be used") from None
    try:
        return _card_from(json.loads(header[_HEADER]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} carries no readable description of dfscan ({error!r}): not one of its checkpoints"
        ) from None


def load_checkpoint(path: Path, files: BackboneFiles) -> tuple[FusionDetector, CheckpointCard]:
    """Build the network that `path` describes and fill it. float32, on the CPU, in evaluation mode.

    `files` names public backbones that the checkpoint refers to. Raises CheckpointError and BackboneMissing.
    """
    card = read_card(path)
    needed = BackboneFiles()
    if "clip-image" in card.recipe.branches:
        needed = BackboneFiles(clip=find_backbone_files(_only_clip(card.recipe), files).clip)
        if needed.clip and file_sha256(needed.clip) != card.backbones.get("clip-image"):
            raise CheckpointError(
                f"{needed.clip} is not the CLIP file that {path} was trained on (sha256 {card.backbones.get('clip-image')}); "
                "name the right one with --clip-weights"
            )
    detector = build_detector(card.recipe, needed, embed_prompt=False)
    tensors = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in load_file(path).items()}
    try:
        result = detector.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise CheckpointError(f"{path} does not fit its own recipe {card.recipe.name}: {error}") from None
    missing = [name for name in result.missing_keys if not name.startswith(_FROZEN)]
    if missing or result.unexpected_keys:
        odd = [*missing, *result.unexpected_keys]
        raise CheckpointError(f"{path} does not fit its own recipe {card.recipe.name}: {len(odd)} tensors differ, first {odd[0]}")
    return detector.eval(), card


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def library_versions() -> dict[str, str]:
    """Versions that a score may depend on."""
    import PIL

    return {"torch": torch.__version__, "pillow": PIL.__version__}


def _only_clip(recipe: Recipe) -> Recipe:
    return Recipe(recipe.name, ("clip-image",), recipe.hidden, recipe.dropout, recipe.preprocessing)


def _card_from(document: dict[str, Any]) -> CheckpointCard:
    if document.pop("format") != FORMAT:
        raise ValueError("written by another version of dfscan")
    recipe = document.pop("recipe")
    if not set(recipe["branches"]) <= set(get_args(BranchName)) or not all(isinstance(width, int) for width in recipe["hidden"]):
        raise ValueError("a recipe with branches or a head that this version cannot build")
    seen = recipe.pop("preprocessing")
    preprocessing = Preprocessing(int(seen["size"]), tuple(seen["mean"]), tuple(seen["std"]))
    branches, hidden = tuple(recipe["branches"]), tuple(recipe["hidden"])
    return CheckpointCard(
        recipe=Recipe(recipe["name"], branches, hidden, recipe["dropout"], preprocessing),
        calibration=Calibration(**document.pop("calibration")),
        **document,
    )
