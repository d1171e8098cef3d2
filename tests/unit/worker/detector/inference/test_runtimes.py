from collections.abc import Callable

import numpy as np
import open_clip.transformer
import pytest
import torch
import torchvision
from numpy.typing import NDArray
from torch import nn

from training.config.recipes.reader import recipe_named
from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.image.normalise import normalise
from worker.detector.image.preprocess import Preprocessing
from worker.detector.inference import runtimes
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.micro_batches import MicroBatches
from worker.detector.inference.onnx_export import exported
from worker.detector.inference.onnx_runtime import network_of
from worker.detector.inference.predictor import Predictor
from worker.detector.inference.runtimes import RUNTIMES, RuntimeUnavailable, choose_runtime
from worker.detector.inference.scorer import Scorer
from worker.detector.inference.torch_runtime import forward_of
from worker.detector.model.assembly import build_detector
from worker.detector.model.backbones.clip import ClipImage
from worker.detector.model.backbones.resnet import ResNet101
from worker.detector.model.branch import Branch
from worker.detector.model.branch_input import BranchInput
from worker.detector.model.network import FusionDetector
from worker.detector.model.recipes import Fusion, Recipe
from worker.detector.weights.public_weights import BackboneFiles

CPU, GPU = ChosenDevice("cpu", "for a test"), ChosenDevice("cuda:0", "for a test")


def converted(detector: FusionDetector, card: CheckpointCard) -> Scorer:
    """The same network by ONNX Runtime."""
    network = network_of(exported(detector, card.recipe.preprocessing))
    return Scorer(network.forward, network.branches, card, CPU, runtime="onnxruntime", micro_batch=3)


def test_onnx_runtime_gives_the_scores_of_torch(
    lite: FusionDetector, card: CheckpointCard, images_BHWC: NDArray[np.uint8]
) -> None:
    expected = Predictor(lite, card, CPU, micro_batch=7).scores(images_BHWC)

    scorer = converted(lite, card)

    np.testing.assert_allclose(scorer.scores(images_BHWC), expected, atol=1e-4)
    np.testing.assert_allclose(scorer.scores(images_BHWC[4:5]), expected[4:5], atol=1e-4)
    assert np.ptp(expected) > 0.2, "the images are not told apart, so that this shows nothing"
    assert (scorer.ran_on, scorer.branches) == ("cpu, onnxruntime", ())
    assert not lite.training


def test_bfloat16_stays_near_the_scores_of_float32(
    lite: FusionDetector, card: CheckpointCard, images_BHWC: NDArray[np.uint8]
) -> None:
    expected = Predictor(lite, card, CPU, micro_batch=7).scores(images_BHWC)

    predictor = Predictor(lite, card, CPU, micro_batch=7, runtime="torch-bf16")

    np.testing.assert_allclose(predictor.scores(images_BHWC), expected, atol=0.1)
    assert not np.array_equal(predictor.scores(images_BHWC), expected), "nothing was computed in bfloat16"
    assert {parameter.dtype for parameter in lite.parameters()} == {torch.float32}, "the network itself was changed"


