"""What networks of others answer, as logits of fake; and where they find it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from files.onnx_networks import BLUE, RED, colour_network, written_card
from numpy.typing import NDArray

from worker.detector.checkpoints.card import CheckpointCard
from worker.detector.checkpoints.imported_network import LinearHead
from worker.detector.image.preprocess import Preprocessing
from worker.detector.imported.card_file import read_card_file
from worker.detector.imported.network import answers_of, scorer_of
from worker.detector.imported.occlusion import occlusion_map
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.scorer import Scorer

CPU = ChosenDevice("cpu", "a test")


@pytest.fixture(name="card")
def _card(tmp_path: Path) -> CheckpointCard:
    return read_card_file(written_card(tmp_path / "card.toml"), name="colours", created_at="today").card


def scorer(card: CheckpointCard, model: Any, **network: Any) -> Scorer:
    assert card.imported is not None
    card = replace(card, imported=replace(card.imported, **network))
    return scorer_of(card, answers_of(card, model.SerializeToString()), CPU, micro_batch=3)


def pictures(*colours: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.stack([np.full((32, 32, 3), colour, np.uint8) for colour in colours])


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-values))


COLOURS = ((255, 0, 0), (0, 0, 255), (90, 30, 60), (0, 0, 0))
# Of these colours 8 * (red - blue), on the scale from 0 to 1.
LOGITS = np.asarray([8.0, -8.0, 8 * 30 / 255, 0.0])


def test_a_logit_is_taken_as_it_is(card: CheckpointCard) -> None:
    assert scorer(card, colour_network()).logits(pictures(*COLOURS)) == pytest.approx(LOGITS, abs=1e-5)
    blue_first = scorer(card, colour_network((BLUE, RED)), index=1)
    assert blue_first.logits(pictures(*COLOURS)) == pytest.approx(LOGITS, abs=1e-5)


def test_a_probability_and_a_softmax_have_the_same_score(card: CheckpointCard) -> None:
    sigmoids = scorer(card, colour_network(ends="Sigmoid"), kind="probability")
    assert sigmoids.scores(pictures(*COLOURS)) == pytest.approx(sigmoid(LOGITS), abs=1e-6)
    # exp(a) / (exp(a) + exp(-a)) is the sigmoid of 2 a.
    softmax = scorer(card, colour_network((BLUE, RED)), kind="softmax", index=1)
    assert softmax.scores(pictures(*COLOURS)) == pytest.approx(sigmoid(2 * LOGITS), abs=1e-6)
    shares = scorer(card, colour_network((BLUE, RED), ends="Softmax"), kind="probability", index=1)
    assert shares.scores(pictures(*COLOURS)) == pytest.approx(sigmoid(2 * LOGITS), abs=1e-6)


def test_a_value_of_real_is_turned_round(card: CheckpointCard) -> None:
    logits = scorer(card, colour_network((BLUE,)), inverted=True)
    assert logits.logits(pictures(*COLOURS)) == pytest.approx(LOGITS, abs=1e-5)
    shares = scorer(card, colour_network((BLUE,), ends="Sigmoid"), kind="probability", inverted=True)
    assert shares.scores(pictures(*COLOURS)) == pytest.approx(sigmoid(LOGITS), abs=1e-6)


def test_an_embedding_goes_through_its_head(card: CheckpointCard) -> None:
    unit = ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0))
    plain = scorer(card, colour_network(unit), kind="embedding", head=LinearHead((8.0, 0.0, -8.0), 0.25))
    assert plain.logits(pictures(*COLOURS)) == pytest.approx(LOGITS + 0.25, abs=1e-5)
    normalised = scorer(card, colour_network(unit), kind="embedding", head=LinearHead((8.0, 0.0, -8.0), 0.25, normalised=True))
    length = np.linalg.norm(np.asarray(COLOURS[2]) / 255)
    assert normalised.logits(pictures(COLOURS[2])) == pytest.approx([LOGITS[2] / length + 0.25], abs=1e-5)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("pictures_at_once", ["B", 1])
def test_layout_order_of_colours_and_range(card: CheckpointCard, layout: str, pictures_at_once: int | str) -> None:
    model = colour_network((BLUE,), layout=layout, pictures=pictures_at_once)
    bgr = scorer(card, model, layout=layout, channels="BGR")
    assert bgr.logits(pictures(*COLOURS)) == pytest.approx(LOGITS, abs=1e-5)

    # mean and std in the order of the colours, on the scale of the pixels.
    seen = Preprocessing(32, (10.0, 0.0, 5.0), (255.0, 1.0, 510.0))
    assert card.imported is not None
    other = replace(card, recipe=replace(card.recipe, preprocessing=seen))
    found = scorer(other, colour_network(layout=layout), layout=layout, pixel_range="0..255").logits(pictures((90, 30, 60)))
    assert found == pytest.approx([8 * (90 - 10) / 255 - 8 * (60 - 5) / 510], abs=1e-4)


def test_a_picture_has_the_same_score_beside_others(card: CheckpointCard) -> None:
    found = scorer(card, colour_network())
    together = found.logits(pictures(*COLOURS * 5))
    assert together == pytest.approx(np.tile(LOGITS, 5), abs=1e-5)
    assert found.logits(np.zeros((0, 32, 32, 3), np.uint8)).shape == (0,)


def test_covering_finds_the_red_corner(card: CheckpointCard) -> None:
    picture = np.full((32, 32, 3), 127, np.uint8)
    picture[:8, 24:] = (255, 0, 0)
    map_HW = occlusion_map(scorer(card, colour_network()), picture)
    assert map_HW.shape == (32, 32)
    assert map_HW.max() == pytest.approx(1, abs=0.05)
    row, column = np.unravel_index(map_HW.argmax(), map_HW.shape)
    assert row < 10
    assert column > 22
    assert map_HW[20:, :12].max() < 0.05

    blue = np.full((32, 32, 3), (0, 0, 255), np.uint8)
    assert not occlusion_map(scorer(card, colour_network()), blue).any()
