import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from worker.detector.image.preprocess import OWN_RESIZE, Resize, to_input, to_square


@pytest.mark.parametrize("size", [(30, 10), (10, 30)])
def test_to_square_takes_the_centre_square(size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size, "red")
    picture.paste("blue", ((size[0] - 10) // 2, (size[1] - 10) // 2, (size[0] + 10) // 2, (size[1] + 10) // 2))

    assert np.array_equal(to_square(picture, 10), np.full((10, 10, 3), (0, 0, 255)))


def test_to_square_keeps_left_right_top_and_bottom() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)

    assert np.array_equal(to_square(Image.fromarray(pixels), 2), pixels)


def test_to_square_averages_when_it_shrinks() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255

    shrunk = to_square(Image.fromarray(stripes), 8)

    assert shrunk.min() > 100
    assert shrunk.max() < 155


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 40))
def test_to_square_gives_uint8_hwc_for_any_shape(width: int, height: int, size: int) -> None:
    square = to_square(Image.new("RGB", (width, height), (1, 2, 3)), size)

    assert square.shape == (size, size, 3)
    assert square.dtype == np.uint8
    assert np.array_equal(np.unique(square.reshape(-1, 3), axis=0), [(1, 2, 3)])


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "I;16"])
def test_to_square_refuses_what_is_not_rgb(mode: str) -> None:
    with pytest.raises(ValueError, match=mode):
        to_square(Image.new(mode, (20, 20)), 10)


@given(st.integers(20, 90), st.integers(20, 90), st.integers(8, 40), st.integers(0, 12), st.integers(0, 9))
def test_the_shorter_side_as_torchvision_has_it(width: int, height: int, size: int, more: int, seed: int) -> None:
    from torchvision.transforms import CenterCrop, InterpolationMode
    from torchvision.transforms import Resize as TorchvisionResize

    picture = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))
    wanted = CenterCrop(size)(TorchvisionResize(size + more, InterpolationMode.BILINEAR)(picture))

    assert np.array_equal(to_input(picture, size, Resize("shorter-side", size + more, filter="bilinear")), np.asarray(wanted))


def test_squashing_keeps_the_edges_and_cutting_does_not() -> None:
    picture = Image.new("RGB", (60, 20), "red")
    picture.paste("blue", (20, 0, 40, 20))

    squashed = to_input(picture, 30, Resize("squash", filter="box"))
    assert squashed[:, :10].tolist() == np.full((30, 10, 3), (255, 0, 0)).tolist()
    assert squashed[:, 10:20].tolist() == np.full((30, 10, 3), (0, 0, 255)).tolist()
    for cut in (OWN_RESIZE, Resize(filter="lanczos"), Resize("shorter-side"), Resize("shorter-side", rounding="nearest")):
        assert to_input(picture, 20, cut).tolist() == np.full((20, 20, 3), (0, 0, 255)).tolist()


def test_a_resize_that_cannot_be() -> None:
    for values in ({"shorter": 30}, {"rule": "shorter-side", "shorter": 9000}, {"rule": "squash", "shorter": 1}):
        with pytest.raises(ValueError, match="shorter"):
            Resize(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("module", ["worker.detector.image.preprocess", "worker.detector.image.picture"])
def test_decoder_processes_stay_free_of_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit(any(name.split('.')[0] in ('torch', 'timm', 'open_clip') for name in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
