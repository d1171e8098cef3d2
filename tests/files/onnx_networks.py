"""Small ONNX networks of others: they tell red pictures from blue ones."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# How much each class likes red, green and blue; the first is the colour of fakes here.
RED, BLUE = (8.0, 0.0, -8.0), (-8.0, 0.0, 8.0)


def colour_network(
    classes: Sequence[Sequence[float]] = (RED,),
    *,
    side: int | str = 32,
    pictures: int | str = "B",
    layout: str = "NCHW",
    ends: str | None = None,
    output: str = "answers",
) -> onnx.ModelProto:
    """From the mean colour of a picture to one value a class; `ends` is an operator behind it (Sigmoid, Softmax)."""
    weights = np.asarray(classes, np.float32).T
    shape = [pictures, 3, side, side] if layout == "NCHW" else [pictures, side, side, 3]
    axes = [2, 3] if layout == "NCHW" else [1, 2]
    last = "linear" if ends else output
    nodes = [
        helper.make_node("ReduceMean", ["pictures"], ["colour"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], [last]),
    ]
    if ends:
        nodes.append(helper.make_node(ends, [last], [output], **({"axis": 1} if ends == "Softmax" else {})))
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [pictures, len(classes)])],
        [numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def written_network(path: Path, model: onnx.ModelProto | None = None) -> Path:
    """The file of a network."""
    path.write_bytes((model or colour_network()).SerializeToString())
    return path


def written_card(path: Path, *lines: str, size: int = 32, crop: str = "whole", kind: str = "logit") -> Path:
    """A card of such a network: `lines` go on under [output], and may begin further tables."""
    told = [
        'licence = "none"',
        'source = "a test"',
        f'crop = "{crop}"',
        "[input]",
        f"size = {size}",
        "[output]",
        f'kind = "{kind}"',
    ]
    path.write_text("\n".join([*told, *lines]), encoding="utf-8")
    return path
