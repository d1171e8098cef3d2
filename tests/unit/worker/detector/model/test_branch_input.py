"""The network's input as a branch wants it: against Pillow's own resize, and against the normalisation of the project."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from worker.detector.image.normalise import normalise
from worker.detector.image.preprocess import Preprocessing, to_square
from worker.detector.model.branch_input import BranchInput

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
HALVES = ((0.5,) * 3, (0.5,) * 3)


def texture(size: int, low: int = 60, high: int = 196) -> NDArray[np.uint8]:
    """Noise of single pixels; within such bounds no interpolation leaves the range of a byte."""
    return np.random.default_rng(size).integers(low, high, (size, size, 3), np.uint8)


def as_bytes(images_BCHW: torch.Tensor, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """What `normalise` was given: HWC on the scale of bytes, not rounded."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (preprocessing.mean, preprocessing.std))
    return (255 * (images_BCHW[0] * std + mean)).permute(1, 2, 0).numpy()


@pytest.mark.parametrize(("size", "to"), [(192, 224), (240, 224), (224, 192), (384, 224), (100, 224), (224, 97)])
def test_the_resize_is_that_of_pillow_but_for_rounding(size: int, to: int) -> None:
    network, branch = Preprocessing(size, *HALVES), Preprocessing(to, *CLIP)
    image_HWC = texture(size)

    found = as_bytes(BranchInput(network, branch)(normalise(torch.from_numpy(image_HWC[None]), network)), branch)

    expected = to_square(Image.fromarray(image_HWC), to).astype(float)
    # Pillow rounds to bytes after the columns and again after the rows.
    assert found.shape == (to, to, 3)
    assert np.abs(found - expected).max() < 1.6
    assert np.abs(found - expected).mean() < 0.5
    assert np.ptp(expected) > 40, "a flat picture shows nothing"


@pytest.mark.parametrize("size", [64, 192])
def test_a_picture_of_one_colour_keeps_it_to_the_edge(size: int) -> None:
    network, branch = Preprocessing(size, *HALVES), Preprocessing(224, *CLIP)
    images_BHWC = torch.full((1, size, size, 3), 201, dtype=torch.uint8)

    found = as_bytes(BranchInput(network, branch)(normalise(images_BHWC, network)), branch)

    np.testing.assert_allclose(found, 201, atol=1e-3)


@pytest.mark.parametrize(("own", "other"), [(HALVES, CLIP), (CLIP, IMAGENET), (IMAGENET, IMAGENET)])
def test_normalised_anew_is_as_if_normalised_so_from_the_first(own: tuple, other: tuple) -> None:
    network, branch = Preprocessing(48, *own), Preprocessing(48, *other)
    images_BHWC = torch.from_numpy(texture(48, 0, 256)[None])

    found = BranchInput(network, branch)(normalise(images_BHWC, network))

    torch.testing.assert_close(found, normalise(images_BHWC, branch), rtol=0, atol=2e-6)


def test_it_has_nothing_to_learn_and_nothing_to_store() -> None:
    own = BranchInput(Preprocessing(48, *HALVES), Preprocessing(64, *CLIP))

    assert not list(own.parameters())
    assert not own.state_dict(), "a checkpoint would carry what its card says already"


def test_gradients_pass_through() -> None:
    images_BCHW = torch.zeros(1, 3, 48, 48, requires_grad=True)

    BranchInput(Preprocessing(48, *HALVES), Preprocessing(64, *CLIP))(images_BCHW).sum().backward()

    assert images_BCHW.grad is not None
    # Each pixel's share of an enlarged picture is the ratio of the areas, over the branch's standard deviation.
    torch.testing.assert_close(images_BCHW.grad[0, :, 24, 24], (64 / 48) ** 2 * 0.5 / torch.tensor(CLIP[1]), rtol=0.05, atol=0)
