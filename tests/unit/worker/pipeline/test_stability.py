"""What becomes of a finding under mild conditions; the networks are functions of ours, the conditions the real ones."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import torch
from files.measuring import Measuring
from numpy.typing import NDArray
from PIL import Image

from scanner.domain.labels import verdict
from scanner.domain.outcomes import ActiveModel
from scanner.domain.prediction import Face, Prediction
from worker.decoding.inputs import Input, Ready
from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.image.perturbations import Condition, mild_conditions, resized, under
from worker.detector.image.preprocess import Preprocessing, to_square
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.picture_score import InputAnswer, calibrated_score, score_picture
from worker.detector.inference.predictor import Predictor
from worker.detector.model.branch import Branch
from worker.detector.model.network import FusionDetector
from worker.detector.model.recipes import Recipe
from worker.pipeline.aggregation import judge
from worker.pipeline.judged import Judged
from worker.pipeline.scoring import Answers
from worker.pipeline.stability import stabilities

SIDE = 48
BOX = (0, 0, SIDE, SIDE)
RECIPE = Recipe("measuring", ("resnet101",), (), 0.0, Preprocessing(SIDE, (0.0,) * 3, (1.0,) * 3))
ONE_HEAD = CheckpointCard("measuring", RECIPE, Calibration(), 0.9, 0.5, "")
Images = NDArray[np.uint8]
Found = NDArray[np.float64]


def plain(shade: int) -> Images:
    return np.full((SIDE, SIDE, 3), shade, np.uint8)


def chequered(amplitude: int) -> Images:
    """Single pixels, lighter and darker in turn: shrinking blurs them, JPEG loses them where they are faint."""
    rows, columns = np.indices((SIDE, SIDE))
    return np.repeat((128 + amplitude * (-1) ** (rows + columns))[..., None], 3, axis=2).astype(np.uint8)


def brightness(images: Images) -> Found:
    return images.mean(axis=(1, 2, 3)) / 255


def contrast(images: Images) -> Found:
    return images.std(axis=(1, 2, 3)) / 128


def any_texture(images: Images) -> Found:
    return (images.std(axis=(1, 2, 3)) > 0).astype(float)


def held(network: Answers, contents: list[list[list[Images]]], threshold: float) -> list[bool | None]:
    """Of each content's inputs, given in their framings: whether the highest keeps at least `threshold`, as with one head."""

    def is_fake(inputs: Sequence[Input], rows: Sequence[Found]) -> bool:
        return score_picture(ONE_HEAD, inputs, [InputAnswer(float(row[0])) for row in rows]).logit >= threshold

    inputs = [[Input(first, BOX, framings=tuple(others)) for first, *others in content] for content in contents]
    return stabilities(network, inputs, is_fake)


def test_brightness_is_stable() -> None:
    """What rests on brightness is stable and what rests on single pixels is not."""
    assert held(brightness, [[[plain(250)]]], 0.9) == [True]
    assert contrast(chequered(127)[None])[0] > 0.9
    assert held(contrast, [[[chequered(127)]]], 0.9) == [False]


def test_one_condition_is_enough_to_shake_a_finding() -> None:
    faint = chequered(1)
    by_condition = {condition.name: any_texture(under(condition, faint)[None])[0] for condition in mild_conditions()}
    assert by_condition == {"JPEG 90": 0.0, "resize 0.9": 1.0}
    assert held(any_texture, [[[faint]]], 0.5) == [False]


def test_one_stable_input_is_enough() -> None:
    """One input that stays fake is enough and contents are kept apart."""
    contents = [[[chequered(1)]], [], [[chequered(1)], [chequered(100)]], [[chequered(100)]]]
    assert held(any_texture, contents, 0.5) == [False, None, True, True]


@pytest.mark.parametrize(
    ("shades", "expected", "tried"),
    [
        ([250, 240, 240], True, 2),  # the first holds under both conditions
        ([100, 250, 100], True, 6),  # it holds under none, and another does
        ([100, 100, 100], False, 6),
    ],
)
def test_where_one_input_is_enough_the_others_are_tried_only_if_need_be(shades: list[int], expected: bool, tried: int) -> None:
    seen: list[int] = []

    def counted(images: Images) -> Found:
        seen.append(len(images))
        return brightness(images)

    def is_fake(_inputs: Sequence[Input], rows: Sequence[Found]) -> bool:
        return max(float(row[0]) for row in rows) >= 0.9

    inputs = [Input(plain(shade), BOX) for shade in shades]
    assert stabilities(counted, [inputs, []], is_fake, one_is_enough=True) == [expected, None]
    assert sum(seen) == tried
    assert stabilities(counted, [inputs], is_fake) == [expected]


def test_each_condition_may_be_held_by_another_input() -> None:
    """A faint pattern is spoilt by JPEG and a strong one by shrinking: one of the two is fake under either."""

    def network(images: Images) -> Found:
        spread = images.std(axis=(1, 2, 3))
        return (((spread > 0) & (spread < 1)) | (spread > 30)).astype(float)

    def is_fake(_inputs: Sequence[Input], rows: Sequence[Found]) -> bool:
        return max(float(row[0]) for row in rows) >= 0.5

    faint, strong = Input(chequered(1), BOX), Input(chequered(40), BOX)
    found = stabilities(network, [[faint], [strong], [faint, strong], [strong, faint]], is_fake, one_is_enough=True)
    assert found == [False, False, True, True]


def test_stability_of_all_framings() -> None:
    """All framings of a face are tried and their mean counts."""
    framings = [plain(20), plain(250), plain(250)]
    assert held(brightness, [[framings]], 0.6) == [True]
    assert held(brightness, [[framings]], 0.75) == [False]
    assert brightness(plain(20)[None])[0] < 0.1
    assert brightness(plain(250)[None])[0] > 0.95


