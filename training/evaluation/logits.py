"""Logits and labels of manifest rows, and scores of pictures as scanning has them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanner.domain.states import Basis
from worker.detector.faces.face import Input
from worker.detector.faces.face_finder import require_face_finder
from worker.detector.inference.picture_score import answer_of, score_picture
from worker.detector.inference.scorer import Scorer, sigmoid

from ..data.dataset import Inputs, Pictures
from ..data.loading import loader_of
from ..data.manifest import Row
from .weighted_metrics import Labels, Scores


@dataclass(frozen=True)
class ScannedScores:
    """Per picture its calibrated logit, what that rests on, and how many faces were judged (in an animation, in all frames)."""

    logits: Scores
    bases: NDArray[np.str_]
    faces: NDArray[np.int64]

    @property
    def scores(self) -> Scores:
        """P(fake), as scanning says it."""
        return sigmoid(self.logits)

    @property
    def have_faces(self) -> NDArray[np.bool]:
        """Which pictures are scored by a face in them."""
        has: NDArray[np.bool] = self.bases != Basis.WHOLE.value
        return has


def logits_of(
    predictor: Scorer,
    rows: Sequence[Row],
    *,
    processes: int = 0,
    batch_size: int = 64,
) -> Scores:
    """Uncalibrated logits in the order of `rows`."""
    size, resize = predictor.card.recipe.preprocessing.size, predictor.card.face_inputs.resize
    loader = loader_of(Pictures(rows, size, resize=resize), batch_size=batch_size, processes=processes, collate=stacked)
    return np.concatenate([predictor.logits(images_BHWC) for images_BHWC in loader])


def scanned_scores_of(predictor: Scorer, rows: Sequence[Row], *, processes: int = 0, batch_size: int = 16) -> ScannedScores:
    """What scanning says of the pictures of `rows`, in their order: by the faces in them, and as a whole.

    Raises ManifestError for a picture that cannot be read, and FaceFinderMissing.
    """
    require_face_finder()
    card = predictor.card
    pictures = Inputs(rows, card.recipe.preprocessing.size, card.face_inputs)
    loader = loader_of(pictures, batch_size=batch_size, processes=processes, collate=list)
    return scanned_scores(predictor, loader)


def scanned_scores(predictor: Scorer, batches: Iterable[Sequence[Sequence[Input]]]) -> ScannedScores:
    """The same of pictures that were looked at already: `batches` of the inputs of each."""
    logits, bases, faces = [], [], []
    for samples in batches:
        items = [item for inputs in samples for item in inputs]
        if not items:
            continue
        answers_VK = predictor.answers(np.concatenate([np.stack(item.views) for item in items]))
        ends = np.cumsum([len(item.views) for item in items])[:-1]
        answers = iter([answer_of(predictor, part_VK.mean(0)) for part_VK in np.split(answers_VK, ends)])
        for inputs in samples:
            found = score_picture(predictor.card, inputs, [next(answers) for _ in inputs])
            logits.append(found.logit)
            bases.append(found.basis.value)
            faces.append(sum(item.face is not None for item in inputs))
    return ScannedScores(np.asarray(logits, np.float64), np.asarray(bases, np.str_), np.asarray(faces, np.int64))


def labels_of(rows: Sequence[Row]) -> Labels:
    """1 for fake, 0 for real, in the order of `rows`."""
    return np.asarray([row.label for row in rows], np.int64)


def stacked(samples: list[tuple[NDArray[np.uint8], int]]) -> NDArray[np.uint8]:
    """images_BHWC of `Pictures`, without the labels."""
    return np.stack([image for image, _ in samples])
