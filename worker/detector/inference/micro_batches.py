"""As many images at once as the device's memory takes."""

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

# A network: uint8 images_BHWC to logits_BK.
Forward = Callable[[NDArray[np.uint8]], NDArray[np.float64]]

log = logging.getLogger(__name__)


class MicroBatches:
    """Runs a network on at most `size` images at a time; where memory runs out, on half as many from then on.

    Shapes: B images, H rows, W columns, C = 3 colours, K answers.
    """

    def __init__(self, forward: Forward, size: int) -> None:
        self._forward = forward
        self.size = size

    def logits(self, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        """logits_BK of at least one image. Raises what the network raises, memory that does not even take one image included."""
        parts: list[NDArray[np.float64]] = []
        done = 0
        while done < len(images_BHWC):
            part_BHWC = images_BHWC[done : done + self.size]
            try:
                parts.append(self._forward(part_BHWC))
            except Exception as error:
                if len(part_BHWC) == 1 or not is_out_of_memory(error):
                    raise
                self.size = len(part_BHWC) // 2
                log.warning("memory ran out (%s): %d images at a time from now on", error, self.size)
                continue
            done += len(part_BHWC)
        return np.concatenate(parts)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says so, on the CPU (MemoryError, torch's and ONNX Runtime's allocators) or on a GPU."""
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or any(words in str(error) for words in ("can't allocate memory", "bad_alloc", "Failed to allocate memory"))
