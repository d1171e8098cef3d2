"""Images spread over cores: all are scored, in order, and no core is left without any while another has several."""

import numpy as np
import pytest
from numpy.typing import NDArray

from worker.detector.inference.onnx_export import LARGE_BYTES, images_at_once
from worker.detector.inference.onnx_runtime import across_cores


@pytest.mark.parametrize(
    ("images", "cores", "at_once", "most"),
    [(16, 2, 1, 1), (16, 2, 4, 4), (16, 8, 4, 2), (16, 64, 4, 1), (1, 2, 4, 1), (17, 2, 4, 4)],
)
def test_shares(monkeypatch: pytest.MonkeyPatch, images: int, cores: int, at_once: int, most: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", str(cores))
    shares: list[int] = []

    def run(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        shares.append(len(images_BHWC))
        return images_BHWC[:, 0, 0, :1].astype(np.float64)

    images_BHWC = np.arange(images, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    answers_BK = across_cores(run, at_once=at_once)(images_BHWC)

    np.testing.assert_array_equal(answers_BK[:, 0], np.arange(images))
    assert max(shares) == most
    assert sum(shares) == images


def test_a_large_network_has_several_images_at_once_and_a_small_one_has_one() -> None:
    assert images_at_once(LARGE_BYTES + 1) > 1
    assert images_at_once(20 << 20) == 1
