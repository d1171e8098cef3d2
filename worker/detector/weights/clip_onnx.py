"""The CLIP image tower out of an ONNX file whose matrices are int8: as float weights in open_clip's names.

The int8 graph itself is never run: it also rounds activations, which turns embeddings by a cosine of 0.95 to 0.98. Its int8
values times their scales are faithful weights (one scale per output channel, zero point 0); everything else is float32.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanner.base.errors import KnownError

Floats = NDArray[np.float32]
LAYERS = 12
_TENSORS = 200
_VISION = "vision_model."
_PROJECTION = "visual_projection.weight"
_QUANTISED, _SCALE, _ZERO = "_quantized", "_scale", "_zero_point"


class NotThisModel(KnownError):
    """A file that is not the CLIP image tower that was expected."""


def clip_visual_tensors(path: Path) -> dict[str, Floats]:
    """The tensors of open_clip's visual tower ViT-B/16, from the ONNX file at `path`. Raises NotThisModel."""
    try:
        model = _loaded(path)
        named = dict(_by_their_names(model.graph))
        if len(named) != _TENSORS:
            raise ValueError(f"{len(named)} tensors instead of {_TENSORS}")
        return _as_open_clip(named)
    except (KeyError, ValueError) as error:
        raise NotThisModel(f"{path} does not hold the CLIP image tower ViT-B/16: {error}; fetch it again") from None


def _loaded(path: Path) -> Any:
    """The ONNX model at `path`. Raises ValueError where it holds none."""
    import onnx

    try:
        return onnx.load(str(path), load_external_data=False)
    except OSError:
        raise
    except Exception as error:  # protobuf's DecodeError, which has no types
        raise ValueError(f"no ONNX file ({error})") from None


def _by_their_names(graph: Any) -> Iterator[tuple[str, Floats]]:
    """Every weight under its Hugging Face name. A matrix has the name of the bias that is added to its product."""
    from onnx import numpy_helper

    stored = {tensor.name: tensor for tensor in graph.initializer}
    users: dict[str, Any] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, node)
    for name, tensor in stored.items():
        if name.startswith(_VISION):
            yield name, numpy_helper.to_array(tensor)
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            base = node.input[1].removesuffix(_QUANTISED)
            if numpy_helper.to_array(stored[base + _ZERO]).any():
                raise ValueError(f"{base} has a zero point")
            matrix = numpy_helper.to_array(stored[node.input[1]]).astype(np.float32)
            scaled = matrix * numpy_helper.to_array(stored[base + _SCALE])
            bias = _bias_after(node.output[0], users, stored)
            # ONNX multiplies from the right, torch's linear layers from the left.
            yield (bias.removesuffix("bias") + "weight" if bias else _PROJECTION), np.ascontiguousarray(scaled.T)


def _bias_after(value: str, users: Mapping[str, Any], stored: Mapping[str, Any]) -> str | None:
    """The bias that is added to a product: after a cast, and the multiplication by the scales."""
    for _ in range(3):
        node = users.get(value)
        if node is None:
            return None
        bias: str | None = next((name for name in node.input if name in stored and name.endswith(".bias")), None)
        if bias:
            return bias
        value = node.output[0]
    return None


def _as_open_clip(named: Mapping[str, Floats]) -> dict[str, Floats]:
    renamed = {
        "class_embedding": named[f"{_VISION}embeddings.class_embedding"],
        "positional_embedding": named[f"{_VISION}embeddings.position_embedding.weight"],
        "conv1.weight": named[f"{_VISION}embeddings.patch_embedding.weight"],
        "proj": np.ascontiguousarray(named[_PROJECTION].T),
    }
    for kind in ("weight", "bias"):
        renamed[f"ln_pre.{kind}"] = named[f"{_VISION}pre_layrnorm.{kind}"]  # spelt so in the original
        renamed[f"ln_post.{kind}"] = named[f"{_VISION}post_layernorm.{kind}"]
        for layer in range(LAYERS):
            there, here = f"{_VISION}encoder.layers.{layer}.", f"transformer.resblocks.{layer}."
            joint = [named[f"{there}self_attn.{part}_proj.{kind}"] for part in "qkv"]
            renamed[f"{here}attn.in_proj_{kind}"] = np.concatenate(joint)
            renamed[f"{here}attn.out_proj.{kind}"] = named[f"{there}self_attn.out_proj.{kind}"]
            renamed[f"{here}ln_1.{kind}"] = named[f"{there}layer_norm1.{kind}"]
            renamed[f"{here}ln_2.{kind}"] = named[f"{there}layer_norm2.{kind}"]
            renamed[f"{here}mlp.c_fc.{kind}"] = named[f"{there}mlp.fc1.{kind}"]
            renamed[f"{here}mlp.c_proj.{kind}"] = named[f"{there}mlp.fc2.{kind}"]
    return renamed
