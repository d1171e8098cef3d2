"""Recipes as they come with the program."""

from dataclasses import replace

import pytest
import torch

from training.config.hyperparameters import FirstStage, Plateau
from training.config.recipes.reader import HeadsRecipe, recipe_named, recipe_names
from training.loop.optimiser import learning_rate, optimiser_for
from worker.detector.checkpoints.card import read_card
from worker.detector.faces.face_crops import FaceInputs
from worker.detector.inference.registry import bundled_folder
from worker.detector.model.assembly import build_detector
from worker.detector.model.recipes import PROMPT
from worker.detector.weights.public_weights import BackboneFiles

PAPER = ("paper", "paper-clip", "paper-clip-image", "paper-joint", "paper-no-prompt", "paper-resnet")


def test_all_recipes_of_the_design_are_there() -> None:
    assert set(recipe_names()) == {*PAPER, "fusion", "lite", "paper-code", "paper-table1", "robust"}


@pytest.mark.parametrize("name", PAPER)
def test_the_paper_is_trained_as_published(name: str) -> None:
    recipe = recipe_named(name)

    plan, network = recipe.plan, recipe.network
    assert (plan.batch_size, plan.learning_rate, plan.epochs, plan.optimiser) == (64, 1e-4, 30, "adam")
    assert (network.hidden, network.dropout) == ((512, 512), 0.4)
    assert (network.preprocessing.mean, network.preprocessing.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert network.preprocessing.size == 224
    assert {plan.size_of(epoch) for epoch in range(plan.epochs)} == {224}
    assert {learning_rate(plan, step, 1000) for step in range(1000)} == {1e-4}
    # Nothing beyond the published table.
    assert (plan.weight_decay, plan.clip_norm, plan.ema_decay, plan.balance, plan.patience) == (0, 0, 0, False, 0)
    assert plan.augmentation is None


def test_the_ablations_are_the_paper_with_fewer_branches() -> None:
    branches = {name: recipe_named(name).network.branches for name in PAPER}

    assert branches == {
        "paper": ("clip-image", "clip-prompt", "resnet101"),
        "paper-joint": ("clip-image", "clip-prompt", "resnet101"),
        "paper-clip": ("clip-image", "clip-prompt"),
        "paper-clip-image": ("clip-image",),
        "paper-no-prompt": ("clip-image", "resnet101"),
        "paper-resnet": ("resnet101",),
    }


def test_the_cnn_is_trained_first_where_it_is_beside_clip() -> None:
    """As the paper's text has it; alone, and in the recipes that say so, it is trained with its head."""
    staged = {name for name in recipe_names() if getattr(recipe_named(name).plan, "first", None)}
    paper, joint = recipe_named("paper"), recipe_named("paper-joint")

    assert staged == {"paper", "paper-code", "paper-no-prompt", "paper-table1"}
    assert {recipe_named(name).plan.first for name in staged} == {FirstStage(("resnet101",), 30)}
    assert replace(paper.plan, first=None) == joint.plan
    assert replace(paper.network, name="paper-joint") == joint.network


def test_the_code_of_the_paper() -> None:
    """What is known of it, and nothing chosen on what is reported; all else is the paper's."""
    paper, code = recipe_named("paper"), recipe_named("paper-code")

    clip = replace(
        paper.network.preprocessing,
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
    )
    assert code.network == replace(paper.network, name="paper-code", batch_norm=False, preprocessing=clip)
    chosen = {"watched": "dcf", "plateau": Plateau(0.1, 10), "patience": 15, "held_back": 0.1}
    assert code.plan == replace(paper.plan, **chosen)


def test_batch_normalisation_is_in_the_text_and_not_in_the_table() -> None:
    paper, table = recipe_named("paper"), recipe_named("paper-table1")

    assert paper.network.batch_norm
    assert not table.network.batch_norm
    assert paper.plan == table.plan
    assert replace(table.network, name="paper", batch_norm=True) == paper.network
    assert paper.network.prompt == PROMPT


def test_fusion_is_the_network_that_is_bundled() -> None:
    recipe = recipe_named("fusion")

    assert isinstance(recipe, HeadsRecipe)
    card = read_card(bundled_folder() / "fusion.safetensors")
    assert recipe.network == card.recipe
    assert FaceInputs(recipe.plan.framings, recipe.plan.most_faces, beside=True) == card.face_inputs


def test_robust_recipe() -> None:
    """Robust is the network of the paper trained otherwise."""
    paper, robust = recipe_named("paper"), recipe_named("robust")

    assert robust.network.branches == paper.network.branches
    assert robust.network.hidden == paper.network.hidden
    plan, augmentation = robust.plan, robust.plan.augmentation
    assert augmentation is not None
    assert augmentation.qualities == (30, 95)
    assert augmentation.scales == (0.4, 1.3)
    assert min(augmentation.recompress, augmentation.twice, augmentation.rescale, augmentation.blur, augmentation.noisy) > 0
    assert min(plan.ema_decay, plan.warmup_steps, plan.weight_decay, plan.patience, plan.clip_norm) > 0
    assert plan.cosine
    assert plan.balance


def test_lite_recipe() -> None:
    """Lite ends at the size it is used at and decays no norms and biases."""
    lite = recipe_named("lite")
    with torch.random.fork_rng():
        detector = build_detector(lite.network, BackboneFiles())

    assert lite.plan.size_of(lite.plan.epochs - 1) == lite.network.preprocessing.size
    kernels, vectors = optimiser_for(detector, lite.plan).param_groups
    assert kernels["weight_decay"] > 0
    assert vectors["weight_decay"] == 0
    assert all(parameter.ndim == 1 for parameter in vectors["params"])
    assert len(kernels["params"]) + len(vectors["params"]) == len(list(detector.parameters()))
