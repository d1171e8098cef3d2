import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from training.data.framing import framed

RED = (250, 10, 10)


@settings(max_examples=60, deadline=None)
@given(st.integers(24, 160), st.integers(24, 160), st.floats(0.5, 1.6), st.integers(0, 2**32))
def test_frame_width_and_seed(width: int, height: int, wide: float, seed: int) -> None:
    """The frame is as wide as asked and the same for the same seed."""
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8))

    first, second = framed(picture, wide, random.Random(seed)), framed(picture, wide, random.Random(seed))

    side = max(16, round(min(width, height) * wide))
    assert (first.size, first.mode) == ((side, side), "RGB")
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("seed", range(20))
def test_tighter_frame_is_a_part(seed: int) -> None:
    """A tighter frame is a part of the picture around its middle."""
    picture = Image.linear_gradient("L").convert("RGB")  # 256 x 256, each line of its own grey

    levels = np.asarray(framed(picture, 0.5, random.Random(seed)))[:, 0, 0]

    assert levels.tolist() == list(range(levels[0], levels[0] + 128))
    assert abs(int(levels[64]) - 128) <= 0.06 * 128 + 1


@pytest.mark.parametrize("seed", range(40))
def test_looser_frame_keeps_pixels(seed: int) -> None:
    """A looser frame keeps the picture s pixels but at its edge."""
    picture = Image.new("RGB", (100, 100), RED)

    around = np.asarray(framed(picture, 1.4, random.Random(seed)))

    is_kept = (around == RED).all(-1)
    assert is_kept[50:90, 50:90].all(), "the middle is no longer what it was"
    # What mirrors or blurs a plain picture is as plain as it is; any other surroundings are not.
    assert is_kept.all() or is_kept.mean() < 0.6


def test_surroundings_differ() -> None:
    picture = Image.new("RGB", (100, 100), RED)

    corners = {framed(picture, 1.5, random.Random(seed)).getpixel((1, 1)) for seed in range(40)}

    assert RED in corners
    assert len(corners) > 10
