"""The networks with random weights: sizes against published figures, shapes, and what learns."""

import open_clip
import pytest
import torch
import torchvision
from torch import Tensor, nn

from training.config.recipes.reader import recipe_named, recipe_names
from worker.detector.model.assembly import build_detector
from worker.detector.model.backbones import clip as clip_backbone
from worker.detector.model.backbones.clip import ARCHITECTURES
from worker.detector.model.network import FusionDetector
from worker.detector.model.recipes import PROMPT
from worker.detector.weights.public_weights import BackboneFiles

PAPER = ("paper", "paper-clip-image", "paper-resnet")


def millions(module: nn.Module) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


@pytest.fixture(scope="module")
def clip() -> nn.Module:
    """The whole of CLIP with random weights; slow to make, so it is made once."""
    return clip_backbone._model(recipe_named("paper").network, None)


@pytest.fixture(scope="module")
def detectors(clip: nn.Module) -> dict[str, FusionDetector]:
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        torch.manual_seed(0)
        patch.setattr(clip_backbone, "_model", lambda *_: clip)
        return {
            name: build_detector(recipe, BackboneFiles()).eval()
            for name, recipe in ((name, recipe_named(name).network) for name in recipe_names())
        }


@pytest.fixture(scope="module", name="images_BCHW")
def _images() -> Tensor:
    return torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def test_clip_has_the_published_size(clip: nn.Module) -> None:
    assert millions(clip) == pytest.approx(151.3, abs=0.1)  # open_clip's table of models, ViT-B-32


def test_resnet101_has_the_published_size(detectors: dict[str, FusionDetector]) -> None:
    branch = detectors["paper"].branches["resnet101"]
    imagenet_fc, own_fc = (2048 + 1) * 1000 / 1e6, (2048 + 1) * 512 / 1e6

    assert millions(branch) - own_fc + imagenet_fc == pytest.approx(44.5, abs=0.1)  # torchvision's table of models
    assert torchvision.models.ResNet101_Weights.IMAGENET1K_V2.meta["num_params"] / 1e6 == pytest.approx(
        millions(branch) - own_fc + imagenet_fc, abs=1e-6
    )


def test_parts_of_paper(clip: nn.Module, detectors: dict[str, FusionDetector]) -> None:
    """Paper holds the image tower resnet and head and nothing else."""
    paper = detectors["paper"]

    parts = (clip.visual, paper.branches["resnet101"], paper.head)
    assert millions(paper) == pytest.approx(sum(map(millions, parts)), abs=1e-9)
    assert millions(clip.visual) == pytest.approx(87.8, abs=0.1)


def test_no_text_tower(clip: nn.Module, detectors: dict[str, FusionDetector]) -> None:
    """No parameter of the text tower is in the detector."""
    text = {id(p) for name, p in clip.named_parameters() if not name.startswith("visual.")}

    assert len(text) > 100
    assert not text & {id(parameter) for parameter in detectors["paper"].parameters()}
    assert not [name for name in detectors["paper"].state_dict() if "token_embedding" in name or "text" in name]


@pytest.mark.parametrize(("name", "width"), [("paper", 1536), ("paper-clip-image", 512), ("paper-resnet", 512)])
def test_the_paper_heads_are_as_published(detectors: dict[str, FusionDetector], name: str, width: int) -> None:
    linear = [(layer.in_features, layer.out_features) for layer in detectors[name].head if isinstance(layer, nn.Linear)]

    assert linear == [(width, 512), (512, 512), (512, 1)]
    assert [layer.p for layer in detectors[name].head if isinstance(layer, nn.Dropout)] == [0.4, 0.4]
    assert [type(layer) for layer in detectors[name].head] == [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Dropout] * 2 + [nn.Linear]


def test_the_head_of_the_table_has_no_batch_normalisation(detectors: dict[str, FusionDetector]) -> None:
    assert [type(layer) for layer in detectors["paper-table1"].head] == [nn.Linear, nn.ReLU, nn.Dropout] * 2 + [nn.Linear]


def test_the_lite_head_is_one_layer_that_starts_neutral(detectors: dict[str, FusionDetector], images_BCHW: Tensor) -> None:
    assert [type(layer) for layer in detectors["lite"].head] == [nn.Dropout, nn.Linear]
    assert torch.equal(detectors["lite"](images_BCHW), torch.zeros(2))


@pytest.mark.parametrize("name", PAPER)
def test_hidden_layers_start_with_kaiming_variance(detectors: dict[str, FusionDetector], name: str) -> None:
    hidden = detectors[name].head[0]

    assert float(hidden.weight.detach().std()) == pytest.approx((2 / hidden.in_features) ** 0.5, rel=0.02)
    assert not hidden.bias.any()


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_gives_one_logit_per_image(detectors: dict[str, FusionDetector], images_BCHW: Tensor, name: str) -> None:
    with torch.inference_mode():
        logits_B = detectors[name](images_BCHW)

    assert logits_B.shape == (2,)
    assert logits_B.dtype == torch.float32
    assert logits_B.isfinite().all()


def test_resnet_learns_and_clip_stays_frozen(detectors: dict[str, FusionDetector], images_BCHW: Tensor) -> None:
    paper = detectors["paper"].train()
    clip_before = {name: tensor.clone() for name, tensor in paper.branches["clip-image"].state_dict().items()}

    paper(images_BCHW).sum().backward()

    resnet, image_tower = paper.branches["resnet101"], paper.branches["clip-image"]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in (*resnet.parameters(), *paper.head.parameters()))
    assert resnet.backbone.conv1.weight.grad.any()
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in image_tower.parameters())
    assert not any(module.training for module in image_tower.modules())
    assert all(torch.equal(tensor, clip_before[name]) for name, tensor in image_tower.state_dict().items())
    paper.zero_grad()
    paper.eval()


def test_clip_embeddings_have_unit_length(detectors: dict[str, FusionDetector], images_BCHW: Tensor) -> None:
    embeddings_BD = detectors["paper"].branches["clip-image"](images_BCHW)

    assert embeddings_BD.shape == (2, 512)
    torch.testing.assert_close(embeddings_BD.norm(dim=1), torch.ones(2))


def test_prompt_is_constant(clip: nn.Module, detectors: dict[str, FusionDetector], images_BCHW: Tensor) -> None:
    """The prompt is one constant vector for every image."""
    branch = detectors["paper"].branches["clip-prompt"]

    first, second = branch(images_BCHW)
    assert torch.equal(first, second)
    assert torch.equal(first, branch(images_BCHW * -3)[0])
    assert not list(branch.parameters())
    with torch.no_grad():
        tokens = open_clip.get_tokenizer(ARCHITECTURES["vit-b-32"])([PROMPT])
        torch.testing.assert_close(first, nn.functional.normalize(clip.encode_text(tokens), dim=-1)[0])


def test_clip_activation(clip: nn.Module) -> None:
    """Clip runs with the activation that openai trained with."""
    activations = {type(module).__name__ for module in clip.visual.modules() if "GELU" in type(module).__name__}

    assert activations == {"QuickGELU"}
