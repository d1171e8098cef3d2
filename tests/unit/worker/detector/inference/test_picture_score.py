"""From what a network says of the inputs of a picture to its score: with one head, and with a second one for whole pictures."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.prediction import Face
from scanner.domain.states import Basis
from worker.detector.checkpoints.card import Calibration, CheckpointCard, Combination
from worker.detector.faces.face import Input
from worker.detector.image.preprocess import Preprocessing
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.picture_score import InputAnswer, answer_of, calibrated_score, input_score, score_picture
from worker.detector.inference.scorer import Scorer
from worker.detector.model.recipes import Recipe

RECIPE = Recipe("one head", ("efficientnet-lite2",), (), 0.0, Preprocessing(1, (0.5,) * 3, (0.5,) * 3))
ONE_HEAD = CheckpointCard("one head", RECIPE, Calibration(2.0, -1.0), 0.9, 0.5, "")
COMBINATIONS = {"faces": Combination(0.5, 0.25, -1.0), "whole": Combination(0.0, 3.0, 0.5), "both": Combination(1.0, 2.0, -3.0)}
TWO_HEADS = replace(ONE_HEAD, recipe=replace(RECIPE, whole=RECIPE.branches), combinations=COMBINATIONS)
# Faces alone, so that what is said of them together shows.
PLAIN = replace(TWO_HEADS, combinations={"faces": Combination(1.0, 0.0, 0.0)})


def face(side: int = 10, frame: int = 0, **others: Any) -> Input:
    return Input(np.zeros((1, 1, 3), np.uint8), (0, 0, 1, 1), Face((0, 0, side, side), 0.9, frame=frame), frame=frame, **others)


def whole(frame: int = 0, **others: Any) -> Input:
    return Input(np.zeros((1, 1, 3), np.uint8), (0, 0, 1, 1), frame=frame, **others)


def said(*logits: float) -> list[InputAnswer]:
    """Answers of a network with two heads; what the second says is ten times what the first does."""
    return [InputAnswer(logit, 10 * logit) for logit in logits]


def together(logits: Sequence[float], areas: Sequence[int]) -> float:
    """The logit of faces of these areas (pixels, a row of them each) together."""
    inputs = [replace(face(), face=Face((0, 0, area, 1), 0.9)) for area in areas]
    return score_picture(PLAIN, inputs, [InputAnswer(logit, 0.0) for logit in logits]).logit


def test_with_one_head_a_picture_has_the_score_of_its_highest_face() -> None:
    found = score_picture(ONE_HEAD, [face(99), face(5), face(50)], [InputAnswer(logit) for logit in (-1.0, 2.0, 0.5)])

    assert (found.basis, found.deciding, found.frames) == (Basis.FACES, 1, None)
    assert found.logit == 2.0 * 2.0 - 1.0
    assert found.score == pytest.approx(1 / (1 + math.exp(-3)))


def test_with_one_head_a_picture_without_a_face_has_its_own_score() -> None:
    found = score_picture(ONE_HEAD, [whole()], [InputAnswer(0.25)])

    assert (found.basis, found.deciding, found.logit) == (Basis.WHOLE, 0, 2.0 * 0.25 - 1.0)


@pytest.mark.parametrize("card", [ONE_HEAD, TWO_HEADS])
def test_a_frame_without_a_face_counts_only_where_no_frame_has_one(card: CheckpointCard) -> None:
    with_face = score_picture(card, [whole(0), face(frame=1)], said(50.0, -1.0))
    without = score_picture(card, [whole(0), whole(1)], said(50.0, -1.0))

    assert (with_face.basis, with_face.deciding) == (Basis.FACES, 1)
    assert (without.basis, without.deciding) == (Basis.WHOLE, 0)


def test_each_basis_has_its_own_weights_of_the_two_heads() -> None:
    faces = score_picture(TWO_HEADS, [face()], [InputAnswer(2.0, 4.0)])
    alone = score_picture(TWO_HEADS, [whole()], [InputAnswer(2.0, 4.0)])
    both = score_picture(TWO_HEADS, [face(), whole()], [InputAnswer(2.0, 77.0), InputAnswer(88.0, 4.0)])

    assert (faces.basis, faces.logit) == (Basis.FACES, pytest.approx(0.5 * 2 + 0.25 * 4 - 1))
    assert (alone.basis, alone.logit) == (Basis.WHOLE, pytest.approx(3 * 4 + 0.5))
    assert (both.basis, both.logit) == (Basis.BOTH, pytest.approx(2 + 2 * 4 - 3))


def test_a_basis_without_weights_is_calibrated_as_a_single_face() -> None:
    card = replace(TWO_HEADS, combinations={"both": COMBINATIONS["both"]})

    assert score_picture(card, [face()], [InputAnswer(2.0, 4.0)]).logit == pytest.approx(2.0 * 2.0 - 1.0)


def test_many_faces_have_the_mean_of_their_odds_by_area() -> None:
    odds = (9 * 4 + 0.5 * 1 + 0.25 * 5) / 10

    assert together([math.log(9), math.log(0.5), math.log(0.25)], [4, 1, 5]) == pytest.approx(math.log(odds))


def test_many_real_faces_do_not_add_up_to_an_alarm() -> None:
    assert together([-2.0] * 15, [100] * 15) == pytest.approx(-2.0)
    assert together([-2.0] * 14 + [8.0], [100] * 15) > 5


LOGITS = st.floats(-60, 60)
FACES = st.lists(st.tuples(LOGITS, st.integers(1, 10**7)), min_size=1, max_size=20)


@given(FACES)
def test_faces_together_lie_between_lowest_and_highest(faces: list[tuple[float, int]]) -> None:
    logits, areas = zip(*faces, strict=True)

    assert min(logits) - 1e-6 <= together(logits, areas) <= max(logits) + 1e-6


@given(LOGITS, st.lists(st.integers(1, 10**7), min_size=1, max_size=20))
def test_faces_that_say_the_same_say_it_together(logit: float, areas: list[int]) -> None:
    assert together([logit] * len(areas), areas) == pytest.approx(logit, abs=1e-6)


@given(FACES, st.randoms(use_true_random=False))
def test_the_order_of_the_faces_does_not_matter(faces: list[tuple[float, int]], random: Any) -> None:
    shuffled = random.sample(faces, len(faces))

    assert together(*zip(*shuffled, strict=True)) == pytest.approx(together(*zip(*faces, strict=True)), abs=1e-6)


@given(FACES, st.integers(0, 19), st.floats(0, 60))
def test_a_face_that_looks_more_forged_never_lowers_the_score(faces: list[tuple[float, int]], which: int, more: float) -> None:
    logits, areas = [logit for logit, _ in faces], [area for _, area in faces]
    raised = list(logits)
    raised[which % len(raised)] += more

    assert together(raised, areas) >= together(logits, areas) - 1e-6


def test_highest_frame_of_an_animation() -> None:
    inputs = [face(frame=0), whole(0), face(frame=1), whole(1)]
    answers = [InputAnswer(1.0, 0.0), InputAnswer(0.0, -1.0), InputAnswer(0.5, 0.0), InputAnswer(0.0, 2.0)]

    found = score_picture(TWO_HEADS, inputs, answers)

    assert (found.basis, found.deciding) == (Basis.BOTH, 2)
    assert found.logit == pytest.approx(0.5 + 2 * 2.0 - 3)


@pytest.mark.parametrize("card", [ONE_HEAD, TWO_HEADS])
def test_a_video_has_the_mean_score_of_its_highest_quarter_of_frames(card: CheckpointCard) -> None:
    logits = [0.1, -2.0, 0.9, 0.3, -0.7, 0.2, 0.0, -1.0, 0.8]  # nine frames: two count
    inputs = [face(frame=number, seconds=number / 2) for number in range(len(logits))]
    single = [score_picture(card, [one], [answer]).score for one, answer in zip(inputs, said(*logits), strict=True)]

    found = score_picture(card, inputs, said(*logits), is_video=True)

    assert found.score == pytest.approx((single[2] + single[8]) / 2)
    assert found.deciding == 2
    assert found.frames is not None
    assert [(frame.frame, frame.seconds) for frame in found.frames] == [(2, 1.0), (8, 4.0)]
    assert [frame.score for frame in found.frames] == pytest.approx([single[2], single[8]])


def test_a_video_that_is_as_sure_as_can_be_has_a_finite_logit() -> None:
    found = score_picture(ONE_HEAD, [face()], [InputAnswer(1e6)], is_video=True)

    assert math.isfinite(found.logit)
    assert found.score == pytest.approx(1.0)


def test_an_input_alone_has_the_score_of_the_head_that_is_for_it() -> None:
    answer = InputAnswer(2.0, 4.0)

    assert input_score(TWO_HEADS, face(), answer) == calibrated_score(2.0 * 2.0 - 1.0)
    assert input_score(TWO_HEADS, whole(), answer) == calibrated_score(3.0 * 4.0 + 0.5)
    assert input_score(ONE_HEAD, whole(), InputAnswer(2.0)) == calibrated_score(2.0 * 2.0 - 1.0)


@pytest.mark.parametrize(
    ("card", "row", "branches", "expected"),
    [
        (ONE_HEAD, [1.0], (), InputAnswer(1.0)),
        (ONE_HEAD, [1.0, 2.0, 3.0], ("a", "b"), InputAnswer(1.0, None, {"a": 2.0, "b": 3.0})),
        (TWO_HEADS, [1.0, 4.0], (), InputAnswer(1.0, 4.0)),
        (TWO_HEADS, [1.0, 2.0, 3.0, 4.0], ("a", "b"), InputAnswer(1.0, 4.0, {"a": 2.0, "b": 3.0})),
    ],
)
def test_answers_get_their_names(
    card: CheckpointCard, row: list[float], branches: tuple[str, ...], expected: InputAnswer
) -> None:
    scorer = Scorer(lambda images: np.zeros((len(images), 1)), branches, card, ChosenDevice("cpu", ""), runtime="", micro_batch=1)

    assert answer_of(scorer, np.asarray(row)) == expected
