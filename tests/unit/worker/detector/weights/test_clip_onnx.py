"""The int8 ONNX file of a CLIP image tower as float weights: names, transposition, scales, and what is refused."""

from pathlib import Path

import numpy as np
import onnx
import open_clip.transformer
import pytest
import torch
from files.clip_onnx import EMBEDDING, HIDDEN, LAYERS, PATCH, SIDE, VISION, WIDTH, TinyTower, tiny_tower
from onnx import numpy_helper
from torch import Tensor, nn

from worker.detector.weights.clip_onnx import NotThisModel, clip_visual_tensors

HEADS = 2


@pytest.fixture(scope="module", name="tower")
def _tower() -> TinyTower:
    return tiny_tower()


@pytest.fixture(name="path")
def _path(tower: TinyTower, tmp_path: Path) -> Path:
    path = tmp_path / "clip.onnx"
    path.write_bytes(tower.content)
    return path


def test_tensors_have_open_clips_names(tower: TinyTower, path: Path) -> None:
    found, weights = clip_visual_tensors(path), tower.weights

    def same(name: str, expected: np.ndarray) -> None:
        np.testing.assert_array_equal(found.pop(name), expected, err_msg=name)

    same("class_embedding", weights[f"{VISION}embeddings.class_embedding"])
    same("positional_embedding", weights[f"{VISION}embeddings.position_embedding.weight"])
    same("conv1.weight", weights[f"{VISION}embeddings.patch_embedding.weight"])
    same("proj", weights["visual_projection.weight"].T)  # which open_clip multiplies from the right
    for kind in ("weight", "bias"):
        same(f"ln_pre.{kind}", weights[f"{VISION}pre_layrnorm.{kind}"])
        same(f"ln_post.{kind}", weights[f"{VISION}post_layernorm.{kind}"])
        for layer in range(LAYERS):
            there, here = f"{VISION}encoder.layers.{layer}.", f"transformer.resblocks.{layer}."
            joint = found.pop(f"{here}attn.in_proj_{kind}")
            for number, part in enumerate("qkv"):
                own = joint[number * WIDTH : (number + 1) * WIDTH]
                np.testing.assert_array_equal(own, weights[f"{there}self_attn.{part}_proj.{kind}"], err_msg=f"{layer} {part}")
            same(f"{here}attn.out_proj.{kind}", weights[f"{there}self_attn.out_proj.{kind}"])
            same(f"{here}ln_1.{kind}", weights[f"{there}layer_norm1.{kind}"])
            same(f"{here}ln_2.{kind}", weights[f"{there}layer_norm2.{kind}"])
            same(f"{here}mlp.c_fc.{kind}", weights[f"{there}mlp.fc1.{kind}"])
            same(f"{here}mlp.c_proj.{kind}", weights[f"{there}mlp.fc2.{kind}"])
    assert not found


def test_they_are_floats_side_by_side_in_memory(path: Path) -> None:
    """As safetensors writes them: another layout would be stored transposed without a word."""
    tensors = clip_visual_tensors(path)

    assert {tensor.dtype for tensor in tensors.values()} == {np.dtype(np.float32)}
    assert all(tensor.flags.c_contiguous for tensor in tensors.values())
    assert tensors["transformer.resblocks.3.mlp.c_fc.weight"].shape == (HIDDEN, WIDTH)
    assert tensors["proj"].shape == (WIDTH, EMBEDDING)


def test_open_clips_tower_with_them_sees_what_the_original_sees(tower: TinyTower, path: Path) -> None:
    visual = open_clip.transformer.VisionTransformer(
        image_size=SIDE,
        patch_size=PATCH,
        width=WIDTH,
        layers=LAYERS,
        heads=HEADS,
        mlp_ratio=HIDDEN / WIDTH,
        output_dim=EMBEDDING,
        act_layer=open_clip.transformer.QuickGELU,
    ).eval()
    visual.load_state_dict({name: torch.tensor(tensor) for name, tensor in clip_visual_tensors(path).items()})
    images_BCHW = torch.randn(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))

    with torch.no_grad():
        found_BD = visual(images_BCHW)

    expected_BD = by_hand({name: torch.from_numpy(array.copy()) for name, array in tower.weights.items()}, images_BCHW)
    torch.testing.assert_close(found_BD, expected_BD, rtol=1e-4, atol=1e-4)
    assert found_BD.std(0).min() > 0.01, "all images give the same, so that this shows nothing"


