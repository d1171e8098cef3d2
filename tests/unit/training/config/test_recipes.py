"""Recipes as they come with the program, and as users write them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training.config.hyperparameters import Plateau
from training.config.recipes.reader import HeadsRecipe, RecipeError, recipe_named, recipe_names, with_seed
from training.loop.optimiser import learning_rate, optimiser_for
from worker.detector.checkpoints.card import read_card
from worker.detector.faces.face_crops import FaceInputs
from worker.detector.inference.registry import bundled_folder
from worker.detector.model.assembly import build_detector
from worker.detector.model.recipes import PROMPT
from worker.detector.weights.public_weights import BackboneFiles

PAPER = ("paper", "paper-clip", "paper-clip-image", "paper-no-prompt", "paper-resnet")
OWN = """
[network]
branches = ["efficientnet-lite2"]
hidden = [64]
dropout = 0.1

[preprocessing]
size = 96
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]

[plan]
sizes = [64, 96]
epochs = 4
batch_size = 16
optimiser = "adamw"
learning_rate = 1e-3
"""


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


@pytest.mark.parametrize("branch", ["imported", "combined"])
def test_what_is_not_trained_here_is_no_branch_of_a_recipe(branch: str) -> None:
    with pytest.raises(RecipeError, match=f"leave the branch {branch} out"):
        recipe_named("lite", (f'network.branches=["{branch}"]',))


def test_the_ablations_are_the_paper_with_fewer_branches() -> None:
    branches = {name: recipe_named(name).network.branches for name in PAPER}

    assert branches == {
        "paper": ("clip-image", "clip-prompt", "resnet101"),
        "paper-clip": ("clip-image", "clip-prompt"),
        "paper-clip-image": ("clip-image",),
        "paper-no-prompt": ("clip-image", "resnet101"),
        "paper-resnet": ("resnet101",),
    }


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


def test_the_tower_is_selectable(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OWN.replace('["efficientnet-lite2"]', '["clip-image"]\nclip = "vit-b-16"\nclip_blocks = [3]'))

    network = recipe_named(str(path)).network

    assert (network.clip, network.clip_blocks) == ("vit-b-16", (3,))


def test_fusion_is_the_network_that_is_bundled() -> None:
    recipe = recipe_named("fusion")

    assert isinstance(recipe, HeadsRecipe)
    card = read_card(bundled_folder() / "fusion.safetensors")
    assert recipe.network == card.recipe
    assert FaceInputs(recipe.plan.framings, recipe.plan.most_faces, beside=True) == card.face_inputs


HEADS = """
[network]
branches = ["clip-image", "efficientnet-lite2"]
hidden = []
dropout = 0.2
fusion = "gated"
whole = ["clip-image"]

[preprocessing]
size = 64
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]

[heads]
face_sets = ["dfdc"]
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[heads]", "[plan]", "plan"),
        ('face_sets = ["dfdc"]', "face_sets = []", "at least one source"),
        ('["dfdc"]', '["dfdc"]\nfolds = 1', "folds at least 2"),
        ('["dfdc"]', '["dfdc"]\n[heads.penalties]\nface = 0.0', "penalty must be above 0"),
        ('["dfdc"]', '["dfdc"]\n[heads.cuts]\nband_low = 0.9', "band_low must lie below threshold"),
        ('["dfdc"]', '["dfdc"]\n[augmentation]\nforge = 0.5', "forge, frame and on_device are of no use"),
        ('fusion = "gated"', 'fusion = "late"', 'heads need fusion = "gated"'),
        ('whole = ["clip-image"]', 'whole = ["resnet101"]', "whole names a branch"),
        ('["clip-image", "efficientnet-lite2"]', '["efficientnet-lite2", "clip-image"]', "a frozen public one, then a CNN"),
        ('["clip-image", "efficientnet-lite2"]', '["clip-image", "clip-image"]', "each once"),
        ("dropout = 0.2", "dropout = 2.0", "dropout must lie"),
        ("dropout = 0.2", "dropout = 0.2\nbatch_norm = true", 'batch_norm goes with fusion = "concatenated" only'),
        ("hidden = []", "hidden = [1000000]", "hidden widths from 1 to 16384"),
        ("size = 64", "size = 4000", "size must lie from 1 to 1024"),
    ],
)
def test_a_mistake_in_a_recipe_of_heads_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(HEADS)
    assert isinstance(recipe_named(str(path)), HeadsRecipe)
    path.write_text(HEADS.replace(old, new))

    with pytest.raises(RecipeError, match=r"mine\.toml") as caught:
        recipe_named(str(path))

    assert said in str(caught.value)


def test_a_recipe_is_of_one_kind(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OWN + '\n[heads]\nface_sets = ["dfdc"]\n')

    with pytest.raises(RecipeError, match=r"needs the table \[plan\].*or the table \[heads\]"):
        recipe_named(str(path))


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


