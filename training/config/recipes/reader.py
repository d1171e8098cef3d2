"""Reads recipes. A mistake in one is named with its place, before anything is trained."""

import tomllib
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import cattrs
from cattrs.v import format_exception

from scanner.base.errors import KnownError
from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.recipes import BranchName, Recipe

from ...data.augmentation import Augmentation
from ..hyperparameters import TrainingPlan


class RecipeError(KnownError):
    """A recipe that is not known, or says something that cannot be."""


@dataclass(frozen=True)
class TrainingRecipe:
    """A network and how it is trained."""

    network: Recipe
    plan: TrainingPlan


@dataclass(frozen=True)
class _Network:
    branches: tuple[BranchName, ...]
    hidden: tuple[int, ...]
    dropout: float


@dataclass(frozen=True)
class _Document:
    """The tables of a recipe's file."""

    network: _Network
    preprocessing: Preprocessing
    plan: TrainingPlan
    augmentation: Augmentation | None = None


def recipe_names() -> tuple[str, ...]:
    """The recipes that come with the program."""
    found = (entry.name for entry in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def recipe_named(wanted: str) -> TrainingRecipe:
    """The recipe of that name, or in the file of that path (it ends with `.toml`). Raises RecipeError."""
    if wanted.endswith(".toml"):
        try:
            return _recipe(Path(wanted).stem, Path(wanted).read_text("utf-8"), wanted)
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{wanted} cannot be read: {error}") from None
    if wanted not in recipe_names():
        raise RecipeError(f"recipe {wanted!r} is not known; choose one of {', '.join(recipe_names())}, or name a .toml file")
    return _recipe(wanted, (files(__package__) / f"{wanted}.toml").read_text("utf-8"), f"recipe {wanted}")


def _recipe(name: str, text: str, where: str) -> TrainingRecipe:
    try:
        document = _converter().structure(tomllib.loads(text), _Document)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{where} is not TOML: {error}") from None
    except Exception as error:  # cattrs raises groups of whatever its hooks raised; all of it is about the file
        raise RecipeError(f"{where}: {'; '.join(cattrs.transform_error(error, format_exception=_said))}. Mend it there") from None
    network = Recipe(name, document.network.branches, document.network.hidden, document.network.dropout, document.preprocessing)
    return TrainingRecipe(network, replace(document.plan, augmentation=document.augmentation))


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
