from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.checkpoints.checkpoint import save_checkpoint
from worker.detector.image.normalise import normalise
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor, load_predictor
from worker.detector.inference.scorer import sigmoid
from worker.detector.model.network import FusionDetector
from worker.detector.weights.public_weights import BackboneFiles

CPU = ChosenDevice("cpu", "for a test")


def test_scores_are_the_calibrated_logits(lite: FusionDetector, card: CheckpointCard, images_BHWC: NDArray[np.uint8]) -> None:
    with torch.inference_mode():
        logits_B = lite(normalise(torch.from_numpy(images_BHWC), card.recipe.preprocessing)).double().numpy()

    predictor = Predictor(lite, card, CPU, micro_batch=7)

    np.testing.assert_allclose(predictor.logits(images_BHWC), logits_B, atol=1e-5)
    np.testing.assert_allclose(predictor.scores(images_BHWC), 1 / (1 + np.exp(-(1.5 * logits_B - 0.25))), atol=1e-5)


def test_neutral_calibration_leaves_the_sigmoid(
    lite: FusionDetector, card: CheckpointCard, images_BHWC: NDArray[np.uint8]
) -> None:
    predictor = Predictor(lite, replace(card, calibration=Calibration()), CPU, micro_batch=7)

    assert np.array_equal(predictor.scores(images_BHWC), sigmoid(predictor.logits(images_BHWC)))


@pytest.mark.parametrize("micro_batch", [1, 2, 3, 100])
def test_scores_do_not_depend_on_the_micro_batch(
    lite: FusionDetector, card: CheckpointCard, images_BHWC: NDArray[np.uint8], micro_batch: int
) -> None:
    together = Predictor(lite, card, CPU, micro_batch=7).scores(images_BHWC)

    np.testing.assert_allclose(Predictor(lite, card, CPU, micro_batch).scores(images_BHWC), together, atol=1e-5)


def test_scores_keep_the_order_of_the_images(lite: FusionDetector, card: CheckpointCard, images_BHWC: NDArray[np.uint8]) -> None:
    predictor = Predictor(lite, card, CPU, micro_batch=3)

    np.testing.assert_allclose(predictor.scores(images_BHWC[::-1]), predictor.scores(images_BHWC)[::-1], atol=1e-5)


def test_images_that_must_not_be_written_are_scored(
    lite: FusionDetector, card: CheckpointCard, images_BHWC: NDArray[np.uint8]
) -> None:
    predictor = Predictor(lite, card, CPU, 1)
    sealed_BHWC = np.frombuffer(images_BHWC.tobytes(), np.uint8).reshape(images_BHWC.shape)

    assert predictor.scores(sealed_BHWC).tolist() == predictor.scores(images_BHWC).tolist()
    assert predictor.on_device(sealed_BHWC[:1]).equal(predictor.on_device(images_BHWC[:1]))


def test_an_empty_batch_gives_no_scores(lite: FusionDetector, card: CheckpointCard) -> None:
    assert Predictor(lite, card, CPU, micro_batch=4).scores(np.zeros((0, 64, 64, 3), np.uint8)).shape == (0,)


def test_predictor_from_file_scores_alike(
    tmp_path: Path, lite: FusionDetector, card: CheckpointCard, images_BHWC: NDArray[np.uint8]
) -> None:
    """A predictor from a file scores like the network it came from."""
    save_checkpoint(tmp_path / "lite.safetensors", lite, card)

    predictor = load_predictor(tmp_path / "lite.safetensors", CPU, files=BackboneFiles(), micro_batch=7)

    assert predictor.card == card
    assert np.array_equal(predictor.scores(images_BHWC), Predictor(lite, card, CPU, micro_batch=7).scores(images_BHWC))


@given(arrays(np.float64, st.integers(0, 20), elements=st.floats(-1e6, 1e6)))
def test_sigmoid_keeps_order(logits: NDArray[np.float64]) -> None:
    """Sigmoid stays between 0 and 1 and keeps the order."""
    scores = sigmoid(np.sort(logits))

    assert np.all((scores >= 0) & (scores <= 1))
    assert np.all(np.diff(scores) >= 0)


def test_sigmoid_is_exact_where_it_is_known() -> None:
    np.testing.assert_allclose(sigmoid(np.asarray([0.0, np.log(3), -np.log(3), -1e9, 1e9])), [0.5, 0.75, 0.25, 0, 1])
