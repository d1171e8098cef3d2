"""Public backbones as the settings name them."""

from pathlib import Path

from scanner.settings import Settings

from .detector.backbones import BackboneFiles


def named_backbones(settings: Settings) -> BackboneFiles:
    """The files that the user named; what is not named is looked for in the libraries' caches."""
    return BackboneFiles(clip=Path(settings.clip_weights) if settings.clip_weights else None)
