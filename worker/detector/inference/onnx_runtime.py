"""The network run by ONNX Runtime, on the CPU. Imports no torch: a worker starts quickly and stays small.

Shapes: B images, H rows, W columns, C = 3 colours, K answers.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .device import cpu_threads
from .micro_batches import Forward

INPUT = "images_BHWC"
BRANCHES = "branches"  # what the file says of itself
# Images that a core takes at once: more of them no longer fit into its cache, and `lite` gets slower (docs/speed.md).
AT_ONCE = 2


@dataclass(frozen=True)
class Network:
    """A network that can be run, and the branches that it also answers for alone."""

    forward: Forward
    branches: tuple[str, ...]


def network_of(model: bytes | Path) -> Network:
    """Load what `exported` has written. Raises whatever ONNX Runtime does where it is something else."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    # Each core works on images of its own: threads that share an image wait for each other at every layer, and longer where
    # decoders run on the same cores.
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors
    session = InferenceSession(model, options, providers=["CPUExecutionProvider"])
    branches = session.get_modelmeta().custom_metadata_map[BRANCHES]
    cores = ThreadPoolExecutor(cpu_threads(), "network-core")

    def run(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float32]:
        answer: NDArray[np.float32] = session.run(None, {INPUT: images_BHWC})[0]
        return answer

    def forward(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        parts = (images_BHWC[start : start + AT_ONCE] for start in range(0, len(images_BHWC), AT_ONCE))
        return np.concatenate(list(cores.map(run, parts))).astype(np.float64)

    return Network(forward, tuple(branches.split()))
