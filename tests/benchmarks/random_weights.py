"""Recipe `paper` with random weights: as quick as with any others, and no public weights are needed.

Shapes: B images, H = W = preprocessing size, C = 3.
"""

from pathlib import Path

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import nn

from training.config.recipes.reader import recipe_named
from worker.detector.checkpoints.card import Calibration, CheckpointCard, file_sha256
from worker.detector.checkpoints.checkpoint import save_checkpoint
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor
from worker.detector.model.assembly import build_detector
from worker.detector.model.backbones.clip import ARCHITECTURES
from worker.detector.model.network import FusionDetector
from worker.detector.weights.public_weights import BackboneFiles

SPREAD = 2.0


def write_paper(folder: Path) -> tuple[Path, Path]:
    """The checkpoint, and the file of CLIP's weights that it names. It calls nothing fake, so nothing is looked at twice."""
    recipe = recipe_named("paper").network
    clip, checkpoint = folder / "clip.safetensors", folder / "paper.safetensors"
    save_file(open_clip.create_model(ARCHITECTURES["vit-b-32"]).state_dict(), clip)
    detector = build_detector(recipe, BackboneFiles(), embed_prompt=False)
    named = {"clip-image": file_sha256(clip)}
    save_checkpoint(checkpoint, detector, CheckpointCard("random", recipe, Calibration(), 1.0, 1.0, "", backbones=named))
    return checkpoint, clip


def paper_seeing(images_BHWC: NDArray[np.uint8]) -> tuple[FusionDetector, CheckpointCard]:
    """A random network as if it had been trained: with the batch statistics of these images, and calibrated to scores all over
    0..1 (logits of mean 0 and standard deviation SPREAD), so that what a runtime does to its scores means something.
    """
    recipe = recipe_named("paper").network
    torch.manual_seed(0)
    detector = build_detector(recipe, BackboneFiles(), embed_prompt=False)
    for module in detector.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the mean over all batches
    card = CheckpointCard("random", recipe, Calibration(), 1.0, 1.0, "")
    predictor = Predictor(detector, card, ChosenDevice("cpu", "for the statistics"), len(images_BHWC))
    detector.train()
    with torch.no_grad():
        for start in range(0, len(images_BHWC), 16):
            detector(predictor.on_device(images_BHWC[start : start + 16]))
    detector.eval()
    logits_B = predictor.logits(images_BHWC)
    slope = SPREAD / logits_B.std()
    calibration = Calibration(float(slope), float(-slope * logits_B.mean()))
    return detector, CheckpointCard("random", recipe, calibration, 1.0, 1.0, "")
