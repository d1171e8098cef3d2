import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.detector.image.normalise import normalise
from worker.detector.image.preprocess import Preprocessing


def test_it_follows_the_formula_per_channel() -> None:
    images_BHWC = np.random.default_rng(0).integers(0, 256, (3, 5, 5, 3), np.uint8)
    preprocessing = Preprocessing(5, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

    ready = normalise(torch.from_numpy(images_BHWC), preprocessing).numpy()

    for channel in range(3):
        expected = (images_BHWC[..., channel] / 255 - preprocessing.mean[channel]) / preprocessing.std[channel]
        np.testing.assert_allclose(ready[:, channel], expected, atol=1e-5)


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(2, 12), st.integers(2, 12))
def test_layout_in_memory(batch: int, height: int, width: int) -> None:
    """It gives float32 bchw laid out as the convolutions like it."""
    ready = normalise(torch.zeros(batch, height, width, 3, dtype=torch.uint8), Preprocessing(1, (0.5,) * 3, (0.5,) * 3))

    assert ready.shape == (batch, 3, height, width)
    assert ready.dtype == torch.float32
    assert ready.is_contiguous(memory_format=torch.channels_last)
    assert bool((ready == -1).all())
