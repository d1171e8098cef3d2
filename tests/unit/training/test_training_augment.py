import random
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from training.augment import augmented


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def many(picture: Image.Image, count: int = 200) -> Iterator[Image.Image]:
    return (augmented(picture, random.Random(seed)) for seed in range(count))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_pixels(seed: int) -> None:
    picture = noise(48, 40)

    first, second = augmented(picture, random.Random(seed)), augmented(picture, random.Random(seed))

    assert np.array_equal(np.asarray(first), np.asarray(second))


def test_other_seeds_give_other_pictures() -> None:
    assert len({picture.tobytes() for picture in many(noise(48, 40), 30)}) == 30


def test_the_original_stays_untouched_and_global_randomness_unused() -> None:
    picture = noise(48, 40)
    before, state = picture.tobytes(), random.getstate()

    assert len(list(many(picture, 30))) == 30

    assert picture.tobytes() == before
    assert random.getstate() == state


@settings(max_examples=100, deadline=None)
@given(st.integers(24, 200), st.integers(24, 200), st.integers(0, 2**32))
def test_pictures_stay_rgb_and_at_least_16_pixels(width: int, height: int, seed: int) -> None:
    picture = augmented(Image.new("RGB", (width, height)), random.Random(seed))

    assert picture.mode == "RGB"
    assert min(picture.size) >= 16
    assert max(picture.size) <= 1.3 * 1.06 * min(width, height) + 2


@pytest.mark.parametrize(
    "size",
    [
        (1, 1),
        (1, 50),
        (50, 1),
        (2, 50),
        (3, 2),
        (16, 16),
    ],
)
def test_very_small_pictures_do_not_break(size: tuple[int, int]) -> None:
    assert all(min(picture.size) >= 1 for picture in many(noise(*size)))


def test_about_half_are_mirrored() -> None:
    halves = Image.new("RGB", (64, 64), "black")
    halves.paste("white", (32, 0, 64, 64))

    mirrored = sum(bool(np.asarray(picture)[:, 0].mean() > 128) for picture in many(halves))

    assert 70 < mirrored < 130


def test_colour_stays_as_it_is() -> None:
    colour = np.asarray((200, 90, 40))

    for picture in many(Image.new("RGB", (64, 64), tuple(colour)), 60):
        assert np.abs(np.asarray(picture).reshape(-1, 3) - colour).max() <= 12