def test_a_recipe_of_ones_own_is_named_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OWN)

    recipe = recipe_named(str(path))

    assert recipe.network.name == "mine"
    assert recipe.network.hidden == (64,)
    assert [recipe.plan.size_of(epoch) for epoch in range(4)] == [64, 96, 96, 96]
    assert recipe.plan.augmentation is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("epochs = 4", 'epochs = "4"', "epochs"),
        ("epochs = 4", "epochs = 0", "at least 1"),
        ("epochs = 4", "", "epochs"),
        ("epochs = 4", "epochs = 4\nepoch = 5", "epoch"),
        ("[plan]", "[plans]", "plans"),
        ("efficientnet-lite2", "efficientnet-b9", "efficientnet-b9"),
        ("sizes = [64, 96]", "sizes = []", "sizes"),
        ('"adamw"', '"sgd"', "sgd"),
        ("[network]", "[network", "not TOML"),
        ("sizes = [64, 96]", "sizes = [64]", "scanning would show 96"),
        ("learning_rate = 1e-3", "learning_rate = 1e-3\n[augmentation]\nblur = 2.0", "augmentation"),
        ("learning_rate = 1e-3", "learning_rate = 1e-3\nbalance = 1", "balance"),
        ("learning_rate = 1e-3", "learning_rate = nan", "learning_rate must be a number above 0"),
        ("learning_rate = 1e-3", "learning_rate = inf", "learning_rate must be a number above 0"),
        ("learning_rate = 1e-3", "learning_rate = 1e-3\nweight_decay = nan", "must be numbers"),
        ("learning_rate = 1e-3", "learning_rate = 1e-3\nclip_norm = inf", "must be numbers"),
        ("learning_rate = 1e-3", "learning_rate = 1e-3\nema_decay = nan", "ema_decay"),
        ("learning_rate = 1e-3", "learning_rate = 1e-3\nseed = -1", "seed must lie from 0"),
        ("dropout = 0.1", "dropout = nan", "dropout must lie"),
        ("hidden = [64]", "hidden = [0]", "hidden widths from 1"),
        ('["efficientnet-lite2"]', "[]", "at least one branch"),
        ("epochs = 4", "epochs = 99999999999", "epochs can be 10,000 at most"),
        ("batch_size = 16", "batch_size = 999999999", "batch_size 65,536"),
        ("batch_size = 16", "batch_size = 1", "batch_size must be 2 or more"),
        ("sizes = [64, 96]", "sizes = [9999, 96]", "each from 8 to 1024 pixels"),
        ("std = [0.5, 0.5, 0.5]", "std = [0, 0.5, 0.5]", "std"),
        ("std = [0.5, 0.5, 0.5]", "std = [nan, 0.5, 0.5]", "std"),
        ("mean = [0.5, 0.5, 0.5]", "mean = [inf, 0.5, 0.5]", "mean"),
        ("learning_rate = 1e-3", "learning_rate = 1e-3\ncosine = true\n[plan.plateau]", "not by both"),
        ("learning_rate = 1e-3", "learning_rate = 1e-3\n[plan.plateau]\nfactor = 1.5", "factor must lie"),
        ("learning_rate = 1e-3", "learning_rate = 1e-3\nheld_back = 0.1", "the plan has neither"),
        ("learning_rate = 1e-3", "learning_rate = 1e-3\npatience = 1\nheld_back = 0.9", "from 0 to 0.5"),
    ],
)
def test_a_mistake_in_a_recipe_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    assert old in OWN
    path.write_text(OWN.replace(old, new))

    with pytest.raises(RecipeError, match=r"mine\.toml") as caught:
        recipe_named(str(path))

    assert said in str(caught.value)


def test_an_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(
        RecipeError,
        match=r"'tiny'.*fusion, lite, paper, paper-clip, paper-clip-image, paper-code, paper-no-prompt, paper-resnet, paper-t",
    ):
        recipe_named("tiny")


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"absent\.toml"):
        recipe_named(str(tmp_path / "absent.toml"))


def test_a_recipe_extends_another(tmp_path: Path) -> None:
    """Tables are merged, values are replaced; the base stays as it is."""
    path = tmp_path / "mine.toml"
    path.write_text('extends = "paper"\n[network]\nclip = "vit-b-16"\n[plan]\nepochs = 3\n')

    mine, paper = recipe_named(str(path)), recipe_named("paper")

    assert mine.network == replace(paper.network, name="mine", clip="vit-b-16")
    assert mine.plan == replace(paper.plan, epochs=3)


@pytest.mark.parametrize("base", ["nothing", "mine"])
def test_extends_names_a_bundled_recipe(tmp_path: Path, base: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'extends = "{base}"\n')

    with pytest.raises(RecipeError, match=rf"mine\.toml extends '{base}'.*lite, paper"):
        recipe_named(str(path))


def test_fields_are_set_for_a_run() -> None:
    changed = recipe_named("paper", ["plan.learning_rate=3e-4", "network.clip=vit-b-16"])
    paper = recipe_named("paper")

    assert changed.plan == replace(paper.plan, learning_rate=3e-4)
    assert changed.network == replace(paper.network, clip="vit-b-16")
    assert with_seed(changed, 7).plan.seed == 7
    assert with_seed(recipe_named("fusion"), 7).plan.seed == 7
    with pytest.raises(RecipeError, match=r"seed must lie from 0 to \d+; choose another --seed"):
        with_seed(changed, 2**70)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("plan.rate=1", r"--set plan\.rate=1: \[plan\] has no rate.*It has sizes, epochs"),
        ("plan.learning_rat=1", r"no learning_rat \(did you mean learning_rate\?\)"),
        ("optimise.lr=3e-4", "a recipe has no optimise.* It has network, preprocessing, plan"),
        ("plan.plateau.factr=0.5", r"\[plateau\] has no factr \(did you mean factor"),
        ("plan.epochs=many", "recipe paper with --set plan.epochs=many: .*plan.epochs"),
        ("nonsense", "TABLE.FIELD=VALUE"),
        ("=3", "TABLE.FIELD=VALUE"),
    ],
)
def test_a_field_that_is_none_is_named(change: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        recipe_named("paper", [change])
