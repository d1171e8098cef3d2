"""Contents judged by a network with two heads: one hears the brightness of faces, the other the fineness of whole pictures."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from files.measuring import Measuring
from numpy.typing import NDArray

from scanner.domain.labels import verdict
from scanner.domain.outcomes import ActiveModel
from scanner.domain.prediction import Face
from scanner.domain.states import Basis, Label
from worker.decoding.inputs import Input, Ready
from worker.detector.checkpoints.card import Calibration, CheckpointCard, Combination
from worker.detector.image.preprocess import Preprocessing
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor
from worker.detector.inference.scorer import sigmoid
from worker.detector.model.network import FusionDetector
from worker.detector.model.recipes import Recipe
from worker.pipeline.aggregation import judge
from worker.pipeline.judged import Judged

SIDE = 48
BOX = (0, 0, SIDE, SIDE)
RECIPE = Recipe(
    "two heads",
    ("resnet101", "efficientnet-lite2"),
    (),
    0.0,
    Preprocessing(SIDE, (0.0,) * 3, (1.0,) * 3),
    whole=("efficientnet-lite2",),
)
CARD = CheckpointCard(
    "two heads",
    RECIPE,
    Calibration(2.0, -1.0),
    0.9,
    0.5,
    "",
    whole_images=True,
    combinations={
        "faces": Combination(1.0, 0.0, 0.0),
        "whole": Combination(0.0, 1.0, 0.0),
        "both": Combination(1.0, 1.0, 0.0),
    },
)
MODEL = ActiveModel(1, "two heads", 0.9, 0.5, whole_images=True)
Images = NDArray[np.uint8]


@pytest.fixture(scope="module", name="predictor")
def _predictor() -> Predictor:
    """Logits: 10 * brightness - 5 of faces, 10 * fineness - 5 of whole pictures."""
    branches = {"bright": Measuring(fine=False), "fine": Measuring(fine=True)}
    detector = FusionDetector(branches, (), 0.0, whole=("fine",))
    assert detector.whole_head is not None
    with torch.no_grad():
        for head, weights in ((detector.head[-1], [10.0, 0.0]), (detector.whole_head[-1], [10.0])):
            head.weight.copy_(torch.tensor([weights]))
            head.bias.fill_(-5.0)
        detector.neutral_D.fill_(0.5)
    return Predictor(detector, CARD, ChosenDevice("cpu", "for a test"), micro_batch=4)


def plain(shade: int) -> Images:
    return np.full((SIDE, SIDE, 3), shade, np.uint8)


def chequered(amplitude: int) -> Images:
    """Single pixels, lighter and darker in turn; amplitude 127 is the finest that there is."""
    rows, columns = np.indices((SIDE, SIDE))
    return np.repeat((128 + amplitude * (-1) ** (rows + columns))[..., None], 3, axis=2).astype(np.uint8)


def of_face(image: Images, *framings: Images, side: int = 9, frame: int = 0) -> Input:
    return Input(image, BOX, Face((0, 0, side, side), 1.0, frame=frame), framings=framings, frame=frame)


def content(*inputs: Input, unjudged: Sequence[Face] = ()) -> Ready:
    return Ready(inputs, "PNG", SIDE, SIDE, looked_for_faces=True, unjudged=tuple(unjudged))


def judged(predictor: Predictor, *contents: Ready) -> list[Judged]:
    found = judge(predictor, MODEL, contents)
    assert all(isinstance(item, Judged) for item in found), found
    return [item for item in found if isinstance(item, Judged)]


def of(logit: float) -> float:
    return float(sigmoid(np.asarray(logit)))


def test_the_head_that_speaks_is_said_and_its_weights_count(predictor: Predictor) -> None:
    face, alone, both = judged(
        predictor,
        content(of_face(plain(153))),
        content(Input(plain(153), BOX)),
        content(of_face(plain(153)), Input(plain(0), BOX)),
    )

    assert [item.prediction.basis for item in (face, alone, both)] == [Basis.FACES, Basis.WHOLE, Basis.BOTH]
    assert face.score == pytest.approx(of(1.0), abs=1e-6)
    assert alone.score == pytest.approx(of(-5.0), abs=1e-6)
    assert both.score == pytest.approx(of(1.0 - 5.0), abs=1e-6)


def test_scores_of_single_faces(predictor: Predictor) -> None:
    small = Face((3, 3, 5, 5), 0.8)

    [found] = judged(predictor, content(of_face(plain(51)), of_face(plain(255), side=4), Input(plain(0), BOX), unjudged=[small]))

    assert found.prediction.faces is not None
    scores = [face.score for face in found.prediction.faces]
    assert scores[:2] == pytest.approx([of(2 * -3 - 1), of(2 * 5 - 1)], abs=1e-6)
    assert scores[2] is None
    assert found.deciding == 1
    odds = (81 * np.exp(-3) + 16 * np.exp(5)) / 97
    assert found.score == pytest.approx(of(np.log(odds) - 5), abs=1e-6)


def test_framings_of_a_face_have_the_mean_of_their_logits(predictor: Predictor) -> None:
    [found] = judged(predictor, content(of_face(plain(51), plain(255))))

    assert found.score == pytest.approx(of((-3 + 5) / 2), abs=1e-6)


def test_contents_that_are_judged_together_are_judged_as_if_alone(predictor: Predictor) -> None:
    contents = [
        content(of_face(plain(200), plain(90)), Input(chequered(60), BOX)),
        content(Input(chequered(100), BOX)),
        content(of_face(plain(20)), of_face(plain(240)), Input(plain(7), BOX)),
    ]

    together = judged(predictor, *contents)

    alone = [judged(predictor, one)[0] for one in contents]
    assert [item.score for item in together] == pytest.approx([item.score for item in alone], abs=1e-6)
    assert len({item.score for item in together}) == 3


def test_stability_with_two_heads(predictor: Predictor) -> None:
    """Fineness of single pixels is gone after a resize, brightness is not; either may be what called the picture fake."""
    bright = content(of_face(plain(255)), Input(chequered(13), BOX))
    surely, barely = (
        replace(bright, inputs=(of_face(plain(255)), Input(image, BOX))) for image in (chequered(110), chequered(96))
    )
    fine = content(Input(chequered(127), BOX))

    found = judged(predictor, bright, surely, barely, fine)

    assert [item.prediction.stable for item in found] == [None, False, False, False]
    assert [verdict(item.score, item.prediction, MODEL) for item in found] == [Label.UNCERTAIN] * 4
    firm = judged(predictor, content(of_face(plain(255))))[0]
    assert (firm.prediction.stable, verdict(firm.score, firm.prediction, MODEL)) == (True, Label.FAKE)


def test_only_the_frame_that_decides_is_tried_again(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    answers = predictor.answers
    monkeypatch.setattr(predictor, "answers", lambda images: asked.append(len(images)) or answers(images))
    animation = content(of_face(plain(9)), Input(plain(9), BOX), of_face(plain(255), plain(250), frame=1))

    [found] = judged(predictor, animation)

    assert found.deciding == 2
    assert found.prediction.stable is True
    assert asked == [4, 4], "two conditions of a face in two framings"


def test_branches_alone_are_those_of_the_input_that_decides(predictor: Predictor) -> None:
    [found] = judged(predictor, content(of_face(plain(51)), of_face(plain(255)), Input(plain(0), BOX)))

    # The head for faces hears brightness only: the other branch alone leaves it at its mean.
    assert found.prediction.branches == pytest.approx({"bright": of(2 * 5 - 1), "fine": of(-1)}, abs=1e-6)
