"""Recipes as users write them: what they extend, what is set for a run, and which mistakes are named."""

from dataclasses import replace
from pathlib import Path

import pytest
from files.recipes import cnn

from training.config.hyperparameters import FirstStage
from training.config.recipes.reader import HeadsRecipe, RecipeError, recipe_named, with_seed

OWN = cnn(hidden="[64]", dropout=0.1, size=96, sizes="[64, 96]", epochs=4, batch_size=16, learning_rate="1e-3")


def first(branches: str = '["efficientnet-lite2"]', epochs: int = 2) -> str:
    return f"learning_rate = 1e-3\n[plan.first]\nbranches = {branches}\nepochs = {epochs}"


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
        ("learning_rate = 1e-3", first(epochs=0), "epochs must lie from 1"),
        ("learning_rate = 1e-3", first(branches="[]"), "branches needs at least one"),
        ("learning_rate = 1e-3", first(branches='["resnet101"]'), "resnet101, which the network does not have"),
        ("learning_rate = 1e-3", first(branches='["resnet"]'), "resnet"),
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
        match=r"'tiny'.*fusion, lite, paper, paper-clip, paper-clip-image, paper-code, paper-joint, paper-no-prompt, paper-resn",
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


@pytest.mark.parametrize(
    ("own", "first"),
    [
        ('[network]\nbranches = ["clip-image", "resnet101"]', FirstStage(("resnet101",), 30)),
        ('[network]\nbranches = ["clip-image"]', None),
        ("[plan.first]\nepochs = 3", FirstStage(("resnet101",), 3)),
        ("[plan]\nepochs = 3", FirstStage(("resnet101",), 30)),
    ],
)
def test_a_first_stage_is_inherited_with_the_branches_that_are_there(tmp_path: Path, own: str, first: FirstStage | None) -> None:
    """Recipes that leave the CNN of `paper` out are as they were before it had two stages."""
    path = tmp_path / "mine.toml"
    path.write_text(f'extends = "paper"\n{own}\n')

    assert recipe_named(str(path)).plan.first == first
    if "network" in own:
        assert recipe_named("paper", [own.replace("[network]\n", "network.")]).plan.first == first


@pytest.mark.parametrize("branch", ["clip-image", "clip-prompt"])
def test_what_learns_nothing_has_no_first_stage(tmp_path: Path, branch: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'extends = "paper"\n[plan.first]\nbranches = ["{branch}"]\n')

    with pytest.raises(RecipeError, match=f"{branch}, which learns nothing"):
        recipe_named(str(path))


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


def test_the_tower_is_selectable(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OWN.replace('["efficientnet-lite2"]', '["clip-image"]\nclip = "vit-b-16"\nclip_blocks = [3]'))

    network = recipe_named(str(path)).network

    assert (network.clip, network.clip_blocks) == ("vit-b-16", (3,))


@pytest.mark.parametrize("branch", ["imported", "combined"])
def test_what_is_not_trained_here_is_no_branch_of_a_recipe(branch: str) -> None:
    with pytest.raises(RecipeError, match=f"leave the branch {branch} out"):
        recipe_named("lite", (f'network.branches=["{branch}"]',))
