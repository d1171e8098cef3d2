"""An ONNX file of others, looked at before anything runs it: its size, what it refers to, its shapes and its weights."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..checkpoints.card import CheckpointCard, CheckpointError

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

# A protobuf message cannot be larger.
LARGEST_MODEL = (2 << 30) - 1
# Whose operators ONNX Runtime has itself.
_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}


def read_model(path: Path, card: CheckpointCard) -> bytes:
    """The network in the ONNX file `path`, with its external data inside, fit for `card`. Raises CheckpointError.

    Nothing of it is run. External data must lie in the file's folder.
    """
    import onnx
    from google.protobuf.message import DecodeError

    _demand_size(path, path.stat().st_size if path.is_file() else -1)
    try:
        model = onnx.load(str(path), load_external_data=False)
        if not model.graph.node:
            raise CheckpointError(f"{path} holds no network: it is no ONNX file, or cut off; fetch it again")
        _take_in(path, model)
        _demand_known_operators(path, model)
        onnx.checker.check_model(model)
        _demand_numbers(path, model)
    except (DecodeError, onnx.checker.ValidationError, ValueError, OSError) as error:
        reason = str(error).strip().splitlines()
        raise CheckpointError(
            f"{path} is no ONNX file, or damaged ({reason[0] if reason else 'cut off'}); fetch it again"
        ) from None
    _demand_shapes(path, model.graph, card)
    return bytes(model.SerializeToString())


def _demand_size(path: Path, size: int) -> None:
    if size < 0:
        raise CheckpointError(f"{path} does not exist, or is no file; name the ONNX file")
    if size > LARGEST_MODEL:
        raise CheckpointError(f"{path} has {size / 1e9:.1f} GB, and an imported network can have {LARGEST_MODEL / 1e9:.1f} GB")


def _take_in(path: Path, model: "ModelProto") -> None:
    """Read external data into `model`. Raises CheckpointError for data that lies elsewhere, or is too large."""
    from onnx.external_data_helper import load_external_data_for_model

    folder, total = path.parent.resolve(), path.stat().st_size
    for tensor in _tensors(model):
        for location in (str(entry.value) for entry in tensor.external_data if entry.key == "location"):
            parts = PurePosixPath(location.replace("\\", "/"))
            file = (folder / parts).resolve()
            if parts.is_absolute() or ".." in parts.parts or not file.is_relative_to(folder):
                raise CheckpointError(f"{path} refers to {location!r}, outside of its folder: it is not imported")
            if not file.is_file():
                raise CheckpointError(f"{path} keeps weights in {file.name}, which does not lie beside it; bring both files")
            total += file.stat().st_size
            _demand_size(path, total)
    load_external_data_for_model(model, str(folder))


def _demand_known_operators(path: Path, model: "ModelProto") -> None:
    own = {(function.domain, function.name) for function in model.functions}
    for node in _nodes(model):
        if node.domain not in _DOMAINS and (node.domain, node.op_type) not in own:
            raise CheckpointError(
                f"{path} needs the custom operator {node.domain}.{node.op_type}, whose code would have to be trusted and run: "
                "export the network with standard operators only"
            )


def _demand_numbers(path: Path, model: "ModelProto") -> None:
    import numpy as np
    from onnx import numpy_helper

    for tensor in _tensors(model):
        values = numpy_helper.to_array(tensor)
        if values.dtype.kind == "f" and bool(np.isnan(values).any()):
            raise CheckpointError(f"{path}: the weights {tensor.name!r} hold values that are no numbers (NaN); fetch it again")


def _demand_shapes(path: Path, graph: "GraphProto", card: CheckpointCard) -> None:
    network = card.imported
    assert network is not None
    filled = {tensor.name for tensor in graph.initializer}
    inputs = [given for given in graph.input if given.name not in filled]
    if len(inputs) != 1:
        names = ", ".join(given.name for given in inputs) or "none"
        raise CheckpointError(f"{path} takes {len(inputs)} inputs ({names}), and one is needed: the picture")
    _demand_floats(path, inputs[0])
    size = card.recipe.preprocessing.size
    wanted = [3, size, size] if network.layout == "NCHW" else [size, size, 3]
    taken = _shape(inputs[0])
    if taken and taken[0] not in (None, 1):
        raise CheckpointError(
            f"{path} takes {taken[0]} pictures at once, and is shown one: export it for one picture, or for any number"
        )
    if len(taken) != 4 or any(has not in (None, needs) for has, needs in zip(taken[1:], wanted, strict=True)):
        said = " x ".join("any" if side is None else str(side) for side in taken)
        raise CheckpointError(
            f"{path} takes {said}, and the card says {network.layout} with {size} pixels: mend size or layout under [input]"
        )
    outputs = [given.name for given in graph.output]
    if network.output and network.output not in outputs:
        raise CheckpointError(f"{path} has no output {network.output!r}, only {', '.join(outputs)}: mend name under [output]")
    answered = _shape(graph.output[outputs.index(network.output) if network.output else 0])
    if len(answered) > 1 and (width := answered[-1]) is not None:
        _demand_width(path, card, width)


def _demand_floats(path: Path, given: "ValueInfoProto") -> None:
    from onnx import TensorProto

    kind = given.type.tensor_type.elem_type
    if kind not in (TensorProto.FLOAT, TensorProto.FLOAT16):
        raise CheckpointError(
            f"{path} takes values of type {TensorProto.DataType.Name(kind).lower()}, and it is shown pixels as float or float16: "
            "export it with such an input"
        )


def _demand_width(path: Path, card: CheckpointCard, width: int) -> None:
    network = card.imported
    assert network is not None
    labels = card.training.get("imported", {}).get("labels", ())
    if network.head is not None and len(network.head.weights) != width:
        raise CheckpointError(
            f"{path} answers with {width} values, and the head has {len(network.head.weights)} weights; "
            "bring the head that belongs to it"
        )
    if network.head is None and network.index >= width:
        raise CheckpointError(
            f"{path} answers with {width} values, counted from 0, and the card says that {network.index} is of fake; "
            "correct it there"
        )
    if network.head is None and labels and len(labels) != width:
        raise CheckpointError(f"{path} answers with {width} values, and the card has {len(labels)} labels; correct them there")
    if network.kind == "softmax" and width < 2:
        raise CheckpointError(f'{path} answers with one value, of which there is no softmax: say kind = "logit" or "probability"')


def _shape(value: "ValueInfoProto") -> list[int | None]:
    """Sides of a tensor; None where any will do."""
    return [side.dim_value if side.HasField("dim_value") else None for side in value.type.tensor_type.shape.dim]


def _nodes(model: "ModelProto") -> Iterator["NodeProto"]:
    """Every node, those inside of loops, branches and functions, too."""
    graphs, nodes = [model.graph], [node for function in model.functions for node in function.node]
    while graphs or nodes:
        nodes += [node for graph in graphs for node in graph.node]
        graphs = [graph for node in nodes for attribute in node.attribute for graph in _graphs(attribute)]
        yield from nodes
        nodes = []


def _graphs(attribute: "AttributeProto") -> Iterator["GraphProto"]:
    if attribute.HasField("g"):
        yield attribute.g
    yield from attribute.graphs


def _tensors(model: "ModelProto") -> Iterator["TensorProto"]:
    yield from model.graph.initializer
    for node in _nodes(model):
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for graph in _graphs(attribute):
                yield from graph.initializer
