"""A combination of two small ONNX networks in a data folder: `reds` likes red pictures, `greens` green ones."""

from pathlib import Path

import numpy as np
import torch

from files.onnx_networks import RED, colour_network, written_card
from scanner.domain.states import Basis
from worker.detector.checkpoints.card import Calibration, CheckpointCard, file_sha256, read_card
from worker.detector.checkpoints.checkpoint import write_checkpoint
from worker.detector.checkpoints.late_fusion import LateFusion, Line, Part
from worker.detector.imported.card_file import read_card_file
from worker.detector.imported.network import TENSOR
from worker.detector.model.recipes import COMBINED, Recipe

GREEN = (-4.0, 4.0, 0.0)
WEIGHTS, CENTRES, OFFSET = (0.5, 2.0), (1.0, 0.0), -0.25


def written_parts(models: Path) -> list[Path]:
    """The checkpoints of both networks in the folder `models`; their inputs have other sizes."""
    models.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, colour, side in (("reds", RED, 32), ("greens", GREEN, 48)):
        card = read_card_file(written_card(models / f"{name}.toml", size=side), name=name, created_at="today").card
        model = colour_network((colour,), side=side).SerializeToString()
        paths.append(models / f"{name}.safetensors")
        write_checkpoint(paths[-1], {TENSOR: torch.from_numpy(np.frombuffer(model, np.uint8).copy())}, card)
    return paths


def combined_card(parts: list[Path], name: str = "colours") -> CheckpointCard:
    """The card of a combination of `parts`."""
    told = tuple(Part(path.stem, file_sha256(path), 0.5, 0.5, True, "none") for path in parts)
    line = Line(WEIGHTS, CENTRES, (-9.0, -9.0), (9.0, 9.0), OFFSET)
    recipe = Recipe(COMBINED, (COMBINED,), (), 0.0, read_card(parts[0]).recipe.preprocessing)
    fusion = LateFusion(told, {basis.value: line for basis in Basis})
    return CheckpointCard(name, recipe, Calibration(1.5, 0.1), 0.6, 0.4, "today", whole_images=True, fusion=fusion)


def written_combination(models: Path, name: str = "colours") -> Path:
    """Both parts and the combination `name` in the folder `models`; returns the combination."""
    path = models / f"{name}.safetensors"
    write_checkpoint(path, {}, combined_card(written_parts(models), name))
    return path
