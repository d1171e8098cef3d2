"""Panoramas, strips and sprites: the memory of the face finder is bounded, and faces in them are found."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.inputs import Ready
from worker.decoding.limits import Limits
from worker.detector.faces import face_finder
from worker.detector.faces.face_finder import SEARCHED_PIXELS, FaceFinder
from worker.detector.faces.input_selection import look

SAMPLES = Path(__file__).parents[5] / "samples"
STRIPS = [(16000, 380), (20000, 40), (380, 16000), (60000, 3), (300_000, 8), (1, 50_000), (448, 900)]
DECODED = [(16000, 380), (20000, 40), (60000, 3)]


def strip(width: int, height: int, form: str = "PNG") -> bytes:
    buffer = BytesIO()
    colours = np.random.default_rng(4).integers(60, 200, (6, 8, 3), np.uint8)
    Image.fromarray(colours).resize((width, height), Image.Resampling.BICUBIC).save(buffer, form)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def decoders() -> DecoderPool:
    with DecoderPool(1, Limits(pixels=10**8, seconds=120, megabytes=1500), faces=True) as pool:
        yield pool


@pytest.mark.parametrize("size", DECODED)
def test_strips_are_judged_within_little_memory(decoders: DecoderPool, size: tuple[int, int]) -> None:
    ready = decoders.begin(strip(*size), 224).result()
    assert isinstance(ready, Ready)
    assert (ready.width, ready.height) == size


@pytest.mark.parametrize("size", STRIPS)
def test_what_is_searched_does_not_grow_with_the_longer_side(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    finder, framed, searched = FaceFinder(), [], []
    monkeypatch.setattr(finder, "_run", lambda seen, _least: searched.append(seen.shape) or [])

    def find(picture: Image.Image) -> list[face_finder.Located]:
        framed.append(picture.width * picture.height)
        return finder.find(picture)

    look(strip(*size), 224, max_pixels=10**8, find=find)
    assert all(pixels <= 9 * size[0] * size[1] for pixels in framed)
    padded = [(-(-height // 32) * 32) * (-(-width // 32) * 32) for height, width, _ in searched]
    assert all(pixels <= 5 * SEARCHED_PIXELS for pixels in padded)


@pytest.mark.parametrize("left", [0, 15620])
def test_a_face_in_a_strip_is_found(left: int) -> None:
    picture = Image.open(BytesIO(strip(16000, 380))).convert("RGB")
    with Image.open(SAMPLES / "real-astronaut.jpg") as astronaut:
        scale = astronaut.resize((380, 380))
    picture.paste(scale, (left, 0))
    [face] = FaceFinder().find(picture)
    assert left + 100 < face.middle[0] < left + 280


def test_a_large_patch_is_what_a_cut_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scaled first, then framed: a first look that sees a giant face costs no gigabytes."""
    picture = Image.open(BytesIO(strip(900, 700))).convert("RGB")
    for left, top, side in ((-300, -200, 1200), (500, 100, 800), (0, 0, 700), (2000, 0, 500)):
        cut = np.asarray(face_finder._patch(picture, left, top, side), int)
        with monkeypatch.context() as patched:
            patched.setattr(face_finder, "_LARGE_PATCH", 1)
            assert np.abs(np.asarray(face_finder._patch(picture, left, top, side), int) - cut).mean() < 3
    assert face_finder._patch(picture, -40_000, -40_000, 200_000).size == (face_finder.SECOND_LOOK,) * 2
