"""Checkpoints as files: weights beside the card. Frozen public backbones are not copied, only named with their sha256."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from scanner.base.documents import to_document
from scanner.base.files import written_whole

from ..model.assembly import branch_kinds, build_branches, find_backbone_files, frozen_branches, joined
from ..model.branch import Branch
from ..model.network import FusionDetector
from ..model.recipes import Recipe
from ..weights.public_weights import BackboneFiles
from .card import FORMAT, HEADER, CheckpointCard, CheckpointError, file_sha256, read_header

_NEUTRAL = "neutral_D"  # older checkpoints have none; their branches are not compared


def save_checkpoint(path: Path, detector: FusionDetector, card: CheckpointCard, *, half: bool = False) -> None:
    """Write `detector` and `card` to `path`, atomically.

    `half` stores matrices and kernels as float16; vectors (biases, batch-norm statistics) stay float32, they need the range.
    """
    tensors = {}
    for name, tensor in stored_tensors(detector).items():
        narrow = half and tensor.is_floating_point() and tensor.ndim > 1
        tensors[name] = (tensor.half() if narrow else tensor).cpu().contiguous()
    write_checkpoint(path, tensors, card)


def save_with_card(source: Path, target: Path, card: CheckpointCard) -> None:
    """Write the weights of the checkpoint `source`, bit for bit, with another card to `target` (which may be `source`)."""
    write_checkpoint(target, load_file(source), card)


def stored_tensors(detector: nn.Module) -> dict[str, Tensor]:
    """What belongs into a checkpoint: all tensors but those of frozen public backbones."""
    frozen = _frozen_prefixes(detector)
    return {name: tensor for name, tensor in detector.state_dict().items() if not name.startswith(frozen)}


def backbone_hashes(recipe: Recipe, files: BackboneFiles) -> dict[str, str]:
    """The sha256 of the public file of each frozen branch, as a card names them."""
    paths = {name: files.named.get(branch_kinds()[name].weights(recipe).name) for name in frozen_branches(recipe)}
    return {str(name): file_sha256(path) for name, path in paths.items() if path}


def load_checkpoint(path: Path, files: BackboneFiles) -> tuple[FusionDetector, CheckpointCard]:
    """Build the network that `path` describes and fill it. float32, on the CPU, in evaluation mode.

    `files` names public backbones that the checkpoint refers to. Raises CheckpointError and BackboneMissing.
    """
    card, written_sha256 = read_header(path)
    if card.imported is not None:
        raise CheckpointError(f"{path} holds an imported network, which torch cannot run; use one that was trained here")
    if card.fusion is not None:
        raise CheckpointError(f"{path} is a combination of models and has no network of its own; name one of its parts")
    needed = find_backbone_files(card.recipe, files, only_frozen=True)
    hashes = backbone_hashes(card.recipe, needed)
    for name in frozen_branches(card.recipe):
        if hashes.get(name) != card.backbones.get(name):
            weights = branch_kinds()[name].weights(card.recipe)
            raise CheckpointError(
                f"{needed.named[weights.name]} is not the file of {weights.what} that {path} was trained on "
                f"(sha256 {card.backbones.get(name)}); bring that one"
            )
    branches = build_branches(card.recipe, needed, embed_prompt=False)
    with torch.device("meta"):  # where tensors have shapes and take no memory
        shapes = {name: tuple(tensor.shape) for name, tensor in stored_tensors(joined(card.recipe, branches)).items()}
    _demand_shapes(path, card.recipe, shapes)
    detector = joined(card.recipe, branches)
    stored = load_file(path)
    tensors = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in stored.items()}
    detector.load_state_dict(tensors, strict=False)
    if tensors_sha256(stored) != written_sha256:
        raise CheckpointError(f"{path} is damaged: its weights are not those that were written (sha256 differs); fetch it again")
    return detector.eval(), card


def _demand_shapes(path: Path, recipe: Recipe, wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Raise CheckpointError unless `path` holds tensors of these shapes."""
    with safe_open(path, framework="np") as opened:
        held = {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118  (it is no mapping)
    odd = [name for name in sorted({*wanted, *held}) if wanted.get(name) != held.get(name)]
    if _NEUTRAL not in held:
        odd = [name for name in odd if name != _NEUTRAL]
    if odd:
        first = f"{odd[0]} has the shape {held.get(odd[0])} and not {wanted.get(odd[0])}"
        raise CheckpointError(f"{path} does not fit its own recipe {recipe.name}: {len(odd)} tensors differ, {first}")


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], card: CheckpointCard) -> None:
    """Write `tensors` and `card` to `path`, atomically. Raises CheckpointError where there is no room, and OSError."""
    document = json.dumps({"format": FORMAT, "tensors_sha256": tensors_sha256(tensors), **to_document(card)})
    with written_whole(path) as partial:
        try:
            save_file(dict(tensors), partial, metadata={HEADER: document})
        except SafetensorError as error:  # not an OSError, a full disk neither
            reason = str(error).removeprefix("Error while serializing: ")
            raise CheckpointError(f"{path} cannot be written: {reason}. Make room there, and call it again") from None
        partial.chmod(0o644)  # safetensors makes it private; checkpoints are passed around


def tensors_sha256(tensors: Mapping[str, Tensor]) -> str:
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


def _frozen_prefixes(detector: nn.Module) -> tuple[str, ...]:
    return tuple(f"{name}." for name, module in detector.named_modules() if isinstance(module, Branch) and module.is_frozen)
