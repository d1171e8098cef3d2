"""Products with int8 matrices in an exported network, with activations of 16 bits: each is two int8 products of the processor.

A processor with int8 dot products (VNNI) computes them several times as fast as float32. A matrix whose outputs are int8 values
times a scale each is not changed by that, and CLIP ViT-B/16 is published so. Activations become two digits of 8 bits: the first,
in steps of 1/255 of their range, and a second one of what that leaves. With the first alone scores move by up to 0.4.

Without VNNI, sums of two products overflow 16 bits there: it is not for other processors (`device.has_int8_products`).

Shapes: K inputs and N outputs of a matrix.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# Smaller matrices stay in float32: they take no time.
LEAST_SIDE = 256
# How far, in steps of its grid, a matrix of float32 may lie from int8 values.
_OFF_GRID = 1e-3
_MIDDLE, _SHARE = "int16.middle", "int16.share"
# The domain of ONNX Runtime's own operators.
_OWN = "com.microsoft"


def int8_of(matrix_KN: Floats) -> tuple[NDArray[np.int8], Floats] | None:
    """A matrix as int8 values and the scales_N of its outputs, if it is one."""
    scales_N = np.abs(matrix_KN).max(0) / np.float32(127)
    scales_N[scales_N == 0] = 1
    steps_KN = matrix_KN / scales_N
    values_KN = np.round(steps_KN)
    return (values_KN.astype(np.int8), scales_N) if np.abs(steps_KN - values_KN).max() <= _OFF_GRID else None


def with_int16_products(model: Any) -> int:
    """Change the products of an ONNX `model` with large int8 matrices, and the biases after them; returns how many."""
    from onnx import helper, numpy_helper

    change = _Change(model.graph)
    nodes = [new for node in model.graph.node for new in change.nodes_for(node)]
    if change.count:
        constants: dict[str, NDArray[Any]] = {_MIDDLE: np.array(128, np.uint8), _SHARE: np.array(1 / 255, np.float32)}
        constants |= change.stored
        tensors = [tensor for tensor in model.graph.initializer if tensor.name not in change.replaced]
        tensors += [numpy_helper.from_array(array, name) for name, array in constants.items()]
        del model.graph.node[:], model.graph.initializer[:]
        model.graph.node.extend(nodes)
        model.graph.initializer.extend(tensors)
        model.opset_import.append(helper.make_opsetid(_OWN, 1))
    return change.count


class _Change:
    """Which nodes stand in the place of others. `stored` are new constants, `replaced` the matrices that are no longer needed."""

    def __init__(self, graph: Any) -> None:
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._readers: dict[str, list[Any]] = {}
        for node in graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._split: set[str] = set()
        self._done: set[str] = set()
        self.stored: dict[str, NDArray[Any]] = {}
        self.replaced: set[str] = set()
        self.count = 0

    def nodes_for(self, node: Any) -> list[Any]:
        """What stands in the place of `node`."""
        if node.output[0] in self._done:  # a bias, which a product has added
            return []
        if node.op_type != "MatMul" or not self._is_int8(node.input[1]):
            return [node]
        self.count += 1
        source, matrix = node.input
        output, bias = self._biased(node.output[0])
        self._done.add(output)
        return [*self._digits(source), *_products(source, matrix, bias, output)]

    def _is_int8(self, name: str) -> bool:
        from onnx import numpy_helper

        if name in self.replaced:
            return True
        tensor = self._tensors.get(name)
        if tensor is None or len(tensor.dims) != 2 or min(tensor.dims) < LEAST_SIDE:
            return False
        found = int8_of(numpy_helper.to_array(tensor))
        if found is not None:
            self.replaced.add(name)
            self.stored |= {f"{name}.int8": found[0], f"{name}.scale": found[1], f"{name}.zero": np.array(0, np.int8)}
        return found is not None

    def _biased(self, product: str) -> tuple[str, list[str]]:
        """What is read of a product: itself, or its sum with a constant bias where that alone reads it, and the bias."""
        readers = self._readers.get(product, [])
        if len(readers) == 1 and readers[0].op_type == "Add":
            bias = [name for name in readers[0].input if name in self._tensors and len(self._tensors[name].dims) == 1]
            if bias:
                return readers[0].output[0], bias
        return product, []

    def _digits(self, source: str) -> list[Any]:
        from onnx.helper import make_node

        if source in self._split:
            return []
        self._split.add(source)
        first = [f"{source}.first", f"{source}.step", f"{source}.zero"]
        return [
            make_node("DynamicQuantizeLinear", [source], first),
            make_node("DequantizeLinear", first, [f"{source}.rounded"]),
            make_node("Sub", [source, f"{source}.rounded"], [f"{source}.rest"]),
            make_node("Mul", [f"{source}.step", _SHARE], [f"{source}.small"]),
            make_node("QuantizeLinear", [f"{source}.rest", f"{source}.small", _MIDDLE], [f"{source}.second"]),
        ]


def _products(source: str, matrix: str, bias: list[str], output: str) -> list[Any]:
    """Of both digits with the matrix, and their sum."""
    from onnx.helper import make_node

    parts = [f"{output}.of_first", f"{output}.of_second"]
    values, scale, zero = f"{matrix}.int8", f"{matrix}.scale", f"{matrix}.zero"
    first = [f"{source}.first", values, f"{source}.step", scale, f"{source}.zero", zero, *bias]
    second = [f"{source}.second", values, f"{source}.small", scale, _MIDDLE, zero]
    return [
        make_node("MatMulIntegerToFloat", first, parts[:1], domain=_OWN),
        make_node("MatMulIntegerToFloat", second, parts[1:], domain=_OWN),
        make_node("Add", parts, [output]),
    ]
