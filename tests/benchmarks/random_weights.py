"""A checkpoint of recipe `paper` with random weights: as quick as any other, and no public weights are needed."""

from pathlib import Path

import open_clip
from safetensors.torch import save_file

from training.recipes.reading import recipe_named
from worker.detector.backbones import CLIP_ARCHITECTURE, BackboneFiles, build_detector
from worker.detector.checkpoint import Calibration, CheckpointCard, file_sha256, save_checkpoint


def write_paper(folder: Path) -> tuple[Path, Path]:
    """The checkpoint, and the file of CLIP's weights that it names. It calls nothing fake, so nothing is looked at twice."""
    recipe = recipe_named("paper").network
    clip, checkpoint = folder / "clip.safetensors", folder / "paper.safetensors"
    save_file(open_clip.create_model(CLIP_ARCHITECTURE).state_dict(), clip)
    detector = build_detector(recipe, BackboneFiles(), embed_prompt=False)
    named = {"clip-image": file_sha256(clip)}
    save_checkpoint(checkpoint, detector, CheckpointCard("random", recipe, Calibration(), 1.0, 1.0, "", backbones=named))
    return checkpoint, clip
