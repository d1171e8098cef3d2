"""Grey of more than 8 bits, as viewers show it."""

import struct

import numpy as np
import pytest
from files.pictures import written
from PIL import Image

from worker.detector.image.picture import decode_rgb

RAMP = np.linspace(0, 1, 60 * 80).reshape(60, 80)
SHADES = (RAMP * 255).astype(int)


def shown(content: bytes) -> np.ndarray:
    return np.asarray(decode_rgb(content, max_pixels=10**6, short_side=64).picture, int)[..., 0]


def deep(bits: int, most: float = 1.0) -> np.ndarray:
    return np.asarray(RAMP * (2**bits - 1) * most, np.uint16)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_values_of_fewer_bits_in_sixteen(form: str, bits: int) -> None:
    assert np.abs(shown(written(Image.fromarray(deep(bits)), form)) - SHADES).max() <= 2


def test_a_dark_picture_of_twelve_bits_stays_dark() -> None:
    assert np.abs(shown(written(Image.fromarray(deep(12, 0.5)), "PNG")) - SHADES / 2).max() <= 2


def test_a_tiff_of_twelve_bits() -> None:
    """Packed: two values in three bytes; and dark, so that only its tag tells the depth."""
    first, second = deep(12, 0.2).reshape(-1, 2).T
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=-1).astype(np.uint8).tobytes()
    tags = [(256, 4, 80), (257, 4, 60), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 122), (277, 3, 1), (278, 4, 60)]
    tags.append((279, 4, len(packed)))
    table = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    content = b"II*\0" + struct.pack("<I", 8) + table + bytes(4) + packed
    assert content.index(packed) == 122
    assert np.abs(shown(content) - SHADES * 0.2).max() <= 2


@pytest.mark.parametrize("hot", [[65535], [65535, 60000, 30000]])
def test_faulty_pixels_of_a_sensor_set_no_depth(hot: list[int]) -> None:
    values = deep(12)
    values[0, : len(hot)] = hot
    assert np.abs(shown(written(Image.fromarray(values), "PNG"))[1:] - SHADES[1:]).max() <= 2


def test_sixteen_bits_with_a_transparent_value() -> None:
    values = deep(16)
    got = shown(written(Image.fromarray(values), "PNG", transparency=int(values[30, 7])))
    assert got[30, 7] == 255
    rest = np.ones_like(got, bool)
    rest[values == values[30, 7]] = False
    assert np.abs(got - SHADES)[rest].max() <= 2
    assert 120 < got.mean() < 135


@pytest.mark.parametrize("hot", [100.0, 1e30, -1e30, np.nan, np.inf])
@pytest.mark.parametrize("scale", [1.0, 255.0, 1e-6])
def test_floats_with_one_hot_pixel(hot: float, scale: float) -> None:
    values = (RAMP * scale).astype(np.float32)
    values[3, 3] = hot * scale if abs(hot) < 1000 else hot
    got = shown(written(Image.fromarray(values), "TIFF"))
    assert np.abs(got - SHADES)[10:].max() <= 3


def test_integers_with_one_hot_pixel() -> None:
    values = (RAMP * 4095).astype(np.int32)
    values[3, 3] = 2**31 - 1
    assert np.abs(shown(written(Image.fromarray(values), "TIFF")) - SHADES)[10:].max() <= 3


def test_few_bright_pixels_on_black_are_seen() -> None:
    values = np.zeros((60, 80), np.float32)
    values[5, 5:8] = 1
    got = shown(written(Image.fromarray(values), "TIFF"))
    assert (got[5, 6], got[20, 20]) == (255, 0)
