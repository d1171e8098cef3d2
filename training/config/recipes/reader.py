"""Reads recipes. A mistake in one is named with its place, before anything is trained."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from dataclasses import fields as dataclass_fields
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args, get_type_hints

from scanner.base.documents import from_strict_document
from scanner.base.errors import KnownError
from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.assembly import branch_kinds, frozen_branches
from worker.detector.model.recipes import COMBINED, IMPORTED, PROMPT, BranchName, ClipName, Fusion, Recipe

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


def recipe_names() -> tuple[str, ...]:
    """The recipes that come with the program."""
    found = (entry.name for entry in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def recipe_named(wanted: str, changes: Sequence[str] = ()) -> TrainingRecipe | HeadsRecipe:
    """The recipe of that name, or in the file of that path (it ends with `.toml`); `changes` (`table.key=value`) are in front.

    Raises RecipeError.
    """
    if wanted.endswith(".toml"):
        try:
            return _recipe(Path(wanted).stem, Path(wanted).read_text("utf-8"), wanted, changes)
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{wanted} cannot be read: {error}") from None
    if wanted not in recipe_names():
        raise RecipeError(f"recipe {wanted!r} is not known; choose one of {', '.join(recipe_names())}, or name a .toml file")
    return _recipe(wanted, (files(__package__) / f"{wanted}.toml").read_text("utf-8"), f"recipe {wanted}", changes)


def with_seed(recipe: TrainingRecipe | HeadsRecipe, seed: int) -> TrainingRecipe | HeadsRecipe:
    """The same with another seed. Raises RecipeError for one that is too large."""
    try:
        if isinstance(recipe, HeadsRecipe):
            return replace(recipe, plan=replace(recipe.plan, seed=seed))
        return replace(recipe, plan=replace(recipe.plan, seed=seed))
    except ValueError as error:
        raise RecipeError(f"{error}; choose another --seed") from None


def _tables(text: str, where: str, changes: Sequence[str], names: tuple[str, ...] = ()) -> dict[str, Any]:
    """The tables of a recipe's file, with `changes` in front.

    One that says `extends = "NAME"` has those of that bundled recipe, and its own in front. Raises RecipeError, TOMLDecodeError.
    """
    own = tomllib.loads(text)
    base = own.pop("extends", None)
    if base is not None:
        if base not in recipe_names() or base in names:
            raise RecipeError(f"{where} extends {base!r}; extends names one of {', '.join(recipe_names())}")
        bundled = (files(__package__) / f"{base}.toml").read_text("utf-8")
        own = _with_own(_tables(bundled, f"recipe {base}", (), (*names, base)), own)
    for change in changes:
        set_there = _change(change)
        _refuse_unknown(change, set_there, _Document, "a recipe")
        own = _with_own(own, set_there)
    return own


def _refuse_unknown(change: str, tables: Mapping[str, Any], kind: type, called: str) -> None:
    """Raises RecipeError for a table or a field that no recipe has, with those that there are."""
    kinds = get_type_hints(kind)
    for name, value in tables.items():
        if name not in kinds:
            near = get_close_matches(name, kinds, n=1)
            meant = f" (did you mean {near[0]}?)" if near else ""
            raise RecipeError(f"--set {change}: {called} has no {name}{meant}. It has {', '.join(kinds)}")
        below = next((each for each in (kinds[name], *get_args(kinds[name])) if is_dataclass(each)), None)
        if isinstance(value, Mapping) and isinstance(below, type):
            _refuse_unknown(change, value, below, f"[{name}]")


def _change(change: str) -> dict[str, Any]:
    """The tables that `table.key=value` stands for; a value that is no TOML is text. Raises RecipeError."""
    key, is_set, value = change.partition("=")
    for written in (value, json.dumps(value)) if is_set else ():
        try:
            return tomllib.loads(f"{key} = {written}")
        except tomllib.TOMLDecodeError:
            continue
    raise RecipeError(f"--set {change} sets no field of a recipe: write TABLE.FIELD=VALUE, plan.learning_rate=3e-4 for one")


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the keys of `own` in front; tables are merged, everything else is replaced."""
    found = dict(base)
    for key, value in own.items():
        both = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = _merged(found[key], value) if both else value
    return found


def _with_own(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `own` in front. Of an inherited first stage those branches stay that the network still has: a recipe may leave
    some out.
    """
    found = _merged(base, own)
    try:
        first, branches = found["plan"]["first"], found["network"]["branches"]
        if "first" in own.get("plan", {}) or "branches" not in own.get("network", {}):
            return found
        there = [name for name in first["branches"] if name in branches]
    except (KeyError, TypeError):
        return found  # without one, or with a mistake that is named later
    plan = {key: value for key, value in found["plan"].items() if key != "first"}
    return {**found, "plan": {**plan, "first": {**first, "branches": there}} if there else plan}


def _recipe(name: str, text: str, file: str, changes: Sequence[str]) -> TrainingRecipe | HeadsRecipe:
    where = f"{file} with --set {' --set '.join(changes)}" if changes else file
    try:
        document = from_strict_document(_Document, _tables(text, file, changes), path="$")
        fields = {each.name: getattr(document.network, each.name) for each in dataclass_fields(_Network)}
        network = Recipe(name, preprocessing=document.preprocessing, inputs=document.inputs, **fields)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{file} is not TOML: {error}") from None
    except ValueError as error:
        raise RecipeError(f"{where}: {error}. Mend it there") from None
    if alone := {IMPORTED, COMBINED}.intersection(network.branches):
        raise RecipeError(
            f"{where}: networks of others and combinations are not trained here; leave the branch {alone.pop()} out"
        )
    if problem := _unfit_sizes(network, document.plan) or _unfit_first(network, document.plan):
        raise RecipeError(f"{where}: {problem}. Mend it there")
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


def _unfit_sizes(network: Recipe, plan: TrainingPlan | None) -> str | None:
    """Why the sizes of inputs (pixels) do not go together; None if they do."""
    seen = network.preprocessing.size
    if plan is not None and plan.size_of(plan.epochs - 1) != seen:
        return f"the last of sizes is {plan.size_of(plan.epochs - 1)}, and scanning would show {seen} (preprocessing.size)"
    return None


def _unfit_first(network: Recipe, plan: TrainingPlan | None) -> str | None:
    """Why the first stage cannot be trained; None if it can."""
    for name in plan.first.branches if plan is not None and plan.first else ():
        if name not in network.branches:
            return f"[plan.first] names the branch {name}, which the network does not have"
        if (kind := branch_kinds()[name]).is_frozen or kind.is_constant:
            return f"[plan.first] names the branch {name}, which learns nothing"
    return None


def _unfit_for_heads(network: Recipe) -> str | None:
    """Why heads cannot be fitted on frozen branches in this network; None if they can."""
    if len(network.branches) != 2 or frozen_branches(network) != network.branches[:1]:
        return "heads need two branches: a frozen public one, then a CNN"
    if network.fusion != "gated" or network.hidden or network.whole != network.branches[:1]:
        return 'heads need fusion = "gated", hidden = [] and whole = [the first branch]'
    return None
