"""Logits and labels of manifest rows."""

from collections.abc import Sequence, Sized

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from scanner.domain.states import Basis
from worker.detector.faces.face_finder import require_face_finder
from worker.detector.inference.picture_score import answer_of, score_picture
from worker.detector.inference.predictor import Predictor

from ..data.dataset import Inputs, Pictures
from ..data.manifest import Row
from .weighted_metrics import Labels, Scores


def logits_of(
    predictor: Predictor,
    rows: Sequence[Row],
    *,
    processes: int = 0,
    batch_size: int = 64,
) -> Scores:
    """Uncalibrated logits in the order of `rows`."""
    size = predictor.card.recipe.preprocessing.size
    loader = DataLoader(Pictures(rows, size), batch_size, num_workers=processes, collate_fn=stacked, generator=torch.Generator())
    return np.concatenate([predictor.logits(images_BHWC) for images_BHWC in loader])


def face_logits_of(
    predictor: Predictor, rows: Sequence[Row], *, processes: int = 0, batch_size: int = 16
) -> tuple[Scores, NDArray[np.bool]]:
    """Uncalibrated logits in the order of `rows` as scanning gets them, from the faces in the pictures; and which have any.

    Raises ManifestError for a picture that cannot be read, and FaceFinderMissing.
    """
    require_face_finder()
    card = predictor.card
    pictures = Inputs(rows, card.recipe.preprocessing.size, card.face_inputs)
    loader = DataLoader(pictures, batch_size, num_workers=processes, collate_fn=list, generator=torch.Generator())
    logits, have_faces = [], []
    for samples in loader:
        views = [np.stack(item.views) for inputs in samples for item in inputs]
        answers = iter([part_VK.mean(0) for part_VK in _parted(predictor.answers(np.concatenate(views)), views)])
        for inputs in samples:
            found = score_picture(card, inputs, [answer_of(predictor, next(answers)) for _ in inputs])
            logits.append((found.logit - card.calibration.offset) / card.calibration.slope)
            have_faces.append(found.basis is not Basis.WHOLE)
    return np.asarray(logits), np.asarray(have_faces)


def _parted(values: Scores, groups: Sequence[Sized]) -> list[Scores]:
    """`values` in parts as long as `groups`."""
    return np.split(values, np.cumsum([len(group) for group in groups])[:-1])


def labels_of(rows: Sequence[Row]) -> Labels:
    """1 for fake, 0 for real, in the order of `rows`."""
    return np.asarray([row.label for row in rows], np.int64)


def stacked(samples: list[tuple[NDArray[np.uint8], int]]) -> NDArray[np.uint8]:
    """images_BHWC of `Pictures`, without the labels."""
    return np.stack([image for image, _ in samples])
