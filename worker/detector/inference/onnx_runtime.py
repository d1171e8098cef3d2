"""The network run by ONNX Runtime, on the CPU. Imports no torch: a worker starts quickly and stays small.

Shapes: B images, H rows, W columns, C = 3 colours, K answers.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .device import cpu_threads
from .micro_batches import Forward

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

INPUT = "images_BHWC"
BRANCHES, IMAGES = "branches", "at_once"  # what the file says of itself


@dataclass(frozen=True)
class Network:
    """A network that can be run, and the branches that it also answers for alone."""

    forward: Forward
    branches: tuple[str, ...]


def network_of(model: bytes | Path) -> Network:
    """Load what `exported` has written. Raises whatever ONNX Runtime does where it is something else."""
    session = session_of(model)
    noted = session.get_modelmeta().custom_metadata_map

    def run(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        answer: NDArray[np.float32] = session.run(None, {INPUT: images_BHWC})[0]
        return answer.astype(np.float64)

    return Network(across_cores(run, at_once=int(noted[IMAGES])), tuple(noted[BRANCHES].split()))


def session_of(model: bytes | Path) -> "InferenceSession":
    """The network in an ONNX file, ready to run on one core at a time."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    # Each core works on images of its own: threads that share an image wait for each other at every layer, and longer where
    # decoders run on the same cores.
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors
    return InferenceSession(model, options, providers=["CPUExecutionProvider"])


def across_cores(run: Forward, *, at_once: int = 1) -> Forward:
    """`run` on all cores, each with at most `at_once` images at a time: fewer where cores would have none."""
    count = cpu_threads()
    cores = ThreadPoolExecutor(count, "network-core")

    def forward(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        step = max(1, min(at_once, len(images_BHWC) // count))
        # Each core takes the next images when it is done with some: one handing over for each core, and none for each image.
        starts, answers = iter(range(0, len(images_BHWC), step)), dict[int, NDArray[np.float64]]()

        def work_on(_core: int) -> None:
            for start in starts:
                answers[start] = run(images_BHWC[start : start + step])

        deque(cores.map(work_on, range(count)), maxlen=0)
        return np.concatenate([answers[start] for start in sorted(answers)])

    return forward
