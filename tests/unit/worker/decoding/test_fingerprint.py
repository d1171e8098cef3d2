"""The perceptual hash: copies stay close, other pictures are far, and what is flat has none."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanner.database.hamming import bits_apart
from scanner.results.near_copies import DISTANCE
from worker.decoding.fingerprint import fingerprint


@pytest.fixture
def pictures(make_picture: Callable[..., Path], tmp_path: Path) -> list[Image.Image]:
    return [Image.open(make_picture(tmp_path / f"{seed}.png", seed)).convert("RGB") for seed in range(12)]


def encoded(picture: Image.Image, scale: float, quality: int) -> Image.Image:
    buffer = BytesIO()
    picture.resize((round(picture.width * scale), round(picture.height * scale))).save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def test_which_copies_are_near(pictures: list[Image.Image]) -> None:
    """Recompressed and resized copies are near and other pictures are not."""
    hashes = [fingerprint(picture) for picture in pictures]
    for number, picture in enumerate(pictures):
        for scale, quality in ((1, 60), (0.5, 80), (2, 85)):
            copy = fingerprint(encoded(picture, scale, quality))
            assert copy is not None
            distances = [bits_apart(one, copy) for one in hashes if one is not None]
            assert distances[number] <= DISTANCE
            assert min(distances[:number] + distances[number + 1 :]) > DISTANCE


def test_it_is_a_signed_number_of_64_bits(pictures: list[Image.Image]) -> None:
    hashes = [fingerprint(picture) for picture in pictures]
    assert all(one is not None and -(2**63) <= one < 2**63 for one in hashes)
    assert len(set(hashes)) == len(hashes)


@pytest.mark.parametrize("noise", [0, 5])
def test_a_flat_picture_has_none(noise: int) -> None:
    rng = np.random.default_rng(1)
    grey = (100 + rng.normal(0, noise, (300, 300, 1)) * np.ones(3)).clip(0, 255).astype(np.uint8)
    assert fingerprint(Image.fromarray(grey)) is None