def by_hand(weights: dict[str, Tensor], images_BCHW: Tensor) -> Tensor:
    """The forward pass of Hugging Face's CLIPVisionModelWithProjection, from its weights by their names."""

    def linear(name: str, value: Tensor) -> Tensor:
        return value @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(name: str, value: Tensor) -> Tensor:
        return nn.functional.layer_norm(value, (WIDTH,), weights[f"{name}.weight"], weights[f"{name}.bias"])

    patches = nn.functional.conv2d(images_BCHW, weights[f"{VISION}embeddings.patch_embedding.weight"], stride=PATCH)
    first = weights[f"{VISION}embeddings.class_embedding"].expand(len(images_BCHW), 1, -1)
    tokens = torch.cat([first, patches.flatten(2).transpose(1, 2)], dim=1)
    tokens = norm(f"{VISION}pre_layrnorm", tokens + weights[f"{VISION}embeddings.position_embedding.weight"])
    for layer in range(LAYERS):
        name = f"{VISION}encoder.layers.{layer}."
        normed = norm(f"{name}layer_norm1", tokens)
        q, k, v = (linear(f"{name}self_attn.{part}_proj", normed).unflatten(2, (HEADS, -1)).transpose(1, 2) for part in "qkv")
        attention = torch.softmax(q @ k.transpose(2, 3) / (WIDTH / HEADS) ** 0.5, dim=3)
        tokens = tokens + linear(f"{name}self_attn.out_proj", (attention @ v).transpose(1, 2).flatten(2))
        hidden = linear(f"{name}mlp.fc1", norm(f"{name}layer_norm2", tokens))
        tokens = tokens + linear(f"{name}mlp.fc2", hidden * torch.sigmoid(1.702 * hidden))
    return norm(f"{VISION}post_layernorm", tokens[:, 0]) @ weights["visual_projection.weight"].T


def test_a_matrix_with_a_zero_point_is_refused(tmp_path: Path) -> None:
    """Its int8 values times their scales would not be the weights."""
    path = tmp_path / "shifted.onnx"
    path.write_bytes(tiny_tower(zero=3).content)

    with pytest.raises(NotThisModel, match=r"shifted\.onnx does not hold the CLIP image tower ViT-B/16: .* has a zero point"):
        clip_visual_tensors(path)


@pytest.mark.parametrize("layers", [11, 13])
def test_a_tower_of_another_depth_is_refused(tmp_path: Path, layers: int) -> None:
    path = tmp_path / "deep.onnx"
    path.write_bytes(tiny_tower(layers=layers).content)

    with pytest.raises(NotThisModel, match=r"deep\.onnx does not hold .*: \d+ tensors instead of 200"):
        clip_visual_tensors(path)


def test_another_tensor_in_the_place_of_one_is_refused(tower: TinyTower, tmp_path: Path) -> None:
    model = onnx.load_from_string(tower.content)
    [bias] = [one for one in model.graph.initializer if one.name == f"{VISION}encoder.layers.5.layer_norm1.bias"]
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias), f"{VISION}encoder.layers.5.layer_norm3.bias"))
    path = tmp_path / "odd.onnx"
    path.write_bytes(model.SerializeToString())

    with pytest.raises(NotThisModel, match=r"odd\.onnx does not hold .*layers\.5\.layer_norm1\.bias"):
        clip_visual_tensors(path)


@pytest.mark.parametrize("content", [b"", b"no ONNX file", b"\xff" * 500])
def test_what_is_no_onnx_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "text.onnx").write_bytes(content)

    with pytest.raises(NotThisModel, match=r"text\.onnx does not hold the CLIP image tower"):
        clip_visual_tensors(tmp_path / "text.onnx")


def test_a_cut_file_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2000])

    with pytest.raises(NotThisModel, match=r"clip\.onnx does not hold"):
        clip_visual_tensors(path)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        clip_visual_tensors(tmp_path / "absent.onnx")
