"""Logits and labels of manifest rows, and scores of pictures as scanning has them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanner.domain.states import Basis
from worker.detector.checkpoints.late_fusion import PartScore, fused
from worker.detector.combined.scorer import AnyScorer, CombinedScorer
from worker.detector.faces.face import Input
from worker.detector.faces.face_finder import require_face_finder
from worker.detector.faces.input_selection import Wanted
from worker.detector.inference.picture_score import PictureScore, answer_of, score_picture
from worker.detector.inference.scorer import Scorer, sigmoid

from ..data.dataset import Inputs, Pictures
from ..data.loading import loader_of
from ..data.manifest import Row
from .weighted_metrics import Labels, Scores

# What each network is shown of a picture. Shapes: I pictures, N networks.
Sample = Sequence[Sequence[Input]]


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
    predictor: AnyScorer,
    rows: Sequence[Row],
    *,
    processes: int = 0,
    batch_size: int = 64,
) -> Scores:
    """Uncalibrated logits in the order of `rows`; of a combination, the weighted sum of its parts' calibrated ones."""
    if isinstance(predictor, CombinedScorer):
        each = [logits_of(part, rows, processes=processes, batch_size=batch_size) for part in predictor.parts]
        return fused_logits(predictor, np.stack(each, axis=1))
    size, resize = predictor.card.recipe.preprocessing.size, predictor.card.face_inputs.resize
    loader = loader_of(Pictures(rows, size, resize=resize), batch_size=batch_size, processes=processes, collate=stacked)
    return np.concatenate([predictor.logits(images_BHWC) for images_BHWC in loader])


def fused_logits(predictor: CombinedScorer, logits_IN: NDArray[np.float64]) -> Scores:
    """logits_I of pictures that are taken as they are, from the uncalibrated ones of the parts."""
    cards = [part.card.calibration for part in predictor.parts]
    calibrated_IN = np.asarray([card.slope for card in cards]) * logits_IN + np.asarray([card.offset for card in cards])
    scores = ([PartScore(logit, Basis.WHOLE, looked_for_faces=False) for logit in row] for row in calibrated_IN.tolist())
    return np.asarray([fused(predictor.fusion, row).logit for row in scores], np.float64)


def scanned_scores_of(predictor: AnyScorer, rows: Sequence[Row], *, processes: int = 0, batch_size: int = 16) -> ScannedScores:
    """What scanning says of the pictures of `rows`, in their order: by the faces in them, and as a whole.

    Raises ManifestError for a picture that cannot be read, and FaceFinderMissing.
    """
    return scanned_scores(predictor, looked_batches(rows, predictor.wanted, processes=processes, batch_size=batch_size))


def looked_batches(
    rows: Sequence[Row], wanted: Sequence[Wanted], *, processes: int = 0, batch_size: int = 16
) -> Iterable[Sequence[Sample]]:
    """The pictures of `rows` as scanning shows them, some at a time. Raises ManifestError and FaceFinderMissing."""
    require_face_finder()
    return loader_of(Inputs(rows, wanted), batch_size=batch_size, processes=processes, collate=list)


def scanned_scores(predictor: AnyScorer, batches: Iterable[Sequence[Sample]], *, faces: bool = True) -> ScannedScores:
    """The same of pictures that were looked at already; `faces` says whether for faces."""
    logits, bases, counts = [], [], []
    combined = predictor if isinstance(predictor, CombinedScorer) else None
    parts = predictor.parts if isinstance(predictor, CombinedScorer) else (predictor,)
    shown = combined.shown_part if combined else 0
    for samples in batches:
        by_part = [_scored(part, [sample[number] for sample in samples]) for number, part in enumerate(parts)]
        for sample, found in zip(samples, zip(*by_part, strict=True), strict=True):
            whole = combined.fused(part_scores(parts, found, faces=faces)) if combined else found[0]
            logits.append(whole.logit)
            bases.append(whole.basis.value)
            counts.append(sum(item.face is not None for item in sample[shown]))
    return ScannedScores(np.asarray(logits, np.float64), np.asarray(bases, np.str_), np.asarray(counts, np.int64))


def scanned_parts(parts: Sequence[Scorer], batches: Iterable[Sequence[Sample]]) -> Iterator[list[PartScore]]:
    """What each of several models says of each picture, which was looked at for faces."""
    for samples in batches:
        by_part = [_scored(part, [sample[number] for sample in samples]) for number, part in enumerate(parts)]
        for found in zip(*by_part, strict=True):
            yield part_scores(parts, found)


def part_scores(parts: Sequence[Scorer], found: Sequence[PictureScore], *, faces: bool = True) -> list[PartScore]:
    """Scores of parts, with what their fusion goes by."""
    return [
        PartScore(one.logit, one.basis, faces and part.card.face_inputs.looked_for)
        for part, one in zip(parts, found, strict=True)
    ]


def _scored(predictor: Scorer, samples: Sequence[Sequence[Input]]) -> list[PictureScore]:
    items = [item for inputs in samples for item in inputs]
    if not items:
        return []
    answers_VK = predictor.answers(np.concatenate([np.stack(item.views) for item in items]))
    ends = np.cumsum([len(item.views) for item in items])[:-1]
    answers = iter([answer_of(predictor, part_VK.mean(0)) for part_VK in np.split(answers_VK, ends)])
    return [score_picture(predictor.card, inputs, [next(answers) for _ in inputs]) for inputs in samples]


def labels_of(rows: Sequence[Row]) -> Labels:
    """1 for fake, 0 for real, in the order of `rows`."""
    return np.asarray([row.label for row in rows], np.int64)


def stacked(samples: list[tuple[NDArray[np.uint8], int]]) -> NDArray[np.uint8]:
    """images_BHWC of `Pictures`, without the labels."""
    return np.stack([image for image, _ in samples])
