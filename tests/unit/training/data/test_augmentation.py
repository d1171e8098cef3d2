import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from training.data.augmentation import Augmentation, augmented

ALL = Augmentation()


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def many(picture: Image.Image, count: int = 200) -> Iterator[Image.Image]:
    return (augmented(picture, ALL, random.Random(seed)) for seed in range(count))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_pixels(seed: int) -> None:
    picture = noise(48, 40)

    first, second = augmented(picture, ALL, random.Random(seed)), augmented(picture, ALL, random.Random(seed))

    assert np.array_equal(np.asarray(first), np.asarray(second))


def test_other_seeds_give_other_pictures() -> None:
    assert len({picture.tobytes() for picture in many(noise(48, 40), 30)}) == 30


def test_original_stays_untouched() -> None:
    """The original stays untouched and global randomness unused."""
    picture = noise(48, 40)
    before, state = picture.tobytes(), random.getstate()

    assert len(list(many(picture, 30))) == 30

    assert picture.tobytes() == before
    assert random.getstate() == state


@settings(max_examples=100, deadline=None)
@given(st.integers(24, 200), st.integers(24, 200), st.integers(0, 2**32))
def test_pictures_stay_rgb_and_at_least_16_pixels(width: int, height: int, seed: int) -> None:
    picture = augmented(Image.new("RGB", (width, height)), ALL, random.Random(seed))

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


def test_colours_keep_their_relations() -> None:
    """Exposure may change, and noise may be added; red stays the strongest and the mean hue where it was."""
    for picture in many(Image.new("RGB", (64, 64), (200, 90, 40)), 60):
        red, green, blue = np.asarray(picture).reshape(-1, 3).mean(0)
        assert red > 1.5 * green > 2 * blue


def test_a_grey_picture_stays_grey_in_the_mean() -> None:
    for picture in many(Image.new("RGB", (64, 64), (128, 128, 128)), 60):
        means = np.asarray(picture).reshape(-1, 3).mean(0)
        assert np.ptp(means) < 3


def test_nothing_is_done_where_nothing_is_asked_for() -> None:
    nothing = Augmentation(flip=0, crop=1, rescale=0, blur=0, noisy=0, tone=0, recompress=0)

    assert all(
        np.abs(np.subtract(augmented(noise(40, 40), nothing, random.Random(seed)).size, (40, 40))).max() <= 3
        for seed in range(20)
    )


@pytest.mark.parametrize(
    ("step", "changes"),
    [
        ("recompress", {"recompress": 1.0, "twice": 0.0}),
        ("twice", {"recompress": 1.0, "twice": 1.0}),
        ("blur", {"blur": 1.0}),
        ("noise", {"noisy": 1.0}),
        ("tone", {"tone": 1.0}),
        ("rescale", {"rescale": 1.0}),
    ],
)
def test_every_step_changes_the_picture(step: str, changes: dict[str, float]) -> None:
    off = {"flip": 0, "crop": 1, "rescale": 0, "blur": 0, "noisy": 0, "tone": 0, "recompress": 0}
    without, with_step = Augmentation(**off), Augmentation(**{**off, **changes})

    changed = [
        augmented(noise(40, 40), with_step, random.Random(seed)).tobytes()
        != augmented(noise(40, 40), without, random.Random(seed)).tobytes()
        for seed in range(20)
    ]

    assert sum(changed) >= 19, step


@pytest.mark.parametrize(
    "wrong", [{"flip": 1.5}, {"crop": 0.0}, {"forge": -0.1}, {"scales": (1.3, 0.4)}, {"qualities": (0, 95)}, {"noise": 0.5}]
)
def test_impossible_plans_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="augmentation"):
        Augmentation(**wrong)


def test_a_picture_is_framed_anew_as_often_as_asked() -> None:
    looser = replace(ALL, frame=1.0, frames=(1.4, 1.4), flip=0, tone=0, rescale=0, blur=0, noisy=0, recompress=0)

    framed = [augmented(noise(100, 100), looser, random.Random(seed)) for seed in range(20)]

    assert {picture.size for picture in framed} == {(140, 140)}
    assert {augmented(noise(100, 100), replace(looser, frame=0), random.Random(0)).size < (107, 107)} == {True}


@pytest.mark.parametrize("changes", [{"frame": 1.1}, {"frames": (0.0, 1.0)}, {"frames": (1.2, 1.0)}])
def test_frames_that_do_not_exist_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="augmentation"):
        replace(ALL, **changes)
