"""What a card says of faces, of two heads and of the network: read back as it was written, and refused where it cannot be."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from worker.detector.checkpoints.card import Calibration, CheckpointCard, CheckpointError, Combination, read_card
from worker.detector.checkpoints.checkpoint import FORMAT, save_checkpoint
from worker.detector.faces.face_crops import FRAMINGS, MOST_FACES, FaceInputs
from worker.detector.image.preprocess import Preprocessing
from worker.detector.inference.registry import bundled_folder
from worker.detector.model.network import FusionDetector
from worker.detector.model.recipes import PROMPT, Recipe

RECIPE = Recipe(
    "all fields",
    ("clip-image", "efficientnet-lite2"),
    (64, 32),
    0.25,
    Preprocessing(224, (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    clip="vit-b-16",
    clip_blocks=(5, 12),
    prompt="Is it real?",
    inputs={"efficientnet-lite2": Preprocessing(192, (0.5,) * 3, (0.5,) * 3)},
    fusion="gated",
    whole=("clip-image",),
)
CARD = CheckpointCard(
    "two heads",
    RECIPE,
    Calibration(1 / 3, -0.25),
    0.8,
    0.6,
    "2026-11-22T10:00:00+00:00",
    whole_images=True,
    face_inputs=FaceInputs(((1.4, False), (2.1, True)), 12, beside=True),
    combinations={
        "faces": Combination(1 / 3, 0.5, -1e-17),
        "whole": Combination(0.0, 1.25, 0.125),
        "both": Combination(0.5, 0.7, -2.0),
    },
    backbones={"clip-image": "0" * 64},
)


@pytest.fixture(name="written")
def _written(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Writes a document as a checkpoint's header."""

    def write(document: dict[str, Any]) -> Path:
        whole = {"format": FORMAT, "tensors_sha256": "0" * 64, **document}
        save_file({"weight": torch.zeros(1)}, tmp_path / "card.safetensors", metadata={"dfscan": json.dumps(whole)})
        return tmp_path / "card.safetensors"

    return write


def test_faces_combinations_and_network_come_back_equal(tmp_path: Path, lite: FusionDetector) -> None:
    save_checkpoint(tmp_path / "card.safetensors", lite, CARD)

    found = read_card(tmp_path / "card.safetensors")

    assert found == CARD
    assert found.face_inputs.framings[1] == (2.1, True)
    assert hash(found.face_inputs) == hash(CARD.face_inputs), "a decoder process gets lists instead of tuples"


def test_an_older_card_is_read_with_what_was_so_then(written: Callable[[dict[str, Any]], Path]) -> None:
    document = asdict(CARD)
    for name in ("face_inputs", "combinations"):
        del document[name]
    for name in ("clip", "clip_blocks", "prompt", "batch_norm", "inputs", "fusion", "whole"):
        del document["recipe"][name]

    found = read_card(written(document))

    assert found.face_inputs == FaceInputs(FRAMINGS, MOST_FACES, beside=False)
    assert found.combinations == {}
    recipe = Recipe("all fields", RECIPE.branches, RECIPE.hidden, RECIPE.dropout, RECIPE.preprocessing)
    assert found.recipe == recipe
    assert (recipe.clip, recipe.clip_blocks, recipe.prompt) == ("vit-b-32", (), PROMPT)
    assert (recipe.batch_norm, recipe.fusion, recipe.whole, dict(recipe.inputs)) == (False, "concatenated", (), {})


def test_the_bundled_lite_has_one_head_and_looks_at_faces_as_ever() -> None:
    card = read_card(bundled_folder() / "lite.safetensors")

    assert (card.recipe.whole, card.combinations, card.backbones) == ((), {}, {})
    assert card.face_inputs == FaceInputs()
    assert card.face_inputs.framings == ((1.4, False), (1.0, False), (1.3, True), (1.7, True))


@pytest.mark.parametrize("path", sorted(bundled_folder().glob("*.safetensors")), ids=lambda path: path.stem)
def test_what_a_bundled_card_says_fits_together(path: Path) -> None:
    card = read_card(path)

    assert {*card.recipe.whole, *card.recipe.inputs} <= set(card.recipe.branches)
    assert set(card.combinations) == ({"faces", "whole", "both"} if card.recipe.whole else set())
    assert not card.face_inputs.beside or card.recipe.whole
    assert all(own.whole > 0 for own in card.combinations.values())
    assert 0 < card.band_low < card.threshold < 1


@pytest.mark.parametrize(
    "face_inputs",
    [
        {"framings": []},
        {"framings": [[0.1, False]]},
        {"framings": [[99.0, False]]},
        {"framings": [[float("nan"), False]]},
        {"framings": [["wide", False]]},
        {"framings": [1.4]},
        {"framings": [[1.4, False, 3]]},
        {"framings": [[1.4, False]] * 17},
        {"framings": [[1.4, "no"]]},
        {"most": 0},
        {"most": 10**6},
        {"most": -3},
        {"most": None},
        {"beside": ...},
    ],
    ids=str,
)
def test_faces_that_cannot_be_cut_are_refused(written: Callable[[dict[str, Any]], Path], face_inputs: dict[str, Any]) -> None:
    document = asdict(CARD)
    document["face_inputs"].update(face_inputs)
    if face_inputs.get("beside") is ...:
        del document["face_inputs"]["beside"]

    with pytest.raises(CheckpointError, match=r"card\.safetensors"):
        read_card(written(document))


