"""Reads recipes. A mistake in one is named with its place, before anything is trained."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from dataclasses import fields as dataclass_fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import cattrs
from cattrs.v import format_exception

from scanner.base.errors import KnownError
from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.assembly import frozen_branches
from worker.detector.model.recipes import PROMPT, BranchName, ClipName, Fusion, Recipe

from ...data.augmentation import Augmentation
from ..heads_plan import HeadsPlan
from ..hyperparameters import TrainingPlan


class RecipeError(KnownError):
    """A recipe that is not known, or says something that cannot be."""


@dataclass(frozen=True)
class TrainingRecipe:
    """A network and how it is trained by gradients."""

    network: Recipe
    plan: TrainingPlan


@dataclass(frozen=True)
class HeadsRecipe:
    """A network of frozen branches, and how heads are fitted on them.

    Its first branch is a public one that stays as it is, its second a CNN that another recipe has trained.
    """

    network: Recipe
    plan: HeadsPlan

    @property
    def cnn(self) -> BranchName:
        """The branch whose weights and head come from another checkpoint."""
        return self.network.branches[1]


@dataclass(frozen=True)
class _Network:
    """The fields of `Recipe` but for its name and the tables of its own."""

    branches: tuple[BranchName, ...]
    hidden: tuple[int, ...]
    dropout: float
    clip: ClipName = "vit-b-32"
    clip_blocks: tuple[int, ...] = ()
    prompt: str = PROMPT
    batch_norm: bool = False
    fusion: Fusion = "concatenated"
    whole: tuple[BranchName, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be built."""
        if not self.branches or len(set(self.branches)) < len(self.branches):
            raise ValueError("branches needs at least one branch, and each once")
        if not 0 <= self.dropout < 1 or any(width < 1 for width in self.hidden):
            raise ValueError("dropout must lie from 0 to below 1, and hidden widths be at least 1")
        if not set(self.whole) <= set(self.branches):
            raise ValueError("whole names a branch that the network does not have")


@dataclass(frozen=True)
class _Document:
    """The tables of a recipe's file: one of `plan` and `heads`."""

    network: _Network
    preprocessing: Preprocessing
    plan: TrainingPlan | None = None
    heads: HeadsPlan | None = None
    inputs: Mapping[str, Preprocessing] = field(default_factory=dict)
    augmentation: Augmentation | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for tables that do not go together."""
        if (self.plan is None) == (self.heads is None):
            raise ValueError("a recipe needs the table [plan] (training by gradients) or the table [heads] (on frozen branches)")
        if not set(self.inputs) <= set(self.network.branches):
            raise ValueError("inputs names a branch that the network does not have")


def recipe_names() -> tuple[str, ...]:
    """The recipes that come with the program."""
    found = (entry.name for entry in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def recipe_named(wanted: str) -> TrainingRecipe | HeadsRecipe:
    """The recipe of that name, or in the file of that path (it ends with `.toml`). Raises RecipeError."""
    if wanted.endswith(".toml"):
        try:
            return _recipe(Path(wanted).stem, Path(wanted).read_text("utf-8"), wanted)
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{wanted} cannot be read: {error}") from None
    if wanted not in recipe_names():
        raise RecipeError(f"recipe {wanted!r} is not known; choose one of {', '.join(recipe_names())}, or name a .toml file")
    return _recipe(wanted, (files(__package__) / f"{wanted}.toml").read_text("utf-8"), f"recipe {wanted}")


def _recipe(name: str, text: str, where: str) -> TrainingRecipe | HeadsRecipe:
    try:
        document = _converter().structure(tomllib.loads(text), _Document)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{where} is not TOML: {error}") from None
    except Exception as error:  # cattrs raises groups of whatever its hooks raised; all of it is about the file
        raise RecipeError(f"{where}: {'; '.join(cattrs.transform_error(error, format_exception=_said))}. Mend it there") from None
    fields = {each.name: getattr(document.network, each.name) for each in dataclass_fields(_Network)}
    network = Recipe(name, preprocessing=document.preprocessing, inputs=document.inputs, **fields)
    if document.plan is not None:
        return TrainingRecipe(network, replace(document.plan, augmentation=document.augmentation))
    assert document.heads is not None
    if problem := _unfit_for_heads(network):
        raise RecipeError(f"{where}: {problem}. Mend it there")
    try:
        plan = replace(document.heads, augmentation=document.augmentation or document.heads.augmentation)
    except ValueError as error:
        raise RecipeError(f"{where}: {error}. Mend it there") from None
    return HeadsRecipe(network, plan)


def _unfit_for_heads(network: Recipe) -> str | None:
    """Why heads cannot be fitted on frozen branches in this network; None if they can."""
    if len(network.branches) != 2 or frozen_branches(network) != network.branches[:1]:
        return "heads need two branches: a frozen public one, then a CNN"
    if network.fusion != "gated" or network.hidden or network.whole != network.branches[:1]:
        return 'heads need fusion = "gated", hidden = [] and whole = [the first branch]'
    return None


def _converter() -> cattrs.Converter:
    """Refuses unknown keys, and values of another type instead of bending them ("no" is not True)."""
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (bool, int, str):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(float, lambda value, _: float(_exactly(value, int if type(value) is int else float)))
    return converter


def _said(error: BaseException, kind: type | None) -> str:
    # What our own checks say of a value is better than "invalid value".
    return str(error) if type(error) in (TypeError, ValueError) else format_exception(error, kind)


def _exactly(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is not of type {kind.__name__}")
    return value
