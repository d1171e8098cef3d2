"""Checkpoints as commands name them, loaded for measuring."""

from pathlib import Path
from typing import TYPE_CHECKING

from scanner.base.settings import Settings

if TYPE_CHECKING:
    from worker.detector.combined.scorer import AnyScorer


def checkpoint_file(settings: Settings, named: str) -> Path:
    """The file of a checkpoint that was named by its path or its name. Raises CheckpointError."""
    from worker.detector.inference.registry import find_checkpoint

    return Path(named) if Path(named).is_file() else find_checkpoint(named, settings.data_dir)


def loaded(settings: Settings, path: Path, clip_weights: Path | None, device: str) -> "AnyScorer":
    """The network of a checkpoint, or those of its parts. Raises CheckpointError and BackboneMissing."""
    from worker.detector.combined.loading import load_detector
    from worker.detector.weights.public_weights import backbone_files

    named_clip = Path(settings.clip_weights) if settings.clip_weights else None
    files = backbone_files(settings.data_dir, clip_weights or named_clip)
    return load_detector(path, device, files=files, micro_batch=64)
