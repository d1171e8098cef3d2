"""A tiny CLIP image tower as an ONNX file whose matrices are int8, of the same shape of graph as the public one."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

LAYERS, WIDTH, HIDDEN, EMBEDDING, PATCH, SIDE = 12, 8, 16, 6, 4, 8
VISION = "vision_model."


@dataclass
class TinyTower:
    """The file's bytes, and its weights in float by their Hugging Face names (matrices as torch has them: out, in)."""

    content: bytes
    weights: dict[str, NDArray[np.float32]]


@dataclass
class _Graph:
    rng: np.random.Generator
    weights: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    stored: list[onnx.TensorProto] = field(default_factory=list)
    nodes: list[onnx.NodeProto] = field(default_factory=list)

    def store(self, name: str, array: NDArray) -> str:
        self.stored.append(numpy_helper.from_array(array, name))
        return name

    def plain(self, name: str, *shape: int, around: float = 0.0) -> str:
        """A float tensor under its own name."""
        self.weights[name] = (around + self.rng.normal(0, 0.5, shape)).astype(np.float32)
        return self.store(name, self.weights[name])

    def node(self, kind: str, *inputs: str, outputs: int = 1, **attributes: object) -> list[str]:
        names = [f"/{kind}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def product(self, value: str, weight: str, wide: int, out: int, *, bias: bool, zero: int = 0) -> str:
        """`value` times an int8 matrix with a scale for each output channel, then the bias: as quantising tools write it."""
        base = f"onnx::MatMul_{1000 + len(self.nodes)}"
        matrix = self.rng.integers(-127, 128, (wide, out)).astype(np.int8)
        scales = self.rng.uniform(0.002, 0.01, out).astype(np.float32)
        self.weights[weight] = (matrix.astype(np.float32) * scales).T
        self.store(f"{base}_quantized", matrix)
        self.store(f"{base}_scale", scales)
        self.store(f"{base}_zero_point", np.full(out, zero, np.int8))
        narrow, scale, point = self.node("DynamicQuantizeLinear", value, outputs=3)
        [whole] = self.node("MatMulInteger", narrow, f"{base}_quantized", point, f"{base}_zero_point")
        [scaled] = self.node("Mul", *self.node("Cast", whole, to=TensorProto.FLOAT), *self.node("Mul", scale, f"{base}_scale"))
        return self.node("Add", self.plain(weight.removesuffix("weight") + "bias", out), scaled)[0] if bias else scaled

    def norm(self, value: str, name: str) -> str:
        return self.node(
            "LayerNormalization", value, self.plain(f"{name}.weight", WIDTH, around=1), self.plain(f"{name}.bias", WIDTH)
        )[0]


def tiny_tower(*, layers: int = LAYERS, zero: int = 0) -> TinyTower:
    """Random weights; `zero` is the zero point of the matrices, which the public file has at 0."""
    graph = _Graph(np.random.default_rng(7))
    tokens = (SIDE // PATCH) ** 2 + 1
    graph.plain(f"{VISION}embeddings.class_embedding", WIDTH)
    graph.plain(f"{VISION}embeddings.position_embedding.weight", tokens, WIDTH)
    [value] = graph.node(
        "Conv", "pixel_values", graph.plain(f"{VISION}embeddings.patch_embedding.weight", WIDTH, 3, PATCH, PATCH)
    )
    value = graph.norm(value, f"{VISION}pre_layrnorm")
    for layer in range(layers):
        name = f"{VISION}encoder.layers.{layer}."
        normed = graph.norm(value, f"{name}layer_norm1")
        # In another order than q, k, v: names and not places tell them apart.
        k, v, q = (graph.product(normed, f"{name}self_attn.{part}_proj.weight", WIDTH, WIDTH, bias=True) for part in "kvq")
        [attended] = graph.node("MatMul", *graph.node("Softmax", *graph.node("MatMul", q, k)), v)
        projected = graph.product(attended, f"{name}self_attn.out_proj.weight", WIDTH, WIDTH, bias=True)
        [value] = graph.node("Add", value, projected)
        hidden = graph.product(graph.norm(value, f"{name}layer_norm2"), f"{name}mlp.fc1.weight", WIDTH, HIDDEN, bias=True)
        # QuickGELU
        [active] = graph.node("Mul", hidden, *graph.node("Sigmoid", hidden))
        [value] = graph.node("Add", value, graph.product(active, f"{name}mlp.fc2.weight", HIDDEN, WIDTH, bias=True))
    value = graph.norm(value, f"{VISION}post_layernorm")
    embedding = graph.product(value, "visual_projection.weight", WIDTH, EMBEDDING, bias=False, zero=zero)
    whole = helper.make_graph(
        graph.nodes,
        "tiny-clip",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["B", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(embedding, TensorProto.FLOAT, ["B", EMBEDDING])],
        graph.stored,
    )
    return TinyTower(helper.make_model(whole).SerializeToString(), graph.weights)


def write_tiny_tower(path: Path) -> Path:
    """The file with random weights."""
    path.write_bytes(tiny_tower().content)
    return path
