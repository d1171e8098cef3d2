"""ResNet101 (He et al. 2016), fine-tuned.

Shapes: B images, C = 3, H x W pixels, D embedding width.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from ...weights.public_weights import RESNET101, BackboneMissing
from ..branch import Branch, BranchKind
from ..recipes import BranchName

WEIGHTS = RESNET101
_POOLED = 2048


class ResNet101(Branch):
    """ResNet101, pooled features 2048 projected to D = 512."""

    width = 512

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        backbone.fc = nn.Linear(_POOLED, self.width)
        self.backbone = backbone

    @property
    def explained(self) -> tuple[nn.Module, ...]:
        """The last feature maps, and those of twice their resolution."""
        return tuple(self.backbone.get_submodule(name) for name in ("layer3", "layer4"))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        embeddings_BD: Tensor = self.backbone(images_BCHW)
        return embeddings_BD


def build(weights: Path | None) -> ResNet101:
    """The branch `resnet101`; with random weights where there is no file. Raises BackboneMissing for another network's file."""
    import torchvision

    backbone: nn.Module = torchvision.models.resnet101(weights=None)
    if weights:
        try:
            backbone.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
        except Exception:  # a file of something else fails in pickle, zip or torch, each in its own ways
            raise BackboneMissing(f"{weights} does not hold {WEIGHTS.what}: name {WEIGHTS.source}") from None
    return ResNet101(backbone)


def hub_file() -> Path:
    """Where torchvision keeps its file."""
    return Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS.file


KINDS: dict[BranchName, BranchKind] = {
    "resnet101": BranchKind(lambda _: WEIGHTS, lambda _: hub_file(), lambda _recipe, file, _embed: build(file))
}
