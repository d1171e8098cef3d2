"""Products of int8 matrices with activations of 16 bits, in networks of ONNX, beside float32."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import onnx
import onnx.parser
import open_clip.transformer
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from worker.detector.checkpoints.card import CheckpointCard
from worker.detector.image.preprocess import Preprocessing
from worker.detector.inference.device import ChosenDevice, has_int8_products
from worker.detector.inference.int16_products import int8_of, with_int16_products
from worker.detector.inference.onnx_export import exported
from worker.detector.inference.onnx_runtime import network_of, session_of
from worker.detector.inference.predictor import Predictor
from worker.detector.model.backbones.clip import ClipImage
from worker.detector.model.network import FusionDetector

SIZE, WIDTH, INPUTS, OUTPUTS = 64, 256, 320, 256

needs_products = pytest.mark.skipif(not has_int8_products(), reason="this processor has no int8 dot products")


def on_grid(generator: np.random.Generator, inputs: int, outputs: int) -> NDArray[np.float32]:
    """A matrix of int8 values times a scale for each output."""
    values = generator.integers(-127, 128, (inputs, outputs)).astype(np.float32)
    values[0] = 127
    return values * generator.uniform(1e-4, 1e-2, outputs).astype(np.float32)


def product(matrix_KN: NDArray[np.float32], bias_N: NDArray[np.float32]) -> onnx.ModelProto:
    """x @ matrix + bias, and x @ matrix once more, without."""
    text = f"""<ir_version: 9, opset_import: ["" : 20]>
        g (float[B, {len(matrix_KN)}] x) => (float[B, N] biased, float[B, N] plain) {{
            p = MatMul(x, matrix)
            biased = Add(bias, p)
            plain = MatMul(x, matrix)
        }}"""
    model = onnx.parser.parse_model(text)
    model.graph.initializer.extend([numpy_helper.from_array(matrix_KN, "matrix"), numpy_helper.from_array(bias_N, "bias")])
    return model


def test_a_matrix_of_int8_values_is_known_and_no_other() -> None:
    generator = np.random.default_rng(0)
    matrix_KN = on_grid(generator, 9, 7)
    matrix_KN[:, 3] = 0

    found = int8_of(matrix_KN)

    assert found is not None
    np.testing.assert_allclose(found[0] * found[1], matrix_KN, rtol=1e-6)
    assert int8_of(generator.normal(size=(9, 7)).astype(np.float32)) is None
    matrix_KN[4, 2] *= 1.005
    assert int8_of(matrix_KN) is None


@needs_products
@pytest.mark.parametrize("spread", [1.0, 40.0], ids=["normal", "one input far beyond the others"])
def test_a_product_is_that_of_float32_to_16_bits(spread: float) -> None:
    generator = np.random.default_rng(1)
    matrix_KN, bias_N = on_grid(generator, INPUTS, OUTPUTS), generator.normal(size=OUTPUTS).astype(np.float32)
    x = generator.normal(size=(5, INPUTS)).astype(np.float32)
    x[:, 7] *= spread
    model = product(matrix_KN, bias_N)

    assert with_int16_products(model) == 2

    biased, plain = session_of(model.SerializeToString()).run(None, {"x": x})
    step = np.ptp(x) / 255 / 255
    bound = 6 * step * np.linalg.norm(matrix_KN, axis=0)  # six standard deviations, and more, of what is rounded
    assert (np.abs(plain - x @ matrix_KN) < bound).all()
    assert (np.abs(biased - (x @ matrix_KN + bias_N)) < bound).all()
    zeros = session_of(model.SerializeToString()).run(None, {"x": np.zeros_like(x)})
    np.testing.assert_allclose(zeros[0], np.broadcast_to(bias_N, (5, OUTPUTS)), atol=1e-6)


@pytest.mark.parametrize(("inputs", "scale"), [(INPUTS, 1.001), (64, 1.0)], ids=["not of int8 values", "small"])
def test_other_matrices_stay_as_they_are(inputs: int, scale: float) -> None:
    matrix_KN = on_grid(np.random.default_rng(2), inputs, OUTPUTS)
    matrix_KN[1] *= scale
    model = product(matrix_KN, np.zeros(OUTPUTS, np.float32))
    before = model.SerializeToString(deterministic=True)

    assert with_int16_products(model) == 0
    assert model.SerializeToString(deterministic=True) == before


@pytest.fixture(name="detector", scope="module")
def _detector() -> Iterator[FusionDetector]:
    """A small CLIP tower with int8 matrices."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        tower = open_clip.transformer.VisionTransformer(
            SIZE, 16, WIDTH, 3, 4, 2.0, output_dim=32, act_layer=open_clip.transformer.QuickGELU
        )
        generator = np.random.default_rng(3)
        with torch.no_grad():
            for name, weights in tower.named_parameters():
                if weights.dim() == 2 and "resblocks" in name:
                    weights.copy_(torch.from_numpy(on_grid(generator, weights.shape[1], weights.shape[0]).T))
        detector = FusionDetector({"clip-image": ClipImage(tower, (1, 2))}, (), 0.0).eval()
        nn.init.normal_(detector.head[1].weight, std=0.3)  # type: ignore[index, arg-type]
        yield detector


@needs_products
def test_scores_of_a_tower_stay_and_depend_on_no_neighbour(
    detector: FusionDetector, card: CheckpointCard, images_BHWC: NDArray[np.uint8]
) -> None:
    preprocessing = Preprocessing(SIZE, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    card = replace(card, recipe=replace(card.recipe, preprocessing=preprocessing))
    images_BHWC = np.ascontiguousarray(images_BHWC[:, :SIZE, :SIZE])
    expected = Predictor(detector, card, ChosenDevice("cpu", "for a test"), 7).logits(images_BHWC)

    forward = network_of(exported(detector, preprocessing, in_int16=True)).forward

    found = forward(images_BHWC)[:, 0]
    assert np.ptp(expected) > 0.5, "the images are not told apart, so that this shows nothing"
    np.testing.assert_allclose(found, expected, atol=0.005 * np.ptp(expected))
    np.testing.assert_array_equal(forward(images_BHWC[2:4])[1, 0], found[3])
    assert not np.array_equal(found, expected), "nothing was rounded, so that this shows nothing"


def test_a_network_without_int8_matrices_is_refused(lite: FusionDetector, card: CheckpointCard) -> None:
    with pytest.raises(ValueError, match="int8"):
        exported(lite, card.recipe.preprocessing, in_int16=True)
