"""Public backbones and the checkpoint, as the settings name them."""

from pathlib import Path
from typing import TYPE_CHECKING

from scanner.base.settings import Settings

if TYPE_CHECKING:
    from ..detector.inference.registry import Choice
    from ..detector.weights.public_weights import BackboneFiles


def named_backbones(settings: Settings) -> "BackboneFiles":
    """The files that the user named; others are in the folder of `model fetch`, or in the libraries' caches."""
    from ..detector.weights.public_weights import backbone_files

    return backbone_files(settings.data_dir, Path(settings.clip_weights) if settings.clip_weights else None)


def chosen_checkpoint(settings: Settings) -> "Choice":
    """The checkpoint that scans with these settings. Raises CheckpointError."""
    from ..detector.inference.registry import choose_checkpoint

    return choose_checkpoint(settings.model, settings.data_dir, named_backbones(settings))
