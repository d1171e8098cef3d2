"""Answers for a batch, whatever one picture in it does to the network; and whose fault it is when there are none."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..detector.inference.micro_batches import is_out_of_memory

# Shapes: B images, H rows, W columns, C colours, K answers to one image, as logits.
Answers = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
# One face in one or several framings, uint8 HWC each.
Views = Sequence[NDArray[np.uint8]]
# So many go to the network in one array, of which it takes a micro-batch at a time: a batch of crowds has thousands.
VIEWS_AT_ONCE = 512

log = logging.getLogger(__name__)


class OutOfMemory(Exception):
    """Not even one picture fits into the device's memory: no picture's fault."""


class NetworkFails(Exception):
    """The network fails even on a plain grey image: it or its device is at fault, and no picture."""


def scored_inputs(answers: Answers, inputs: Iterable[Views]) -> list[NDArray[np.float64] | str]:
    """The answers_K of each input over all its views, or the reason why it has none. Raises OutOfMemory and NetworkFails.

    `inputs` are taken as they are needed.
    """
    found: list[NDArray[np.float64] | str] = []
    for part in _parts(inputs):
        rows = iter(answers_or_reasons(answers, np.stack([image for views in part for image in views])))
        found += [_over_views([next(rows) for _ in views]) for views in part]
    return found


def _parts(inputs: Iterable[Views]) -> Iterator[list[Views]]:
    """Consecutive `inputs`, so many that they have VIEWS_AT_ONCE, or a few more."""
    part, count = list[Views](), 0
    for views in inputs:
        part.append(views)
        count += len(views)
        if count >= VIEWS_AT_ONCE:
            yield part
            part, count = [], 0
    if part:
        yield part


def _over_views(rows: Sequence[NDArray[np.float64] | str]) -> NDArray[np.float64] | str:
    reason = next((row for row in rows if isinstance(row, str)), None)
    return reason or np.stack([row for row in rows if not isinstance(row, str)]).mean(0)


def answers_or_reasons(answers: Answers, images_BHWC: NDArray[np.uint8]) -> list[NDArray[np.float64] | str]:
    """The answers_K of each image, or the reason why it has none.

    A batch that fails is halved until the guilty image is alone. That it is guilty, and not the network or the device, is
    believed only if a plain grey image passes. Raises OutOfMemory and NetworkFails; no image is to be charged for either.
    """
    try:
        found = answers(images_BHWC)
        if not np.isfinite(found).all():
            raise FloatingPointError("the network's output is not a number")
        return [np.atleast_1d(row) for row in found]
    except Exception as error:
        if len(images_BHWC) > 1:
            log.warning("a batch of %d failed (%s) and is halved", len(images_BHWC), error)
            middle = len(images_BHWC) // 2
            return answers_or_reasons(answers, images_BHWC[:middle]) + answers_or_reasons(answers, images_BHWC[middle:])
        if is_out_of_memory(error):
            raise OutOfMemory(str(error)) from error
        if not _passes(answers, np.full_like(images_BHWC, 128)):
            raise NetworkFails(str(error) or type(error).__name__) from error
        return [f"the network fails on it: {error or type(error).__name__}"]


def _passes(answers: Answers, images_BHWC: NDArray[np.uint8]) -> bool:
    try:
        return bool(np.isfinite(answers(images_BHWC)).all())
    except Exception:
        log.exception("the network fails on a plain grey image, too")
        return False
