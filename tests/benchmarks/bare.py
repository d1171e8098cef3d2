"""Parts of a scan by themselves, on all cores, and the plain script that most people would write. Imports torch when asked."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scanner.base.settings import Settings
from worker.detector.image.picture import decode_rgb, prepare_pillow
from worker.detector.image.preprocess import to_square

if TYPE_CHECKING:
    from worker.detector.inference.scorer import Scorer

MAX_PIXELS = 1 << 28
CHUNK = 4


def loaded_scorer(settings: Settings) -> "Scorer":
    """The network as a worker with these settings loads it."""
    from worker.service.model_loading import load_scorer
    from worker.service.public_weights import chosen_checkpoint

    return load_scorer(chosen_checkpoint(settings).path, settings)


def prepared(size: int, content: bytes) -> NDArray[np.uint8]:
    """The input of the network that a file's bytes become: decoded and made a square of `size` pixels, uint8 HWC."""
    return to_square(decode_rgb(content, max_pixels=MAX_PIXELS, short_side=size).picture, size)


@contextmanager
def decoding_pool(size: int) -> Iterator[Callable[[Sequence[Path]], None]]:
    """Prepares files in as many processes as there are cores, already started; what they become is dropped there."""
    processes = os.cpu_count() or 1
    with multiprocessing.get_context("spawn").Pool(processes, prepare_pillow) as pool:
        pool.map(_started, range(4 * processes), 1)

        def decode(paths: Sequence[Path]) -> None:
            pool.map(partial(_dropped, size), paths, CHUNK)

        yield decode


def plain_script(settings: Settings) -> Callable[[Sequence[Path]], list[float]]:
    """Scores files as a short script would: Pillow, torchvision's transforms, eager float32, one picture at a time."""
    import torch
    from torchvision import transforms

    from worker.detector.checkpoints.checkpoint import load_checkpoint
    from worker.service.public_weights import chosen_checkpoint, named_backbones

    detector, card = load_checkpoint(chosen_checkpoint(settings).path, named_backbones(settings))
    seen = card.recipe.preprocessing
    transform = transforms.Compose(
        [
            transforms.Resize(seen.size, transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(seen.size),
            transforms.ToTensor(),
            transforms.Normalize(seen.mean, seen.std),
        ]
    )

    def score(path: Path) -> float:
        with Image.open(path) as picture, torch.inference_mode():
            return float(detector(transform(picture.convert("RGB"))[None]).sigmoid())

    return lambda paths: [score(path) for path in paths]


def _dropped(size: int, path: Path) -> None:
    prepared(size, path.read_bytes())


def _started(_number: int) -> None:
    """A task for each process, so that all have begun."""