@pytest.mark.parametrize(
    "combinations",
    [
        {"faces": {"faces": float("nan"), "whole": 1.0, "offset": 0.0}},
        {"whole": {"faces": 1.0, "whole": float("inf"), "offset": 0.0}},
        {"both": {"faces": 1.0, "whole": 1.0, "offset": float("-inf")}},
        {"faces": {"faces": 1.0, "whole": 1.0}},
        {"faces": {"faces": 1.0, "whole": 1.0, "offset": 0.0, "further": 1.0}},
        {"faces": {"faces": "much", "whole": 1.0, "offset": 0.0}},
        {"faces": [1.0, 1.0, 0.0]},
        {"nothing": {"faces": 1.0, "whole": 1.0, "offset": 0.0}},
        [],
    ],
    ids=str,
)
def test_combinations_that_are_none_are_refused(written: Callable[[dict[str, Any]], Path], combinations: Any) -> None:
    with pytest.raises(CheckpointError, match=r"card\.safetensors"):
        read_card(written({**asdict(CARD), "combinations": combinations}))


@pytest.mark.parametrize(
    "changes",
    [
        {"clip": "vit-h-14"},
        {"clip_blocks": ["last"]},
        {"clip_blocks": [0]},
        {"clip_blocks": [13]},
        {"fusion": "early"},
        {"whole": ["resnet5000"]},
        {"whole": ["resnet101"]},
        {"inputs": {"resnet5000": asdict(RECIPE.preprocessing)}},
        {"inputs": {"resnet101": asdict(RECIPE.preprocessing)}},
        {"inputs": {"clip-image": {"size": 0, "mean": [0.5] * 3, "std": [0.5] * 3}}},
        {"inputs": ["clip-image"]},
        {"attention": True},
        {"batch_norm": True},
        {"fusion": "late", "batch_norm": True},
        {"dropout": 1.0},
        {"dropout": "0.2"},
        {"hidden": [0]},
        {"hidden": [10**9]},
        {"hidden": [8] * 9},
        {"branches": ["clip-image", "clip-image"]},
        {"clip_blocks": [12, 12]},
        {"prompt": None},
        {"preprocessing": {"size": 10**6, "mean": [0.5] * 3, "std": [0.5] * 3}},
        {"preprocessing": {"size": 224, "mean": [1e999] * 3, "std": [0.5] * 3}},
        {"preprocessing": {"size": 224, "mean": [0.5] * 2, "std": [0.5] * 3}},
        {"preprocessing": {"size": 224.5, "mean": [0.5] * 3, "std": [0.5] * 3}},
    ],
    ids=str,
)
def test_a_network_that_cannot_be_built_is_refused(written: Callable[[dict[str, Any]], Path], changes: dict[str, Any]) -> None:
    document = asdict(CARD)
    document["recipe"].update(changes)

    with pytest.raises(CheckpointError, match=r"card\.safetensors"):
        read_card(written(document))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "x" * 201}, "200 characters"),
        ({"name": None}, "card.name"),
        ({"whole_images": "no"}, "'no' is not of type bool @ card.whole_images"),
        ({"backbones": {"clip-image": "no hash"}}, "sha256"),
        ({"created_at": 5}, "card.created_at"),
        ({"metrics": {"pooled": {"auc": float("nan")}}}, "no finite number"),
        ({"training": []}, "card.training"),
        ({"versions": {"torch": 2}}, "card.versions"),
        ({"calibration": {"slope": 10**400, "offset": 0}}, "card.calibration"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_values_are_named(written: Callable[[dict[str, Any]], Path], changes: dict[str, Any], said: str) -> None:
    with pytest.raises(CheckpointError, match=r"card\.safetensors") as caught:
        read_card(written({**asdict(CARD), **changes}))
    assert said in str(caught.value)


@pytest.mark.parametrize("depth", [17, 900, 100_000])
def test_deep_nesting_is_refused(tmp_path: Path, depth: int) -> None:
    document = json.dumps({"format": FORMAT, "tensors_sha256": "0" * 64, **asdict(CARD)})
    deep = document.replace('"metrics": {}', f'"metrics": {"[" * depth}{"]" * depth}')
    save_file({"weight": torch.zeros(1)}, tmp_path / "deep.safetensors", metadata={"dfscan": deep})
    with pytest.raises(CheckpointError, match=r"deep\.safetensors"):
        read_card(tmp_path / "deep.safetensors")


def test_batch_norm_under_one_head(written: Callable[[dict[str, Any]], Path]) -> None:
    recipe = replace(RECIPE, batch_norm=True, fusion="concatenated")
    assert read_card(written(asdict(replace(CARD, recipe=recipe)))).recipe == recipe


def test_a_card_may_leave_out_what_has_a_default(written: Callable[[dict[str, Any]], Path]) -> None:
    """Else the tests above would be about something that is missing."""
    assert read_card(written(asdict(replace(CARD, name="again")))) == replace(CARD, name="again")
