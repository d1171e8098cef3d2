"""An imported network as a scorer. ONNX Runtime runs it on the CPU. Imports no torch.

Shapes: B images, H rows, W columns, C = 3 colours, D values of an answer.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ..checkpoints.card import CheckpointCard, CheckpointError, read_header
from ..checkpoints.imported_network import ImportedNetwork
from ..inference.device import ChosenDevice
from ..inference.onnx_runtime import across_cores, session_of
from ..inference.runtimes import RuntimeUnavailable
from ..inference.scorer import Scorer

# The file's bytes among the tensors of a checkpoint.
TENSOR = "onnx"
# A probability of 0 or 1 has no logit.
_LEAST = 1e-7


# From uint8 images_BHWC to what the network itself answers, answers_BD.
Answers = Callable[[NDArray[np.uint8]], NDArray[np.float64]]


def load_imported(path: Path, device: ChosenDevice, *, requested: str, micro_batch: int) -> Scorer:
    """The network in the checkpoint `path`, on the CPU.

    Raises CheckpointError, and RuntimeUnavailable where another device was requested.
    """
    if device.name != "cpu" and requested != "auto":
        raise RuntimeUnavailable(f"{path.stem} is an imported network, which runs on the CPU only; choose --device cpu or auto")
    card, model = read_imported(path)
    own = device if device.name == "cpu" else ChosenDevice("cpu", "an imported network")
    return scorer_of(card, answers_of(card, model), own, micro_batch=micro_batch)


def read_imported(path: Path) -> tuple[CheckpointCard, bytes]:
    """Card and ONNX file in the checkpoint `path`. Raises CheckpointError."""
    card, tensors_sha256 = read_header(path)
    if card.imported is None:
        raise CheckpointError(f"{path} holds no imported network")
    try:
        with safe_open(path, framework="np") as opened:
            held: NDArray[np.uint8] = opened.get_tensor(TENSOR)
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged ({error}); import it again") from None
    if held.dtype != np.uint8 or held.ndim != 1 or _tensor_sha256(held) != tensors_sha256:
        raise CheckpointError(f"{path} is damaged: its network is not the one that was written (sha256 differs); import it again")
    return card, held.tobytes()


def answers_of(card: CheckpointCard, model: bytes) -> Answers:
    """How `model` (an ONNX file) answers pictures as the card shows them. Raises whatever ONNX Runtime does."""
    network, seen = card.imported, card.recipe.preprocessing
    assert network is not None
    session = session_of(model)
    given = session.get_inputs()[0]
    name = network.output or session.get_outputs()[0].name
    scale = np.float32(255 if network.pixel_range == "0..1" else 1)
    mean, std = (np.asarray(values, np.float32) for values in (seen.mean, seen.std))
    kind = np.float16 if given.type == "tensor(float16)" else np.float32

    def run(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        coloured = images_BHWC[..., ::-1] if network.channels == "BGR" else images_BHWC
        shown = (coloured.astype(np.float32) / scale - mean) / std
        shown = shown.transpose(0, 3, 1, 2) if network.layout == "NCHW" else shown
        answers = session.run([name], {given.name: np.ascontiguousarray(shown, dtype=kind)})[0]
        return np.asarray(answers, np.float64).reshape(len(images_BHWC), -1)

    # One by one: many are exported for a single picture, and those with dynamic int8 scales answer otherwise beside another.
    return across_cores(run)


def scorer_of(card: CheckpointCard, answers: Answers, device: ChosenDevice, *, micro_batch: int) -> Scorer:
    """A scorer by the logits of `fake` among `answers`."""
    assert card.imported is not None
    logits_of = _logits(card.imported)

    def forward(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        return logits_of(answers(images_BHWC))[:, None]

    return Scorer(forward, (), card, device, runtime="onnxruntime", micro_batch=micro_batch, calls_at_once=2)


def _logits(network: ImportedNetwork) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """From answers_BD to the logits_B of `fake`."""
    index, head, sign = network.index, network.head, -1.0 if network.inverted else 1.0
    if head is not None:
        weights_D = np.asarray(head.weights)

        def of_embedding(answers_BD: NDArray[np.float64]) -> NDArray[np.float64]:
            lengths_B1 = np.maximum(np.linalg.norm(answers_BD, axis=1, keepdims=True), 1e-12) if head.normalised else 1.0
            logits_B: NDArray[np.float64] = (answers_BD / lengths_B1) @ weights_D + head.bias
            return logits_B

        return of_embedding

    def of_values(answers_BD: NDArray[np.float64]) -> NDArray[np.float64]:
        values_B: NDArray[np.float64] = answers_BD[:, index]
        if network.kind == "probability":
            inside_B = np.clip(values_B, _LEAST, 1 - _LEAST)
            logits_B: NDArray[np.float64] = np.log(inside_B) - np.log1p(-inside_B)  # NaN stays NaN
            return sign * logits_B
        if network.kind == "softmax":
            others_B: NDArray[np.float64] = np.logaddexp.reduce(np.delete(answers_BD, index, axis=1), axis=1)
            return values_B - others_B
        return sign * values_B

    return of_values


def _tensor_sha256(held: NDArray[np.uint8]) -> str:
    """As checkpoints.checkpoint has it for all tensors of a file."""
    digest = hashlib.sha256(f"{TENSOR} torch.uint8 ({len(held)},)\n".encode())
    digest.update(held.data)
    return digest.hexdigest()
