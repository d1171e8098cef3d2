"""The second half of an augmentation in torch beside the same of Pillow: picture by picture, and in distribution."""

import random
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import ks_2samp

from tests.benchmarks.pictures import face_sized
from training.config.hyperparameters import TrainingPlan
from training.data.augmentation import Augmentation, degraded
from training.data.feeding.device_augmentation import as_jpeg, degraded_on_device
from training.data.manifest import Row
from training.loop.distributed import Team
from training.loop.schedule import batches, schedule_of
from worker.detector.image.preprocess import Preprocessing, to_square

NOTHING = Augmentation(0, 1, rescale=0, blur=0, noisy=0, tone=0, recompress=0, twice=0)
SIZE = 96


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    """Twelve with the detail of natural ones, of several sizes."""
    opened = [Image.open(BytesIO(face_sized(number))).convert("RGB") for number in range(12)]
    return [picture.resize((101 + 2 * number, 121)) for number, picture in enumerate(opened)]


def both(picture: Image.Image, plan: Augmentation, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The picture by Pillow and by torch."""
    one = to_square(degraded(picture, plan, random.Random(seed)), SIZE)
    other = degraded_on_device([torch.from_numpy(np.array(picture))], [seed], plan, SIZE)
    assert (other.dtype, other.shape) == (torch.uint8, (1, SIZE, SIZE, 3))
    return one.astype(float), other[0].numpy().astype(float)


@pytest.mark.parametrize(
    ("step", "most"),
    [({}, 1.0), ({"tone": 1}, 1.0), ({"rescale": 1}, 4.0), ({"blur": 1}, 1.5), ({"recompress": 1}, 4.0)],
    ids=["nothing", "tone", "rescale", "blur", "recompress"],
)
def test_each_step_gives_nearly_the_same_picture(pictures: list[Image.Image], step: dict[str, float], most: float) -> None:
    """Mean difference in levels of 255; half a pixel of a cut, Lanczos and WebP are what differs."""
    plan = replace(NOTHING, **step)  # type: ignore[arg-type]

    found = [both(picture, plan, seed) for seed, picture in enumerate(pictures)]

    changes = [np.abs(one - other).mean() for one, other in found]
    assert np.median(changes) < most


@pytest.mark.parametrize("quality", [30, 60, 95])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_a_jpeg_is_what_an_encoder_makes_of_it(pictures: list[Image.Image], quality: int, subsampling: int) -> None:
    """Far nearer to libjpeg's than that is to the picture."""
    for picture in pictures[:4]:
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
        encoded = np.asarray(Image.open(buffer).convert("RGB"), float)
        shown = as_jpeg(torch.from_numpy(np.array(picture)).permute(2, 0, 1).float(), quality, halved=subsampling == 2)

        apart = np.abs(shown.permute(1, 2, 0).numpy() - encoded).mean()
        assert apart < 1.0
        assert apart < 0.25 * np.abs(np.asarray(picture, float) - encoded).mean() + 0.3


def figures_of(image: NDArray[np.float64]) -> list[float]:
    """Brightness, contrast, detail, detail of colours, and what lies on the edges of blocks."""
    grey, colour = image.mean(-1), image[..., 0] - image[..., 2]
    across = np.abs(np.diff(grey, axis=1))
    return [grey.mean(), grey.std(), across.mean(), np.abs(np.diff(colour, axis=0)).mean(), np.abs(np.diff(grey, 2)).mean()]


def test_all_steps_together_have_the_same_distribution(pictures: list[Image.Image]) -> None:
    """Of draws that have nothing to do with each other: no figure's distributions can be told apart (Kolmogorov-Smirnov)."""
    plan = Augmentation(flip=0, crop=1, noisy=0.5)
    ones, others = [], []
    for number in range(120):
        picture = pictures[number % len(pictures)]
        ones.append(figures_of(both(picture, plan, number)[0]))
        others.append(figures_of(both(picture, plan, number + 1000)[1]))

    for one, other in zip(np.transpose(ones), np.transpose(others), strict=True):
        assert ks_2samp(one, other).pvalue > 0.01


def test_noise_is_as_strong(pictures: list[Image.Image]) -> None:
    plan = replace(NOTHING, noisy=1)
    grey = Image.new("RGB", (SIZE, SIZE), (128, 128, 128))

    for seed in range(6):
        one, other = both(grey, plan, seed)
        assert other.std() == pytest.approx(one.std(), rel=0.05)
        assert other.mean() == pytest.approx(one.mean(), abs=0.3)
        assert not np.array_equal(other, both(grey, plan, seed + 100)[1])
        assert np.array_equal(other, both(grey, plan, seed)[1])


def test_a_run_is_augmented_on_its_device(rows: Sequence[Row], tmp_path: Path) -> None:
    """Also by processes that load; the same seed gives the same pictures, and labels are those of the other way."""
    plan = TrainingPlan((16,), 1, 8, "adam", 0.1, augmentation=Augmentation(forge=0.5, frame=0.5, on_device=True))
    elsewhere = replace(plan, augmentation=replace(plan.augmentation, on_device=False))
    team = Team(torch.device("cpu"))

    def shown(plan: TrainingPlan, processes: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        schedule, seen = schedule_of(rows, plan, team), Preprocessing(16, (0.5,) * 3, (0.5,) * 3)
        left = batches(rows, schedule, plan, seen, step=0, team=team, processes=processes)
        return [(batch.images_BCHW, batch.labels_B) for batch in left]

    first, again, other = shown(plan, 0), shown(plan, 1), shown(elsewhere, 0)

    for (images_BCHW, labels_B), (images_again, labels_again), (images_other, labels_other) in zip(
        first, again, other, strict=True
    ):
        assert images_BCHW.shape[1:] == (3, 16, 16)
        assert torch.equal(images_BCHW, images_again)
        assert torch.equal(labels_B, labels_again)
        assert torch.equal(labels_B, labels_other)
        assert not torch.equal(images_BCHW, images_other)
