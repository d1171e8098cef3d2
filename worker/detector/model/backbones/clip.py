"""CLIP (Radford et al. 2021): the frozen image tower, and the embedding of one static prompt.

Shapes: B images, C = 3, H x W pixels, T tokens, D embedding width.
"""

import logging
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ...weights.public_weights import CLIP_VIT_B_16, CLIP_VIT_B_32, BackboneMissing, PublicWeights
from ..branch import Branch, BranchKind
from ..recipes import BranchName, ClipName, Recipe
from .clip_tower import class_tokens

IS_FROZEN = True
# OpenAI's weights were trained with QuickGELU; "ViT-B-32" would run them with GELU.
ARCHITECTURES: dict[ClipName, str] = {"vit-b-32": "ViT-B-32-quickgelu", "vit-b-16": "ViT-B-16-quickgelu"}
_HUB_REPOSITORY, _HUB_FILE = "timm/vit_base_patch32_clip_224.openai", "open_clip_model.safetensors"


class ClipImage(Branch):
    """Frozen CLIP image tower: the L2-normalised image embedding, D = 512 for ViT-B.

    With `blocks` the class tokens after those blocks (counted from 1) stand behind it, each normalised to mean 0 and variance 1
    over its 768 numbers: what earlier blocks see of texture is gone from the last one.
    """

    is_frozen = IS_FROZEN
    explained_by: Literal["attention", "convolution"] = "attention"

    def __init__(self, visual: Any, blocks: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.visual = visual.requires_grad_(False).eval()
        self.input_size = int(visual.image_size[0])
        self.blocks = blocks
        self._token_width = int(visual.ln_post.normalized_shape[0])
        self.width = visual.output_dim + len(blocks) * self._token_width

    @property
    def explained(self) -> tuple[nn.Module, ...]:
        """The attention of each block."""
        return tuple(module for module in self.visual.modules() if isinstance(module, nn.MultiheadAttention))

    def train(self, mode: bool = True) -> "ClipImage":
        """Stays in evaluation mode: the tower is frozen."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images_BCHW: Tensor) -> Tensor:
        embedding_BD, tokens = class_tokens(self.visual, images_BCHW, self.blocks)
        normed = [nn.functional.layer_norm(tokens[block], (self._token_width,)) for block in self.blocks]
        return torch.cat([nn.functional.normalize(embedding_BD, dim=-1), *normed], dim=1)

    def embed(self, images_BCHW: Tensor) -> Tensor:
        if not self.blocks:
            return nn.functional.normalize(self.visual(images_BCHW), dim=-1)
        found = self.visual.forward_intermediates(
            images_BCHW, indices=[block - 1 for block in self.blocks], output_fmt="NLC", output_extra_tokens=True
        )
        tokens = [token_B1D.squeeze(1) for token_B1D in found["image_intermediates_prefix"]]
        normed = [nn.functional.layer_norm(token_BD, (self._token_width,)) for token_BD in tokens]
        return torch.cat([nn.functional.normalize(found["image_features"], dim=-1), *normed], dim=1)


class ClipPrompt(Branch):
    """The embedding of one static prompt: a constant vector, computed once and stored in the checkpoint.

    Before a linear layer a constant is a bias, and after batch normalisation it is nothing: it changes how training begins, and
    not what the network can express.
    """

    embedding_D: Tensor
    is_constant = True

    def __init__(self, embedding_D: Tensor) -> None:
        super().__init__()
        self.register_buffer("embedding_D", embedding_D)
        self.width = embedding_D.shape[0]

    def forward(self, images_BCHW: Tensor) -> Tensor:
        return self.embedding_D.expand(images_BCHW.shape[0], -1)


def weights_of(recipe: Recipe) -> PublicWeights:
    """The public weights of the tower that `recipe` names."""
    return CLIP_VIT_B_16 if recipe.clip == "vit-b-16" else CLIP_VIT_B_32


def build_image(recipe: Recipe, weights: Path | None) -> ClipImage:
    """The branch `clip-image`; with random weights where there is no file."""
    return ClipImage(_tower(recipe, weights), recipe.clip_blocks)


@torch.no_grad()
def build_prompt(recipe: Recipe, weights: Path | None, *, embedded: bool) -> ClipPrompt:
    """The branch `clip-prompt`; a vector of zeros, for a checkpoint to fill, unless it is to be `embedded` now."""
    import open_clip

    architecture = ARCHITECTURES[recipe.clip]
    if not embedded:
        return ClipPrompt(torch.zeros(open_clip.get_model_config(architecture)["embed_dim"]))
    model = _model(recipe, weights)
    embedding_1D: Tensor = model.encode_text(open_clip.get_tokenizer(architecture)([recipe.prompt]), normalize=True)
    return ClipPrompt(embedding_1D[0])


def hub_file(weights: PublicWeights) -> Path | None:
    """Where the Hugging Face cache keeps `weights`, if it does."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(_HUB_REPOSITORY, _HUB_FILE) if weights is CLIP_VIT_B_32 else None
    return Path(found) if isinstance(found, str) else None


def _tower(recipe: Recipe, weights: Path | None) -> Any:
    """The image tower. The file may hold the tower alone, or both towers."""
    import open_clip
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    if weights is None:
        return _model(recipe, None).visual
    try:
        with safe_open(weights, framework="pt") as opened:
            is_tower = "class_embedding" in opened.keys()  # noqa: SIM118  (it is no mapping)
    except SafetensorError:
        is_tower = False  # OpenAI's own files, which open_clip reads
    if not is_tower:
        return _model(recipe, weights).visual
    # On no device: both towers would be filled with random numbers first, which takes seconds.
    with _quiet():
        visual = open_clip.create_model(ARCHITECTURES[recipe.clip], pretrained=None, device="meta").visual
    try:
        visual.load_state_dict(load_file(weights), assign=True)
    except RuntimeError:
        raise _other_weights(weights, recipe) from None
    return visual


def _model(recipe: Recipe, weights: Path | None) -> Any:
    """Both towers, as open_clip builds them."""
    import open_clip

    architecture = ARCHITECTURES[recipe.clip]
    if weights is None:
        with _quiet():
            return open_clip.create_model(architecture, pretrained=None).eval()
    try:
        if _is_scripted(weights):
            with warnings.catch_warnings(action="ignore"):  # that TorchScript is old
                scripted = torch.jit.load(weights, map_location="cpu")  # type: ignore[no-untyped-call]
            return _filled(architecture, scripted.state_dict())
        return open_clip.create_model(architecture, pretrained=str(weights), require_pretrained=True).eval()
    except Exception:  # a file of something else fails in open_clip, safetensors or pickle, each in its own ways
        raise _other_weights(weights, recipe) from None


def _is_scripted(weights: Path) -> bool:
    """Whether the file is a TorchScript archive, as OpenAI gives its weights away (`ViT-B-32.pt`); open_clip reads none."""
    if not zipfile.is_zipfile(weights):
        return False
    with zipfile.ZipFile(weights) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _filled(architecture: str, tensors: Mapping[str, Tensor]) -> Any:
    """Both towers with OpenAI's tensors, which are float16; beside them the archive holds three numbers."""
    import open_clip

    with _quiet():
        model = open_clip.create_model(architecture, pretrained=None)
    numbers = ("input_resolution", "context_length", "vocab_size")
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items() if name not in numbers})
    return model.eval()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without open_clip's warning of random weights, where they are meant."""
    root = logging.getLogger()
    was = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(was)


def _other_weights(weights: Path, recipe: Recipe) -> BackboneMissing:
    wanted = weights_of(recipe)
    return BackboneMissing(f"{weights} does not hold {wanted.what}: its tensors are others. Name {wanted.source}")


KINDS: dict[BranchName, BranchKind] = {
    "clip-image": BranchKind(weights_of, hub_file, lambda recipe, file, _: build_image(recipe, file), is_frozen=IS_FROZEN),
    "clip-prompt": BranchKind(
        weights_of, hub_file, lambda recipe, file, embed: build_prompt(recipe, file, embedded=embed), is_constant=True
    ),
}
