"""A picture is decoded once: what is shown of it as a whole comes from what was searched for faces."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from worker.detector.faces import input_selection
from worker.detector.faces.face import Located
from worker.detector.faces.face_crops import FaceInputs
from worker.detector.faces.input_selection import Find, Wanted, look, look_for
from worker.detector.image.picture import Decoded, decode_rgb
from worker.detector.image.preprocess import to_square


def large_jpeg(size: tuple[int, int], **save: Any) -> bytes:
    blobs = np.random.default_rng(3).integers(0, 255, (size[1] // 50, size[0] // 50, 3), np.uint8)
    buffer = BytesIO()
    Image.fromarray(blobs).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=95, **save)
    return buffer.getvalue()


def no_face(_: Image.Image) -> Sequence[Located]:
    return []


def one_that_fills_it(picture: Image.Image) -> Sequence[Located]:
    width, height = picture.size
    eye, other = (0.4 * width, 0.4 * height), (0.6 * width, 0.4 * height)
    return [Located((0.1 * width, 0.1 * height, 0.8 * width, 0.8 * height), (eye, other), 0.9)]


@pytest.fixture(name="decodes")
def _decodes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each picture that is decoded once more."""
    made: list[int] = []

    def decode(content: bytes, **options: Any) -> Decoded:
        made.append(1)
        return decode_rgb(content, **options)

    monkeypatch.setattr(input_selection, "decode_rgb", decode)
    return made


@pytest.mark.parametrize("find", [no_face, one_that_fills_it])
@pytest.mark.parametrize("size", [(1800, 1400), (700, 500)])
def test_the_whole_picture_is_not_decoded_again(decodes: list[int], find: Find, size: tuple[int, int]) -> None:
    content = large_jpeg(size)
    found = look(content, 96, max_pixels=10**8, find=find)

    assert not decodes
    alone = decode_rgb(content, max_pixels=10**8, short_side=96).picture
    difference = np.abs(found.inputs[0].image_HWC.astype(np.int16) - to_square(alone, 96))
    assert difference.max() <= 3
    assert difference.mean() < 0.6
    side = min(size)
    assert found.inputs[0].box == ((size[0] - side) // 2, (size[1] - side) // 2, side, side)


def test_nor_for_any_of_several_networks(decodes: list[int]) -> None:
    content = large_jpeg((1800, 1400))
    wanted = (Wanted(96), Wanted(48, FaceInputs(beside=True)), Wanted(200))
    found = look_for(content, wanted, max_pixels=10**8, find=no_face)

    assert not decodes
    for one, looked in zip(wanted, found, strict=True):
        alone = decode_rgb(content, max_pixels=10**8, short_side=one.size).picture
        assert np.abs(looked.inputs[0].image_HWC.astype(np.int16) - to_square(alone, one.size)).mean() < 0.6


def test_a_face_that_needs_more_pixels_gets_them(decodes: list[int]) -> None:
    def small(picture: Image.Image) -> Sequence[Located]:
        x, y = 0.2 * picture.width, 0.2 * picture.height
        return [Located((x, y, 60.0, 60.0), ((x + 20, y + 20), (x + 40, y + 20)), 0.9)]

    look(large_jpeg((4000, 3000)), 96, max_pixels=10**8, find=small)
    assert len(decodes) == 1
