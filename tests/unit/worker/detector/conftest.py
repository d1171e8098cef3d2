"""Small random networks and images for the detector's tests. No public weights, no files from outside."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from training.config.recipes.reader import recipe_named
from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.image.normalise import normalise
from worker.detector.model.assembly import build_detector
from worker.detector.model.network import FusionDetector
from worker.detector.weights.public_weights import BackboneFiles

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def encoded() -> Callable[..., bytes]:
    """The bytes of a picture, as Pillow writes them."""

    def encode(picture: Image.Image, image_format: str, **options: object) -> bytes:
        buffer = BytesIO()
        picture.save(buffer, image_format, **options)
        return buffer.getvalue()

    return encode


@pytest.fixture(scope="session", name="images_BHWC")
def _images() -> NDArray[np.uint8]:
    """Seven images of coloured patches, from coarse to fine, 64 x 64."""
    rng = np.random.default_rng(0)
    patches = [Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8)) for side in range(3, 10)]
    return np.stack([np.asarray(picture.resize((64, 64), Image.Resampling.BICUBIC)) for picture in patches])


@pytest.fixture(scope="session")
def card() -> CheckpointCard:
    recipe = recipe_named("lite").network
    recipe = replace(recipe, preprocessing=replace(recipe.preprocessing, size=64))
    return CheckpointCard("tiny", recipe, Calibration(1.5, -0.25), 0.75, 0.5, "2026-11-22T10:00:00+00:00")


@pytest.fixture(scope="session")
def lite(card: CheckpointCard, images_BHWC: NDArray[np.uint8]) -> FusionDetector:
    """A random `lite` network in which every tensor matters: no zero head, no neutral batch-norm statistics."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        detector = build_detector(card.recipe, BackboneFiles()).eval()
        for module in detector.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.02)
                module.running_var.uniform_(0.9, 1.1)
        last = detector.head[-1]
        last.weight.normal_()
        logits_B = detector(normalise(torch.from_numpy(images_BHWC), card.recipe.preprocessing))
        scale = 1 / logits_B.std()
        last.weight.mul_(scale)
        last.bias.fill_(-float(logits_B.mean() * scale))
    return detector
