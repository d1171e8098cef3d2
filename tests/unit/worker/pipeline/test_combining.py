"""Contents judged by two networks together: one hears how bright its faces are, the other how bright the whole picture is."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from scanner.domain.labels import verdict
from scanner.domain.outcomes import ActiveModel
from scanner.domain.prediction import Face
from scanner.domain.states import Basis, Label
from worker.decoding.inputs import Ready, Shown
from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.checkpoints.late_fusion import LateFusion, Line, Part
from worker.detector.combined.scorer import CombinedScorer
from worker.detector.faces.face import Input
from worker.detector.faces.face_crops import FaceInputs
from worker.detector.image.preprocess import Preprocessing
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.picture_score import calibrated_score
from worker.detector.inference.scorer import Scorer
from worker.detector.model.recipes import COMBINED, Recipe
from worker.pipeline.aggregation import judge
from worker.pipeline.combining import judge_together
from worker.pipeline.judged import Judged

Images = NDArray[np.uint8]
FACE_SIDE, WHOLE_SIDE = 16, 24
MODEL = ActiveModel(1, "both", 0.7, 0.4, whole_images=True)
CPU = ChosenDevice("cpu", "a test")


def part(side: int, *, looked_for: bool, forward: Callable[[Images], NDArray[np.float64]] | None = None) -> Scorer:
    """Logits: 10 * brightness - 5."""
    recipe = Recipe("tiny", ("efficientnet-lite2",), (), 0.0, Preprocessing(side, (0.0,) * 3, (1.0,) * 3))
    shown = FaceInputs(looked_for=looked_for)
    card = CheckpointCard("tiny", recipe, Calibration(2.0), 0.5, 0.3, "", whole_images=not looked_for, face_inputs=shown)

    def brightness(images_BHWC: Images) -> NDArray[np.float64]:
        return 10 * images_BHWC.reshape(len(images_BHWC), -1).mean(1, keepdims=True) / 255 - 5

    return Scorer(forward or brightness, (), card, CPU, runtime="torch", micro_batch=4)


def scorer_of(faces: Scorer, whole: Scorer) -> CombinedScorer:
    named = tuple(
        Part(name, name[0] * 64, one.card.threshold, one.card.band_low, one.card.whole_images)
        for name, one in (("faces", faces), ("aside", whole))
    )
    named = tuple(replace(one, sha256=f"{number:064x}") for number, one in enumerate(named))
    bounds = ((0.0, 0.0), (-20.0, -20.0), (20.0, 20.0))
    lines = {"faces": Line((1.0, 0.0), *bounds), "both": Line((0.6, 0.4), *bounds), "whole": Line((0.0, 1.0), *bounds)}
    recipe = Recipe(COMBINED, (COMBINED,), (), 0.0, faces.card.recipe.preprocessing)
    card = CheckpointCard("both", recipe, Calibration(1.0, 0.25), 0.7, 0.4, "", True, fusion=LateFusion(named, lines))
    return CombinedScorer(card, [faces, whole])


@pytest.fixture(name="scorer", scope="module")
def _scorer() -> CombinedScorer:
    return scorer_of(part(FACE_SIDE, looked_for=True), part(WHOLE_SIDE, looked_for=False))


def plain(side: int, shade: int) -> Images:
    return np.full((side, side, 3), shade, np.uint8)


def content(face_shades: Sequence[int], whole_shade: int) -> Ready:
    """A picture with faces of these shades, or without any; small pixels of the whole one have another."""
    box = (0, 0, FACE_SIDE, FACE_SIDE)
    inputs = tuple(Input(plain(FACE_SIDE, shade), box, Face((0, 0, 50, 50), 1.0)) for shade in face_shades)
    whole = Shown((Input(plain(WHOLE_SIDE, whole_shade), box),))
    own = inputs or (Input(plain(FACE_SIDE, 255), box),)
    return Ready(own, "PNG", 64, 64, looked_for_faces=True, others=(whole,))


def logit(shade: int) -> float:
    return 2 * (10 * shade / 255 - 5)


def test_each_part_looks_at_inputs_of_its_own_and_all_are_weighed(scorer: CombinedScorer) -> None:
    [found, without] = judge(scorer, MODEL, [content((200, 90), 40), content((), 180)])
    assert isinstance(found, Judged)
    assert isinstance(without, Judged)
    assert found.score == pytest.approx(calibrated_score(0.6 * logit(200) + 0.4 * logit(40) + 0.25))
    assert found.prediction.basis is Basis.BOTH
    parts = {"faces": calibrated_score(logit(200)), "aside": calibrated_score(logit(40))}
    assert found.prediction.branches == pytest.approx(parts)
    assert found.prediction.disagreement == pytest.approx(parts["faces"] - parts["aside"])
    assert [face.score for face in found.prediction.faces or ()] == pytest.approx(
        [calibrated_score(logit(shade)) for shade in (200, 90)]
    )

    # What is shown to the part for faces is white, and does not count without a face.
    assert without.score == pytest.approx(calibrated_score(logit(180) + 0.25))
    assert (without.prediction.basis, without.prediction.is_without_face) == (Basis.WHOLE, True)
    assert verdict(without.score, without.prediction, MODEL) is Label.FAKE


def test_the_part_that_raises_the_score_most_leads(scorer: CombinedScorer) -> None:
    found = judge_together(scorer, MODEL, [content((250,), 150), content((10,), 250)])
    assert [one if isinstance(one, str) else scorer.names[one.leading] for one in found] == ["faces", "aside"]


def test_what_is_called_fake_is_tried_under_mild_conditions() -> None:
    """A network that likes single pixels finds none of them after recompression: with it alone the label would not hold."""
    rows, columns = np.indices((WHOLE_SIDE, WHOLE_SIDE))
    chequered = np.repeat((128 + 127 * (-1) ** (rows + columns))[..., None], 3, axis=2).astype(np.uint8)

    def fineness(images_BHWC: Images) -> NDArray[np.float64]:
        steps = np.abs(np.diff(images_BHWC.astype(float), axis=2)).mean((1, 2, 3))
        return (steps / 16 - 5)[:, None]

    scorer = scorer_of(part(FACE_SIDE, looked_for=True), part(WHOLE_SIDE, looked_for=False, forward=fineness))
    ready = content((230,), 0)
    fine = replace(ready, others=(Shown((Input(chequered, (0, 0, 1, 1)),)),))
    model = replace(MODEL, threshold=calibrated_score(0.6 * logit(230) + 0.25) + 1e-6)
    [found, held] = judge(scorer, model, [fine, content((255,), 255)])
    assert isinstance(found, Judged)
    assert isinstance(held, Judged)
    assert found.score > model.threshold
    assert (found.prediction.stable, verdict(found.score, found.prediction, model)) == (False, Label.UNCERTAIN)
    [strong] = judge(scorer, replace(MODEL, threshold=0.6), [content((255,), 255)])
    assert isinstance(strong, Judged)
    assert strong.prediction.stable is True


def test_a_part_that_fails_on_a_picture_fails_the_picture(scorer: CombinedScorer) -> None:
    """Never a score of the other part alone."""

    def fails(images_BHWC: Images) -> NDArray[np.float64]:
        if (images_BHWC.mean((1, 2, 3)) > 250).any():
            raise RuntimeError("no")
        return np.zeros((len(images_BHWC), 1))

    broken = scorer_of(part(FACE_SIDE, looked_for=True), part(WHOLE_SIDE, looked_for=False, forward=fails))
    first, second = judge(broken, MODEL, [content((200,), 255), content((200,), 40)])
    assert first == "aside: the network fails on it: no"
    assert isinstance(second, Judged)


def test_a_combination_needs_a_scorer_for_each_part(scorer: CombinedScorer) -> None:
    with pytest.raises(ValueError, match="each of its parts"):
        CombinedScorer(scorer.card, scorer.parts[:1])
    with pytest.raises(ValueError, match="each of its parts"):
        CombinedScorer(scorer.parts[0].card, scorer.parts)
