"""The network run by ONNX Runtime, on the CPU. Imports no torch: a worker starts quickly and stays small.

Shapes: B images, H rows, W columns, C = 3 colours, K answers.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .device import cpu_threads
from .micro_batches import Forward

INPUT = "images_BHWC"
BRANCHES = "branches"  # what the file says of itself


@dataclass(frozen=True)
class Network:
    """A network that can be run, and the branches that it also answers for alone."""

    forward: Forward
    branches: tuple[str, ...]


def network_of(model: bytes | Path) -> Network:
    """Load what `exported` has written. Raises whatever ONNX Runtime does where it is something else."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = cpu_threads()
    # Threads that wait in a loop would take the cores from the decoders.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors
    session = InferenceSession(model, options, providers=["CPUExecutionProvider"])
    branches = session.get_modelmeta().custom_metadata_map[BRANCHES]

    def forward(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        answer: NDArray[np.float32] = session.run(None, {INPUT: images_BHWC})[0]
        return answer.astype(np.float64)

    return Network(forward, tuple(branches.split()))