class _Dtype(Branch):
    """Says which precision it computes in."""

    width = 1

    def __init__(self, *, is_frozen: bool) -> None:
        super().__init__()
        self.is_frozen = is_frozen
        self.one = nn.Parameter(torch.ones(1))

    def forward(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        is_narrow = float(images_BCHW.dtype == torch.bfloat16 == self.one.dtype)
        return torch.full((len(images_BCHW), 1), is_narrow, dtype=self.one.dtype)


@pytest.mark.parametrize(("frozen", "narrow"), [((True, False), 10.0), ((False, False), 11.0), ((True, True), 11.0)])
def test_frozen_branches_alone_are_narrowed_where_there_are_some(frozen: tuple[bool, bool], narrow: float) -> None:
    network = FusionDetector({str(n): _Dtype(is_frozen=is_frozen) for n, is_frozen in enumerate(frozen)}, (), 0.0).eval()
    with torch.no_grad():
        network.head[-1].weight.copy_(torch.tensor([[10.0, 1.0]]))
        network.head[-1].bias.zero_()
    preprocessing = Preprocessing(8, (0.5,) * 3, (0.5,) * 3)

    answer = forward_of(network, preprocessing, CPU, in_bfloat16=True)(np.zeros((1, 8, 8, 3), np.uint8))

    assert answer[0, 0] == narrow
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


@pytest.mark.slow
def test_branches_are_heard_alone_by_onnx_runtime_too(images_BHWC: NDArray[np.uint8]) -> None:
    """Attention, a constant branch and several answers: what `lite` does not have."""
    recipe = recipe_named("paper").network
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        detector = build_detector(recipe, BackboneFiles(), embed_prompt=False).eval()
        detector.neutral_D.normal_()
        detector.head[-1].weight.div_(1e4)  # random weights without trained statistics give logits in the thousands
    images = images_BHWC[:2].repeat(4, axis=1).repeat(4, axis=2)[:, :224, :224]
    card = CheckpointCard("random", recipe, Calibration(), 0.5, 0.5, "")

    expected, scorer = Predictor(detector, card, CPU, 2), converted(detector, card)

    assert scorer.branches == expected.branches == ("clip-image", "resnet101")
    np.testing.assert_allclose(scorer.answers(images), expected.answers(images), atol=1e-3)
    assert scorer.answers(images).shape == (2, 3)
    assert torch.backends.mha.get_fastpath_enabled()


def two_heads(fusion: Fusion) -> tuple[FusionDetector, CheckpointCard]:
    """All that the bundled `fusion` is made of, small: inner class tokens, inputs of their own, a second head."""
    own, other = Preprocessing(64, (0.4, 0.5, 0.6), (0.3, 0.25, 0.2)), Preprocessing(48, (0.5,) * 3, (0.5,) * 3)
    tower = open_clip.transformer.VisionTransformer(
        64, 16, 32, 3, 4, 2.0, output_dim=24, act_layer=open_clip.transformer.QuickGELU
    )
    resnet = torchvision.models.ResNet(torchvision.models.resnet.Bottleneck, [1, 1, 1, 1])
    branches = {"clip-image": ClipImage(tower, (1, 3)), "resnet101": ResNet101(resnet)}
    inputs = {"resnet101": BranchInput(own, other)}
    detector = FusionDetector(branches, (), 0.0, fusion=fusion, whole=("clip-image",), inputs=inputs).eval()
    assert detector.whole_head is not None
    for head in (detector.head, detector.whole_head):
        for parameter in head.parameters():
            parameter.normal_(0, 0.3)
    detector.neutral_D.normal_(0, 0.1)
    recipe = Recipe("two heads", ("clip-image", "resnet101"), (), 0.0, own, fusion=fusion, whole=("clip-image",))
    return detector, CheckpointCard("two heads", recipe, Calibration(1.5, -0.25), 0.5, 0.5, "")


@pytest.mark.parametrize("fusion", ["concatenated", "late", "gated"])
def test_two_heads_in_every_runtime(images_BHWC: NDArray[np.uint8], fusion: Fusion) -> None:
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        detector, card = two_heads(fusion)
        embeddings_BD = detector.embeddings(normalise(torch.from_numpy(images_BHWC), card.recipe.preprocessing))
        faces, alone, whole = (
            said.double().numpy()
            for said in (detector.judge(embeddings_BD), detector.alone(embeddings_BD), detector.judge_whole(embeddings_BD))
        )

    for scorer in (Predictor(detector, card, CPU, 3), converted(detector, card)):
        found = scorer.answers(images_BHWC)
        assert scorer.branches == ("clip-image", "resnet101")
        assert scorer.has_whole_head
        assert found.shape == (7, 4)
        np.testing.assert_allclose(found[:, 0], faces, atol=1e-4)
        np.testing.assert_allclose(found[:, 1:3], alone, atol=1e-4)
        np.testing.assert_allclose(found[:, 3], whole, atol=1e-4)
        np.testing.assert_allclose(scorer.logits(images_BHWC), faces, atol=1e-4)
        np.testing.assert_allclose(scorer.answers(images_BHWC[2:3]), found[2:3], atol=1e-4)
        assert scorer.answers(images_BHWC[:0]).shape == (0, 4)
    columns = np.column_stack([faces, alone, whole])
    assert columns.std(0).min() > 0.005, "an answer is the same for all images"
    assert min(np.abs(columns[:, one] - columns[:, other]).max() for one in range(4) for other in range(one)) > 0.01


@pytest.mark.parametrize(
    ("requested", "device", "chosen"),
    [("auto", CPU, "onnxruntime"), ("auto", GPU, "torch"), ("torch", CPU, "torch"), ("torch-bf16", GPU, "torch-bf16")],
)
def test_auto_goes_by_the_device(requested: str, device: ChosenDevice, chosen: str) -> None:
    assert choose_runtime(requested, device) == chosen


@pytest.mark.parametrize(
    ("device", "is_int8", "flags", "chosen", "is_refused"),
    [
        (CPU, True, "sse2 avx512_vnni amx_int8", "onnxruntime-int16", False),
        (CPU, True, "sse2 avx_vnni", "onnxruntime", False),
        (CPU, True, "sse2 amx_int8", "onnxruntime", True),
        (CPU, True, "", "onnxruntime", True),
        (CPU, False, "sse2 avx512_vnni amx_int8", "onnxruntime", True),
        (GPU, True, "sse2 avx512_vnni amx_int8", "torch", True),
    ],
)
def test_integers_where_network_and_processor_have_them(
    monkeypatch: pytest.MonkeyPatch, device: ChosenDevice, is_int8: bool, flags: str, chosen: str, is_refused: bool
) -> None:
    monkeypatch.setattr("worker.detector.inference.device._processor_flags", flags.split)

    assert choose_runtime("auto", device, is_int8=is_int8) == chosen
    if is_refused:
        with pytest.raises(RuntimeUnavailable, match="setting runtime"):
            choose_runtime("onnxruntime-int16", device, is_int8=is_int8)
    else:
        assert choose_runtime("onnxruntime-int16", device, is_int8=is_int8) == "onnxruntime-int16"


@pytest.mark.parametrize(("requested", "device"), [("onnxruntime", GPU), ("tensorrt", CPU)])
def test_runtime_that_cannot_run(requested: str, device: ChosenDevice) -> None:
    """A runtime that cannot run is refused with the next step."""
    with pytest.raises(RuntimeUnavailable, match="setting runtime"):
        choose_runtime(requested, device)


def test_what_every_runtime_is_called_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "has_int8_products", lambda: True)

    assert all(choose_runtime(runtime, CPU, is_int8=True) == runtime for runtime in RUNTIMES)