def test_a_changed_input_keeps_its_size() -> None:
    assert [under(condition, plain(7)).shape for condition in mild_conditions()] == [(SIDE, SIDE, 3)] * 2


@pytest.mark.parametrize("condition", [*mild_conditions(), resized(0.5), resized(1.3)], ids=lambda condition: condition.name)
def test_an_input_is_changed_as_the_file_of_its_condition_is(condition: Condition) -> None:
    image_HWC = np.random.default_rng(3).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    with Image.open(BytesIO(condition.change(Image.fromarray(image_HWC)))) as saved:
        assert (under(condition, image_HWC) == to_square(saved.convert("RGB"), SIDE)).all()


def test_stability_unknown_where_network_fails() -> None:
    """Where the network fails on a changed input nothing is said."""

    def fragile(images: Images) -> Found:
        if (images.std(axis=(1, 2, 3)) > 0).any():
            raise RuntimeError("cannot")
        return brightness(images)

    assert held(fragile, [[[chequered(100)]], [[plain(250)]]], 0.5) == [None, True]


def predictor(branches: dict[str, Branch], weights: list[float]) -> Predictor:
    detector = FusionDetector(branches, (), 0.0)
    with torch.no_grad():
        detector.head[-1].weight.copy_(torch.tensor([weights]))
        detector.head[-1].bias.fill_(-5.0)
    if len(branches) > 1:
        detector.neutral_D.fill_(0.5)
    return Predictor(detector, ONE_HEAD, ChosenDevice("cpu", "for a test"), micro_batch=4)


@pytest.fixture(name="model")
def _model() -> ActiveModel:
    return ActiveModel(1, "measuring", 0.9, 0.5)


@pytest.fixture(name="content")
def _content() -> Callable[..., Ready]:
    def ready(*images: Images, faces: bool = False) -> Ready:
        face = Face((0, 0, 9, 9), 1.0) if faces else None
        return Ready(tuple(Input(image, BOX, face) for image in images), "PNG", SIDE, SIDE, looked_for_faces=faces)

    return ready


def labels(found: list[Judged | str], model: ActiveModel) -> list[str]:
    return [verdict(item.score, item.prediction, model).value for item in found if isinstance(item, Judged)]


def test_unstable_fake_is_uncertain(model: ActiveModel, content: Callable[..., Ready]) -> None:
    """Only what would be called fake is tried and an unstable fake is uncertain."""
    fine = predictor({"fine": Measuring(fine=True)}, [10.0])
    contents = [content(chequered(127)), content(plain(0)), content(plain(9), chequered(127))]
    found = judge(fine, model, contents)
    assert [item.prediction.stable for item in found if isinstance(item, Judged)] == [False, None, False]
    assert labels(found, model) == ["uncertain", "real", "uncertain"]

    bright = predictor({"bright": Measuring(fine=False)}, [10.0])
    found = judge(bright, model, [content(plain(254)), content(plain(130))])
    assert [item.prediction for item in found if isinstance(item, Judged)] == [Prediction(stable=True), Prediction(stable=None)]
    assert labels(found, model) == ["fake", "uncertain"]


def test_no_stability_without_face(model: ActiveModel, content: Callable[..., Ready]) -> None:
    """A picture without a face is not tried by a model of faces."""
    bright = predictor({"bright": Measuring(fine=False)}, [10.0])
    without = replace(content(plain(254)), looked_for_faces=True)
    [found] = judge(bright, model, [without])
    assert isinstance(found, Judged)
    assert (found.prediction.stable, labels([found], model)) == (None, ["real"])
    [found] = judge(bright, replace(model, whole_images=True), [without])
    assert isinstance(found, Judged)
    assert found.prediction.stable is True


def test_branches_alone_and_how_far_they_disagree(model: ActiveModel, content: Callable[..., Ready]) -> None:
    both = predictor({"fine": Measuring(fine=True), "bright": Measuring(fine=False)}, [6.0, 4.0])
    [found] = judge(both, model, [content(plain(51), plain(255), faces=True)])
    assert isinstance(found, Judged)

    def score(fine: float, bright: float) -> float:
        return float(1 / (1 + np.exp(5 - 6 * fine - 4 * bright)))

    # The highest face counts: no contrast, full brightness; the other branch at its mean, 0.5.
    assert found.score == pytest.approx(score(0, 1), abs=1e-6)
    assert found.prediction.branches == pytest.approx({"fine": score(0, 0.5), "bright": score(0.5, 1)}, abs=1e-6)
    assert found.prediction.disagreement == pytest.approx(score(0.5, 1) - score(0, 0.5), abs=1e-6)
    assert [calibrated_score(item.logit) for item in found.inputs] == pytest.approx([score(0, 0.2), score(0, 1)], abs=1e-6)
    assert [face.score for face in found.prediction.faces or ()] == [calibrated_score(item.logit) for item in found.inputs]
    assert found.deciding == 1


def test_no_branch_scores(model: ActiveModel, content: Callable[..., Ready]) -> None:
    """One branch or unmeasured means give no branch scores."""
    alone = predictor({"bright": Measuring(fine=False)}, [10.0])
    unmeasured = predictor({"fine": Measuring(fine=True), "bright": Measuring(fine=False)}, [6.0, 4.0]).detector
    unmeasured.neutral_D.zero_()
    for detector in (alone.detector, unmeasured):
        [found] = judge(Predictor(detector, alone.card, alone.device, 4), model, [content(plain(9))])
        assert isinstance(found, Judged)
        assert (found.prediction.branches, found.prediction.disagreement) == ({}, None)
