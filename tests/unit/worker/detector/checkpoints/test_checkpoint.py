import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from training.config.recipes.reader import recipe_named, recipe_names
from worker.detector.checkpoints import checkpoint
from worker.detector.checkpoints.card import Calibration, CheckpointCard, CheckpointError, file_sha256, read_card
from worker.detector.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor
from worker.detector.model.assembly import build_detector
from worker.detector.model.backbones.clip import ARCHITECTURES
from worker.detector.model.network import FusionDetector
from worker.detector.model.recipes import Recipe
from worker.detector.weights.public_weights import BackboneFiles, BackboneMissing

NO_FILES = BackboneFiles()
CPU = ChosenDevice("cpu", "for a test")


def scores(detector: FusionDetector, card: CheckpointCard, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
    return Predictor(detector, card, CPU, micro_batch=len(images_BHWC)).scores(images_BHWC)


def metadata_of(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as opened:
        return dict(opened.metadata())


def card_for(recipe: Recipe, **others: Any) -> CheckpointCard:
    return CheckpointCard(recipe.name, recipe, Calibration(), 0.5, 0.5, "2026-11-22T10:00:00+00:00", **others)


@pytest.fixture
def path(tmp_path: Path, lite: FusionDetector, card: CheckpointCard) -> Path:
    save_checkpoint(tmp_path / "good.safetensors", lite, card)
    return tmp_path / "good.safetensors"


def test_a_loaded_checkpoint_gives_the_same_scores(
    path: Path, lite: FusionDetector, card: CheckpointCard, images_BHWC: NDArray[np.uint8]
) -> None:
    expected = scores(lite, card, images_BHWC)
    detector, read = load_checkpoint(path, NO_FILES)

    assert not detector.training
    assert expected.std() > 0.1
    assert np.array_equal(scores(detector, read, images_BHWC), expected)


def test_half_precision_keeps_scores(
    tmp_path: Path, lite: FusionDetector, card: CheckpointCard, images_BHWC: NDArray[np.uint8]
) -> None:
    """Half precision keeps scores and stores vectors in full."""
    path = tmp_path / "half.safetensors"
    save_checkpoint(path, lite, card, half=True)

    stored = load_file(path)
    assert {tensor.dtype for tensor in stored.values() if tensor.ndim > 1} == {torch.float16}
    assert {tensor.dtype for tensor in stored.values() if tensor.ndim == 1} == {torch.float32}
    detector, read = load_checkpoint(path, NO_FILES)
    assert {tensor.dtype for tensor in detector.state_dict().values() if tensor.ndim} == {torch.float32}
    np.testing.assert_allclose(scores(detector, read, images_BHWC), scores(lite, card, images_BHWC), atol=1e-2)


def test_storing_again_changes_nothing(tmp_path: Path, lite: FusionDetector, card: CheckpointCard) -> None:
    """Storing a half precision checkpoint again changes nothing."""
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    save_checkpoint(first, lite, card, half=True)
    save_checkpoint(second, *load_checkpoint(first, NO_FILES), half=True)

    assert file_sha256(first) == file_sha256(second)


@pytest.mark.parametrize("recipe", [recipe_named(name).network for name in recipe_names()], ids=lambda recipe: recipe.name)
def test_the_card_comes_back_equal(tmp_path: Path, lite: FusionDetector, recipe: Recipe) -> None:
    card = CheckpointCard(
        name="best of November",
        recipe=recipe,
        calibration=Calibration(1 / 3, -1e-17),
        threshold=float(np.nextafter(0.9, 1)),
        band_low=5e-324,
        created_at="2026-11-22T10:00:00+00:00",
        backbones={"clip-image": "0" * 64},
        training={"plan": {"sizes": [128, 160]}, "rows": 7},
        metrics={"pooled": {"auc": {"value": 0.9, "low": 0.8, "high": 1.0}}, "note": "Grüße"},
        versions={"torch": "2"},
    )
    save_checkpoint(tmp_path / "card.safetensors", lite, card)

    assert read_card(tmp_path / "card.safetensors") == card


def test_saving_leaves_one_file_and_replaces_the_old_one(path: Path, lite: FusionDetector, card: CheckpointCard) -> None:
    save_checkpoint(path, lite, replace(card, name="newer"))

    assert list(path.parent.iterdir()) == [path]
    assert read_card(path).name == "newer"


def test_broken_write_keeps_old_checkpoint(
    path: Path, lite: FusionDetector, card: CheckpointCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that breaks off leaves the old checkpoint."""

    def full_disk(tensors: object, target: Path, metadata: object) -> None:
        target.write_bytes(b"half of it")
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(path, lite, replace(card, name="newer"))

    assert load_checkpoint(path, NO_FILES)[1] == card


class Payload:
    """Runs code when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def test_a_full_disk_is_one_line(path: Path, lite: FusionDetector, card: CheckpointCard, monkeypatch: pytest.MonkeyPatch) -> None:
    """As safetensors says it; the old checkpoint stays, and nothing half-written."""
    old = path.read_bytes()

    def full(_tensors: object, partial: Path, **_: object) -> None:
        partial.write_bytes(b"half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)

    with pytest.raises(CheckpointError, match=r"good\.safetensors cannot be written: I/O error: No space left .*Make room"):
        save_checkpoint(path, lite, card)
    assert path.read_bytes() == old
    assert [found.name for found in path.parent.iterdir()] == ["good.safetensors"]


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    path, marker = tmp_path / "evil.pt", tmp_path / "ran"
    torch.save({"weights": Payload(marker)}, path)

    with pytest.raises(CheckpointError, match=r"evil\.pt is no safetensors file"):
        load_checkpoint(path, NO_FILES)

    assert not marker.exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint\n" * 20, b"\xff" * 64])
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd.txt").write_bytes(content)

    with pytest.raises(CheckpointError, match=r"odd\.txt is no safetensors file"):
        load_checkpoint(tmp_path / "odd.txt", NO_FILES)


def test_a_truncated_checkpoint_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(CheckpointError, match=r"good\.safetensors is no safetensors file"):
        load_checkpoint(path, NO_FILES)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"absent\.safetensors does not exist"):
        read_card(tmp_path / "absent.safetensors")
    with pytest.raises(CheckpointError, match=tmp_path.name):
        read_card(tmp_path)


def test_foreign_safetensors_are_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    save_file({"weight": torch.zeros(1)}, tmp_path / "other.safetensors", metadata={"format": "pt"})

    for name in ("foreign", "other"):
        with pytest.raises(CheckpointError, match=rf"{name}\.safetensors carries no readable description"):
            load_checkpoint(tmp_path / f"{name}.safetensors", NO_FILES)


def described(card: CheckpointCard, **changes: Any) -> str:
    return json.dumps({"format": checkpoint.FORMAT, "tensors_sha256": "0" * 64, **asdict(card)} | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 99},
        {"calibration": [1, 0]},
        {"surprise": 1},
        {"recipe": "lite"},
        {"recipe_branches": ["resnet5000"]},
        {"recipe_hidden": ["many"]},
        {"recipe_preprocessing": {"size": 0, "mean": [0.5] * 3, "std": [0.5] * 3}},
        {"recipe_preprocessing": {"size": 64, "mean": [0.5] * 3, "std": [0.5, 0, 0.5]}},
        {"threshold": "high"},
        {"threshold": float("nan")},
        {"band_low": 0.99},
        {"calibration": {"slope": float("inf"), "offset": 0}},
    ],
    ids=str,
)
def test_a_description_that_cannot_be_built_is_refused(tmp_path: Path, card: CheckpointCard, changes: dict[str, Any]) -> None:
    recipe = asdict(card.recipe) | {name[7:]: value for name, value in changes.items() if name.startswith("recipe_")}
    changes = {"recipe": recipe} | {name: value for name, value in changes.items() if not name.startswith("recipe_")}
    save_file({"weight": torch.zeros(1)}, tmp_path / "odd.safetensors", metadata={"dfscan": described(card, **changes)})

    with pytest.raises(CheckpointError, match=r"odd\.safetensors"):
        load_checkpoint(tmp_path / "odd.safetensors", NO_FILES)


@pytest.mark.parametrize("document", ["{", "[]", "{}", "3", "null"])
def test_a_header_that_is_no_description_is_refused(tmp_path: Path, document: str) -> None:
    save_file({"weight": torch.zeros(1)}, tmp_path / "odd.safetensors", metadata={"dfscan": document})

    with pytest.raises(CheckpointError, match=r"odd\.safetensors carries no readable description"):
        read_card(tmp_path / "odd.safetensors")


@pytest.mark.parametrize("damage", ["missing", "extra", "other shape"])
def test_tensors_that_do_not_fit_the_recipe_are_refused(path: Path, damage: str) -> None:
    tensors, metadata = load_file(path), metadata_of(path)
    if damage == "missing":
        del tensors["head.1.bias"]
    elif damage == "extra":
        tensors["head.9.bias"] = torch.zeros(1)
    else:
        tensors["head.1.bias"] = torch.zeros(2)
    save_file(tensors, path, metadata=metadata)

    with pytest.raises(CheckpointError, match=r"(?s)good\.safetensors does not fit its own recipe lite.*head\."):
        load_checkpoint(path, NO_FILES)


@pytest.fixture
def tiny_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CLIP file of a tiny architecture that stands in for ViT-B/32: the real one is 600 MB."""
    config = {
        "embed_dim": 16,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 224, "layers": 1, "width": 16, "head_width": 8, "patch_size": 32},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1},
    }
    (tmp_path / "tiny-clip.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "tiny-clip.json")
    monkeypatch.setitem(ARCHITECTURES, "vit-b-32", "tiny-clip")
    return write_clip(tmp_path / "clip.safetensors")


def write_clip(path: Path) -> Path:
    model: nn.Module = open_clip.create_model("tiny-clip")
    save_file(model.state_dict(), path)
    return path


def test_paper_checkpoint_names_clip(tmp_path: Path, tiny_clip: Path) -> None:
    """A paper checkpoint names the frozen clip and does not copy it."""
    recipe, path = recipe_named("paper").network, tmp_path / "paper.safetensors"
    detector = build_detector(recipe, BackboneFiles({"clip-vit-b-32": tiny_clip})).eval()
    card = card_for(recipe, backbones={"clip-image": file_sha256(tiny_clip)})
    images_BHWC = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), np.uint8)

    save_checkpoint(path, detector, card)
    stored = load_file(path)
    loaded, read = load_checkpoint(path, BackboneFiles({"clip-vit-b-32": tiny_clip}))

    assert not [name for name in stored if "clip-image" in name]
    assert stored["branches.clip-prompt.embedding_D"].any()
    assert any(name.startswith("branches.resnet101.") for name in stored)
    assert np.array_equal(scores(loaded, read, images_BHWC), scores(detector, card, images_BHWC))


def test_other_clip_file_is_refused(tmp_path: Path, tiny_clip: Path) -> None:
    """Another clip file than the one trained on is refused."""
    recipe, path = recipe_named("paper-clip-image").network, tmp_path / "clip-image.safetensors"
    detector = build_detector(recipe, BackboneFiles({"clip-vit-b-32": tiny_clip}))
    save_checkpoint(path, detector, card_for(recipe, backbones={"clip-image": file_sha256(tiny_clip)}))
    other = write_clip(tmp_path / "other-clip.safetensors")

    with pytest.raises(CheckpointError, match=r"other-clip\.safetensors is not the file of CLIP .*clip-image"):
        load_checkpoint(path, BackboneFiles({"clip-vit-b-32": other}))
    with pytest.raises(BackboneMissing, match=r"absent does not exist"):
        load_checkpoint(path, BackboneFiles({"clip-vit-b-32": tmp_path / "absent"}))