def _mean_within(memory: int, seen: list[int]) -> Callable[[NDArray[np.uint8]], NDArray[np.float64]]:
    """A network whose device holds `memory` images."""

    def forward(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        if len(images_BHWC) > memory:
            raise torch.OutOfMemoryError("CUDA out of memory")
        seen.append(len(images_BHWC))
        return images_BHWC.mean((1, 2, 3))[:, None]

    return forward


@pytest.mark.parametrize(("memory", "sizes"), [(16, [10]), (9, [5, 5]), (3, [2, 2, 2, 2, 2]), (1, [1] * 10)])
def test_out_of_memory_halves_the_batch(memory: int, sizes: list[int]) -> None:
    """Memory that runs out halves the batch and loses no image."""
    seen: list[int] = []
    images_BHWC = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    batches = MicroBatches(_mean_within(memory, seen), 16)

    assert batches.logits(images_BHWC)[:, 0].tolist() == list(range(10))
    assert seen == sizes

    seen.clear()
    batches.logits(images_BHWC)
    assert seen == sizes, "what did not fit is tried again"


def test_memory_for_not_even_one_image_is_said() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        MicroBatches(_mean_within(0, []), 16).logits(np.zeros((3, 4, 4, 3), np.uint8))


def test_another_trouble_is_not_taken_for_memory() -> None:
    def fails(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        raise RuntimeError("a kernel failed")

    batches = MicroBatches(fails, 16)
    with pytest.raises(RuntimeError, match="a kernel failed"):
        batches.logits(np.zeros((3, 4, 4, 3), np.uint8))
    assert batches.size == 16
