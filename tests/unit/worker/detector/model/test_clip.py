"""The CLIP branch: its embedding and the class tokens of inner blocks, against a forward pass made by hand."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import open_clip
import open_clip.transformer
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.assembly import UnfitInput, build_detector
from worker.detector.model.backbones.clip import ARCHITECTURES, ClipImage, build_image, build_prompt
from worker.detector.model.recipes import Recipe
from worker.detector.weights.public_weights import BackboneFiles, BackboneMissing

WIDTH, EMBEDDING, LAYERS, SIZE = 32, 24, 4, 64


def recipe(**others: object) -> Recipe:
    preprocessing = Preprocessing(224, (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
    return Recipe("clip", ("clip-image",), (), 0.0, preprocessing, **others)  # type: ignore[arg-type]


@pytest.fixture(scope="module", autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture(scope="module", name="tower")
def _tower() -> nn.Module:
    tower: nn.Module = open_clip.transformer.VisionTransformer(
        image_size=SIZE, patch_size=16, width=WIDTH, layers=LAYERS, heads=4, mlp_ratio=2.0, output_dim=EMBEDDING
    )
    with torch.no_grad():
        for norm in (module for module in tower.modules() if isinstance(module, nn.LayerNorm)):
            norm.weight.uniform_(0.5, 2)
            norm.bias.normal_()
    return tower


@pytest.fixture(scope="module", name="images_BCHW")
def _images() -> Tensor:
    return torch.randn(3, 3, SIZE, SIZE)


def by_hand(tower: nn.Module, images_BCHW: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The image embedding, and the class token after each block."""
    patches_BTD = tower.conv1(images_BCHW).flatten(2).transpose(1, 2)
    first_B1D = tower.class_embedding.expand(len(images_BCHW), 1, -1)
    tokens_BTD = tower.ln_pre(torch.cat([first_B1D, patches_BTD], dim=1) + tower.positional_embedding)
    class_tokens = []
    for block in tower.transformer.resblocks:
        normed = block.ln_1(tokens_BTD)
        tokens_BTD = tokens_BTD + block.attn(normed, normed, normed, need_weights=False)[0]
        tokens_BTD = tokens_BTD + block.mlp(block.ln_2(tokens_BTD))
        class_tokens.append(tokens_BTD[:, 0])
    return tower.ln_post(tokens_BTD[:, 0]) @ tower.proj, class_tokens


