"""The branches of a FusionDetector: each turns images into one embedding per image.

Shapes: B images, C = 3, H x W pixels, D embedding width.
"""

import torch
from torch import Tensor, nn

from .network import Branch


class ClipImage(Branch):
    """Frozen CLIP image tower (Radford et al. 2021): L2-normalised image embedding, D = 512 for ViT-B/32."""

    def __init__(self, visual: nn.Module, width: int) -> None:
        super().__init__()
        self.visual = visual.requires_grad_(False).eval()
        self.width = width

    @property
    def explained(self) -> tuple[nn.Module, ...]:
        """The attention of each block."""
        return tuple(module for module in self.visual.modules() if isinstance(module, nn.MultiheadAttention))

    def train(self, mode: bool = True) -> "ClipImage":
        """Stays in evaluation mode: the tower is frozen."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images_BCHW: Tensor) -> Tensor:
        return self.embed(images_BCHW)

    def embed(self, images_BCHW: Tensor) -> Tensor:
        embeddings_BD: Tensor = self.visual(images_BCHW)
        return nn.functional.normalize(embeddings_BD, dim=-1)


class ClipPrompt(Branch):
    """The embedding of one static prompt: a constant vector, computed once and stored in the checkpoint."""

    embedding_D: Tensor
    is_constant = True

    def __init__(self, embedding_D: Tensor) -> None:
        super().__init__()
        self.register_buffer("embedding_D", embedding_D)
        self.width = embedding_D.shape[0]

    def forward(self, images_BCHW: Tensor) -> Tensor:
        return self.embedding_D.expand(images_BCHW.shape[0], -1)


class ResNet101(Branch):
    """Fine-tuned ResNet101 (He et al. 2016), pooled features 2048 projected to 512."""

    width = 512

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        backbone.fc = nn.Linear(2048, self.width)
        self.backbone = backbone

    @property
    def explained(self) -> tuple[nn.Module, ...]:
        """The last feature maps, and those of twice their resolution."""
        return _children(self.backbone, "layer3", "layer4")

    def forward(self, images_BCHW: Tensor) -> Tensor:
        embeddings_BD: Tensor = self.backbone(images_BCHW)
        return embeddings_BD


class EfficientNetLite2(Branch):
    """Fine-tuned EfficientNet-Lite2 (Tan & Le 2019, Lite variant), globally pooled, D = 1280."""

    width = 1280

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    @property
    def explained(self) -> tuple[nn.Module, ...]:
        """The last feature maps, and those of twice their resolution."""
        return _children(self.backbone, "blocks.4", "bn2")

    def forward(self, images_BCHW: Tensor) -> Tensor:
        embeddings_BD: Tensor = self.backbone(images_BCHW)
        return embeddings_BD


def _children(backbone: nn.Module, *names: str) -> tuple[nn.Module, ...]:
    return tuple(backbone.get_submodule(name) for name in names)
