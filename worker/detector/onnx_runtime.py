"""A torch network turned into one of ONNX Runtime, in memory: nothing is written."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


def compiled(network: nn.Module, size: int) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Run `network`, which takes uint8 images_BHWC of `size` pixels, on the CPU, with as many threads as torch would use."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Threads that wait in a loop would take the cores from the decoders.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(_exported(network, size), options, providers=["CPUExecutionProvider"])

    def run(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float32]:
        answer: NDArray[np.float32] = session.run(None, {"images_BHWC": images_BHWC})[0]
        return answer

    return run


def _exported(network: nn.Module, size: int) -> bytes:
    written: Any = BytesIO()  # which this exporter takes, whatever its signature says
    example_BHWC = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    with warnings.catch_warnings(), _traceable_attention():
        warnings.simplefilter("ignore")  # of tracing: the constants it finds are constants
        torch.onnx.export(
            network,
            (example_BHWC,),
            written,
            dynamo=False,  # the newer exporter needs a package more, and takes ten times as long
            input_names=["images_BHWC"],
            output_names=["logits_BK"],
            dynamic_axes={"images_BHWC": {0: "B"}, "logits_BK": {0: "B"}},
        )
    return bytes(written.getvalue())


@contextmanager
def _traceable_attention() -> Iterator[None]:
    """Attention in single steps: torch's fused one cannot be exported."""
    was_fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was_fused)
