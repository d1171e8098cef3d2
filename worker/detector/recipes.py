"""The networks that can be built, by name."""

from dataclasses import dataclass
from typing import Literal

from scanner.errors import KnownError

from .preprocess import Preprocessing

BranchName = Literal["clip-image", "clip-prompt", "resnet101", "efficientnet-lite2"]

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

# The static prompt of the `paper` recipe; its embedding is a constant vector in the checkpoint.
PROMPT = "a photo of a deepfake face"


class UnknownRecipe(KnownError):
    """A recipe name that this version cannot build."""


@dataclass(frozen=True)
class Recipe:
    """Branches whose embeddings are concatenated, and the head: widths of its hidden layers, then one logit."""

    name: str
    branches: tuple[BranchName, ...]
    hidden: tuple[int, ...]
    dropout: float
    preprocessing: Preprocessing


def recipes() -> dict[str, Recipe]:
    """All recipes. The `paper` family follows the published table: 512 + 512 + 512 -> 512 -> 512 -> 1, dropout 0.4."""
    at_224 = Preprocessing(224, *IMAGENET)
    known = (
        Recipe("paper", ("clip-image", "clip-prompt", "resnet101"), (512, 512), 0.4, at_224),
        Recipe("paper-clip-image", ("clip-image",), (512, 512), 0.4, at_224),
        Recipe("paper-resnet", ("resnet101",), (512, 512), 0.4, at_224),
        Recipe("lite", ("efficientnet-lite2",), (), 0.2, Preprocessing(160, *HALF)),
    )
    return {recipe.name: recipe for recipe in known}


def recipe_named(name: str) -> Recipe:
    """Raises UnknownRecipe."""
    try:
        return recipes()[name]
    except KeyError:
        raise UnknownRecipe(f"recipe {name!r} is not known; choose one of {', '.join(recipes())}") from None
