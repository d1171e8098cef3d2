"""Forgeries made from real pictures."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from training.data.self_blending import forged


def face(seed: int, size: tuple[int, int] = (96, 96)) -> Image.Image:
    """A smooth picture with texture, of some colour."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(30, 220, (6, 6, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    grain = rng.normal(0, 6, (size[1], size[0], 3))
    return Image.fromarray(np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8))


def change(picture: Image.Image, other: Image.Image) -> NDArray[np.float64]:
    return np.abs(np.asarray(picture, float) - np.asarray(other, float)).max(2)


@pytest.mark.parametrize("with_donor", [False, True])
def test_a_part_is_changed_and_the_border_is_not(with_donor: bool) -> None:
    for seed in range(60):
        picture, donor = face(seed), face(seed + 1000) if with_donor else None

        made = change(forged(picture, donor, random.Random(seed)), picture)

        assert made.max() > 8, seed
        # Wide masks may fade far out; the corners are never reached.
        assert max(made[:4, :4].max(), made[-4:, -4:].max(), made[:4, -4:].max(), made[-4:, :4].max()) <= 1, seed
        assert 0.002 < (made > 4).mean() < 0.8, seed


def test_self_blends_keep_what_the_picture_shows() -> None:
    """Blended with itself, it stays alike; with another, it does not."""
    own, others = [], []
    for seed in range(40):
        picture = face(seed)
        own.append(change(forged(picture, None, random.Random(seed)), picture).mean())
        others.append(change(forged(picture, face(seed + 1000), random.Random(seed)), picture).mean())

    assert np.mean(own) < 0.6 * np.mean(others)


def test_regions_of_many_places_and_sizes_are_drawn() -> None:
    centres, shares = [], []
    for seed in range(80):
        picture = face(1)
        made = change(forged(picture, face(2), random.Random(seed)), picture) > 6
        rows, columns = np.nonzero(made)
        centres.append((rows.mean() / 96, columns.mean() / 96))
        shares.append(made.mean())

    assert np.ptp([row for row, _ in centres]) > 0.25
    assert max(shares) > 5 * min(shares)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 140), st.integers(1, 140), st.booleans(), st.integers(0, 2**32))
def test_any_size_works_and_the_seed_decides(width: int, height: int, with_donor: bool, seed: int) -> None:
    picture, donor = face(0, (width, height)), face(1, (50, 70)) if with_donor else None
    before = picture.tobytes()

    first, again = (forged(picture, donor, random.Random(seed)) for _ in range(2))

    assert first.size == picture.size
    assert first.mode == "RGB"
    assert first.tobytes() == again.tobytes()
    assert picture.tobytes() == before
