"""Contents scored by several models together: each part by its own network and rules, then one weighted sum."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from scanner.domain.labels import verdict
from scanner.domain.outcomes import ActiveModel
from scanner.domain.prediction import Prediction
from scanner.domain.states import Label

from ..decoding.inputs import Ready
from ..detector.checkpoints.late_fusion import PartScore
from ..detector.combined.scorer import CombinedScorer
from ..detector.image.perturbations import mild_conditions, under
from ..detector.inference.picture_score import calibrated_score
from ..detector.inference.scorer import Scorer
from .judged import Judged, judged_by_rows
from .scoring import scored_inputs


@dataclass(frozen=True)
class Together:
    """The verdict of all, that of each part alone, and the place of the part that raises the score most."""

    judged: Judged
    parts: tuple[Judged, ...]
    leading: int


def judge_together(scorer: CombinedScorer, model: ActiveModel, contents: Sequence[Ready]) -> list[Together | str]:
    """Score all contents by each part in turn, then together; for a content on which the network of a part fails, the reason.

    What would be called fake is tried again under mild conditions, as for a model that scores alone.
    """
    shown = [ready.parts for ready in contents]
    by_part = [_judged(part, [parts[number] for parts in shown]) for number, part in enumerate(scorer.parts)]
    found = [_together(scorer, parts, judged) for parts, judged in zip(shown, zip(*by_part, strict=True), strict=True)]
    called = [
        number
        for number, each in enumerate(found)
        if isinstance(each, Together) and verdict(each.judged.score, each.judged.prediction, model) is Label.FAKE
    ]
    held = _still_fake(scorer, model, [shown[number] for number in called], [found[number] for number in called])
    for number, stable in zip(called, held, strict=True):
        each = found[number]
        assert isinstance(each, Together)
        prediction = replace(each.judged.prediction, stable=stable)
        found[number] = replace(each, judged=replace(each.judged, prediction=prediction))
    return found


def combined(scorer: CombinedScorer, shown: Sequence[Ready], parts: Sequence[Judged]) -> Together:
    """The verdict on a content that each part was `shown` so, and judged so. All faces are kept, with the scores of one part."""
    fused = scorer.fused(
        [
            PartScore(judged.logit, judged.prediction.basis, ready.looked_for_faces)
            for ready, judged in zip(shown, parts, strict=True)
        ]
    )
    first = parts[scorer.shown_part]
    scores = {name: judged.score for name, judged in zip(scorer.names, parts, strict=True)}
    prediction = Prediction(fused.basis, first.prediction.faces, branches=scores, frames=first.prediction.frames)
    score = calibrated_score(fused.logit)
    return Together(Judged(score, prediction, first.inputs, first.deciding, fused.logit), tuple(parts), fused.leading)


def _judged(part: Scorer, contents: Sequence[Ready]) -> list[Judged | str]:
    rows = iter(scored_inputs(part.answers, [item.views for ready in contents for item in ready.inputs]))
    return [judged_by_rows(part, ready, list(islice(rows, len(ready.inputs)))) for ready in contents]


def _together(scorer: CombinedScorer, shown: Sequence[Ready], judged: Sequence[Judged | str]) -> Together | str:
    parts: list[Judged] = []
    for name, found in zip(scorer.names, judged, strict=True):
        if isinstance(found, str):
            return f"{name}: {found}"
        parts.append(found)
    return combined(scorer, shown, parts)


def _still_fake(
    scorer: CombinedScorer, model: ActiveModel, called: Sequence[Sequence[Ready]], found: Sequence[Together | str]
) -> list[bool | None]:
    """For each content, as its parts are shown it: whether it is still called fake under every mild condition.

    Each part looks at the frame that decided it; None where a network fails on a changed input.
    """
    conditions = mild_conditions()
    tried: list[list[Ready]] = []
    for parts, together in zip(called, found, strict=True):
        assert isinstance(together, Together)
        tried.append([_deciding_frame(ready, judged) for ready, judged in zip(parts, together.parts, strict=True)])
    scores: list[list[list[PartScore | None]]] = [[[] for _ in conditions] for _ in tried]
    for number, part in enumerate(scorer.parts):
        own = [parts[number] for parts in tried]
        changed = (
            [under(condition, image) for image in item.views]
            for ready in own
            for condition in conditions
            for item in ready.inputs
        )
        rows = iter(scored_inputs(part.answers, changed))
        for ready, of_content in zip(own, scores, strict=True):
            for of_condition in of_content:
                of_condition.append(_part_score(part, ready, [next(rows) for _ in ready.inputs]))
    return [_holds(scorer, model, of_content) for of_content in scores]


def _deciding_frame(ready: Ready, judged: Judged) -> Ready:
    frame = ready.inputs[judged.deciding].frame
    return replace(ready, inputs=tuple(item for item in ready.inputs if item.frame == frame), is_video=False)


def _part_score(part: Scorer, ready: Ready, rows: Sequence[NDArray[np.float64] | str]) -> PartScore | None:
    judged = judged_by_rows(part, ready, rows)
    return None if isinstance(judged, str) else PartScore(judged.logit, judged.prediction.basis, ready.looked_for_faces)


def _holds(scorer: CombinedScorer, model: ActiveModel, scores: Sequence[Sequence[PartScore | None]]) -> bool | None:
    known = [[score for score in of_condition if score is not None] for of_condition in scores]
    if any(len(kept) < len(scorer.parts) for kept in known):
        return None
    return all(calibrated_score(scorer.fused(kept).logit) >= model.threshold for kept in known)