@pytest.mark.parametrize("blocks", [(), (1,), (2, 4), (1, 2, 3, 4)])
def test_embedding_and_class_tokens_are_those_of_the_forward_pass(
    tower: nn.Module, images_BCHW: Tensor, blocks: tuple[int, ...]
) -> None:
    branch = ClipImage(tower, blocks)

    found_BD = branch(images_BCHW)

    embedding_BD, tokens = by_hand(tower, images_BCHW)
    assert branch.width == EMBEDDING + len(blocks) * WIDTH
    assert found_BD.shape == (3, branch.width)
    torch.testing.assert_close(found_BD[:, :EMBEDDING], nn.functional.normalize(embedding_BD, dim=1), rtol=1e-4, atol=1e-5)
    for number, block in enumerate(blocks):
        own_BD = found_BD[:, EMBEDDING + number * WIDTH :][:, :WIDTH]
        token_BD = tokens[block - 1]
        expected = (token_BD - token_BD.mean(1, keepdim=True)) / (token_BD.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
        torch.testing.assert_close(own_BD, expected, rtol=1e-3, atol=1e-4)
    assert len({float(token.sum()) for token in tokens}) == LAYERS, "all blocks give the same, so that this shows nothing"


@pytest.mark.parametrize("blocks", [(), (1, 3)])
def test_it_is_frozen_whatever_is_asked_and_embeds_with_gradients(
    tower: nn.Module, images_BCHW: Tensor, blocks: tuple[int, ...]
) -> None:
    branch = ClipImage(tower, blocks).train()
    images_BCHW = images_BCHW.clone().requires_grad_()

    assert not any(module.training for module in branch.modules())
    assert not any(parameter.requires_grad for parameter in branch.parameters())
    assert not branch(images_BCHW).requires_grad
    embedded_BD = branch.embed(images_BCHW)
    torch.testing.assert_close(embedded_BD, branch(images_BCHW))
    [gradient] = torch.autograd.grad(embedded_BD.square().matmul(torch.randn(branch.width)).sum(), images_BCHW)
    assert gradient.any()
    assert gradient.isfinite().all()
    assert all(parameter.grad is None for parameter in branch.parameters())


@pytest.mark.parametrize("blocks", [(), (1, LAYERS)])
def test_the_last_block_is_computed_for_the_class_token_alone(
    tower: nn.Module, images_BCHW: Tensor, blocks: tuple[int, ...]
) -> None:
    asked = []
    hooks = [
        block.mlp.register_forward_hook(lambda _, inputs, output: asked.append(output.shape[1]))
        for block in tower.transformer.resblocks
    ]

    ClipImage(tower, blocks)(images_BCHW)

    for hook in hooks:
        hook.remove()
    assert asked == [1 + (SIZE // 16) ** 2] * (LAYERS - 1) + [1]


def test_every_block_can_be_explained(tower: nn.Module) -> None:
    assert [id(layer) for layer in ClipImage(tower).explained] == [id(block.attn) for block in tower.transformer.resblocks]


def test_vit_b_16_with_all_blocks() -> None:
    blocks = tuple(range(1, 13))
    branch = build_image(recipe(clip="vit-b-16", clip_blocks=blocks), None)

    found_BD = branch(torch.zeros(1, 3, 224, 224))

    assert branch.width == 512 + 12 * 768
    assert found_BD.shape == (1, 512 + 12 * 768)
    assert sum(parameter.numel() for parameter in branch.parameters()) / 1e6 == pytest.approx(86.2, abs=0.1)  # as published
    assert {type(module).__name__ for module in branch.modules() if "GELU" in type(module).__name__} == {"QuickGELU"}


TINY = {
    "embed_dim": 16,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 224, "layers": 2, "width": 16, "head_width": 8, "patch_size": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1},
}


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """Both towers of a tiny architecture that stands in for ViT-B/16."""
    (tmp_path / "tiny-clip-16.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(tmp_path / "tiny-clip-16.json")
    monkeypatch.setitem(ARCHITECTURES, "vit-b-16", "tiny-clip-16")
    model: nn.Module = open_clip.create_model("tiny-clip-16")
    return model


def test_file_of_one_tower_or_both(tmp_path: Path, tiny: nn.Module) -> None:
    save_file(tiny.visual.state_dict(), tmp_path / "tower.safetensors")
    save_file(tiny.state_dict(), tmp_path / "both.safetensors")
    images_BCHW = torch.randn(2, 3, 224, 224)

    wanted = recipe(clip="vit-b-16", clip_blocks=(1,))
    alone, both = (build_image(wanted, tmp_path / f"{name}.safetensors")(images_BCHW) for name in ("tower", "both"))

    assert torch.equal(alone, both)
    torch.testing.assert_close(alone, ClipImage(tiny.visual, (1,))(images_BCHW))


@pytest.mark.parametrize("damage", ["a tensor less", "another shape", "other tensors", "no tensors", "no pickle"])
def test_a_file_of_something_else_is_named_with_what_is_wanted(tmp_path: Path, tiny: nn.Module, damage: str) -> None:
    path, tensors = tmp_path / f"other.{'pt' if damage == 'no pickle' else 'safetensors'}", dict(tiny.visual.state_dict())
    if damage == "a tensor less":
        del tensors["ln_post.bias"]
    elif damage == "another shape":
        tensors["proj"] = tensors["proj"][:, :8].contiguous()
    elif damage == "other tensors":
        tensors = {"weight": torch.zeros(3)}
    save_file(tensors, path)
    if damage in ("no tensors", "no pickle"):
        path.write_bytes(b"something else")

    with pytest.raises(BackboneMissing, match=r"other\.\w+ does not hold CLIP ViT-B/16.*dfscan model fetch clip-vit-b-16"):
        build_detector(recipe(clip="vit-b-16"), BackboneFiles({"clip-vit-b-16": path}))


def test_a_prompt_needs_both_towers(tmp_path: Path, tiny: nn.Module) -> None:
    """The file of `model fetch clip-vit-b-16` holds the image tower alone: it cannot embed a sentence."""
    save_file(tiny.visual.state_dict(), tmp_path / "tower.safetensors")
    save_file(tiny.state_dict(), tmp_path / "both.safetensors")
    wanted = recipe(clip="vit-b-16")

    assert build_prompt(wanted, tmp_path / "both.safetensors", embedded=True).embedding_D.norm() == pytest.approx(1, abs=1e-5)
    assert not build_prompt(wanted, None, embedded=False).embedding_D.any()
    with pytest.raises(BackboneMissing, match=r"tower\.safetensors does not hold"):
        build_prompt(wanted, tmp_path / "tower.safetensors", embedded=True)


class _Holder(nn.Module):
    """Parameters under the names of another module, so that TorchScript takes them without its code."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        for name, child in module.named_children():
            setattr(self, name.replace(".", "_") if name.isidentifier() or name.isdigit() else name, _Holder(child))
        for name, parameter in module.named_parameters(recurse=False):
            self.register_parameter(name, nn.Parameter(parameter.detach().clone()))


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")  # which writes what is read here
def test_openais_own_archive_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A TorchScript archive in float16, with three numbers beside the tensors, is what OpenAI gives away."""
    config = {
        "embed_dim": EMBEDDING,
        "quick_gelu": True,
        "vision_cfg": {"image_size": SIZE, "layers": 2, "width": WIDTH, "head_width": 8, "patch_size": 16},
        "text_cfg": {"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1},
    }
    (tmp_path / "tiny-openai.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "tiny-openai.json")
    monkeypatch.setitem(ARCHITECTURES, "vit-b-16", "tiny-openai")
    model = open_clip.create_model("tiny-openai")
    holder = _Holder(model.half())
    holder.register_buffer("input_resolution", torch.tensor(SIZE))
    holder.register_buffer("context_length", torch.tensor(8))
    holder.register_buffer("vocab_size", torch.tensor(50))
    torch.jit.script(holder).save(str(tmp_path / "ViT-B-16.pt"))

    branch = build_image(recipe(clip="vit-b-16"), tmp_path / "ViT-B-16.pt")

    for name, tensor in branch.visual.state_dict().items():
        torch.testing.assert_close(tensor, model.visual.state_dict()[name].float())
    assert not branch.visual.training


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_archive_of_another_network_is_named(tmp_path: Path) -> None:
    torch.jit.script(_Holder(nn.Sequential(nn.Linear(3, 2)))).save(str(tmp_path / "other.pt"))

    with pytest.raises(BackboneMissing, match=r"other\.pt does not hold CLIP ViT-B/32"):
        build_image(recipe(), tmp_path / "other.pt")


def test_a_tower_is_shown_its_own_size_only(tmp_path: Path) -> None:
    """Also where the network's input has another size: `inputs` shows the tower its own."""
    small = replace(recipe(), preprocessing=Preprocessing(192, (0.5,) * 3, (0.5,) * 3))

    with pytest.raises(UnfitInput, match=r"shows clip-image 192 pixels, and it takes 224"):
        build_detector(small, BackboneFiles())
    build_detector(replace(small, inputs={"clip-image": recipe().preprocessing}), BackboneFiles())
