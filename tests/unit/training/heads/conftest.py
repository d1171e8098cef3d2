"""A tiny stand-in for CLIP, a random CNN in a checkpoint, and seventy-two made pictures of six sources."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from training.config.heads_plan import Draws, HeadsPlan
from training.config.recipes.reader import HeadsRecipe, recipe_named
from training.data import row_picture
from training.data.manifest import Manifest, Row
from training.evaluation import figures
from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.checkpoints.checkpoint import save_checkpoint
from worker.detector.faces.face import Located
from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.assembly import build_detector
from worker.detector.model.backbones.clip import ARCHITECTURES
from worker.detector.weights.public_weights import BackboneFiles

HALF = (0.5, 0.5, 0.5)
SIZE = 32


class Finder:
    """Sees one face in the middle of wide pictures, and none in others."""

    def find(self, picture: Image.Image) -> list[Located]:
        if picture.width < 140:
            return []
        left, top = picture.width / 2 - 25, picture.height / 2 - 25
        return [Located((left, top, 50, 50), ((left + 15, top + 20), (left + 35, top + 20)), 0.9)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "DRAWS", 5)
    monkeypatch.setattr(row_picture, "process_face_finder", Finder)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackboneFiles:
    config = {
        "embed_dim": 16,
        "quick_gelu": True,
        "vision_cfg": {"image_size": SIZE, "layers": 2, "width": 16, "head_width": 8, "patch_size": 8},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1},
    }
    (tmp_path / "tiny-tower.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "tiny-tower.json")
    monkeypatch.setitem(ARCHITECTURES, "vit-b-16", "tiny-tower")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tower = open_clip.create_model("tiny-tower").visual
    save_file(tower.state_dict(), tmp_path / "tower.safetensors")
    return BackboneFiles({"clip-vit-b-16": tmp_path / "tower.safetensors"})


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """A CNN alone, in a checkpoint; its head is not zero."""
    recipe = replace(recipe_named("lite").network, preprocessing=Preprocessing(24, HALF, HALF))
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(1)
        detector = build_detector(recipe, BackboneFiles()).eval()
        detector.head[-1].weight.normal_(0, 0.1)
    card = CheckpointCard("cnn", recipe, Calibration(), 0.5, 0.5, "", training={"sources": {"crops": {}}})
    save_checkpoint(tmp_path / "cnn.safetensors", detector, card, half=True)
    return tmp_path / "cnn.safetensors"


@pytest.fixture
def recipe() -> HeadsRecipe:
    found = recipe_named("fusion")
    assert isinstance(found, HeadsRecipe)
    network = replace(
        found.network,
        clip_blocks=(1, 2),
        preprocessing=Preprocessing(SIZE, HALF, HALF),
        inputs={"efficientnet-lite2": Preprocessing(24, HALF, HALF)},
    )
    plan = replace(found.plan, face_sets=("crops",), most=8, folds=3, iterations=40, draws=Draws(whole=1, largest=1))
    # The random CNN hardly tells pictures apart: brought to CLIP's spread, the rounding of float16 would show.
    plan = replace(plan, mixture=replace(plan.mixture, cnn=0.1))
    return HeadsRecipe(network, plan)


@pytest.fixture
def plan(recipe: HeadsRecipe) -> HeadsPlan:
    return recipe.plan


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Coarse (real) and fine (fake) patterns: of five sources, every second wide enough to have a face, and crops of a face set.

    `only-fakes` holds one label.
    """
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows: list[Row] = []
    for source in ("crops", "one", "two", "three", "four", "only-fakes"):
        for number in range(12):
            label = 1 if source == "only-fakes" else number % 2
            cells = 16 if label else 4
            size = (48, 48) if source == "crops" else (150, 130) if number % 4 < 2 else (90, 80)
            path = folder / f"{source}-{number}.png"
            Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC).save(path)
            split = "val" if source in ("crops", "three") and number >= 8 else "train"
            rows.append(Row(path, label, source, "fake" if label else "real", "", f"{source}/{number}", split))
    return Manifest(tuple(rows), "f" * 64)


@pytest.fixture
def rows(manifest: Manifest) -> Sequence[Row]:
    return manifest.rows
