"""Public backbones as the settings name them."""

from pathlib import Path
from typing import TYPE_CHECKING

from scanner.base.settings import Settings

if TYPE_CHECKING:
    from ..detector.model.backbones import BackboneFiles


def named_backbones(settings: Settings) -> "BackboneFiles":
    """The files that the user named; what is not named is looked for in the libraries' caches."""
    from ..detector.model.backbones import BackboneFiles

    return BackboneFiles(clip=Path(settings.clip_weights) if settings.clip_weights else None)
