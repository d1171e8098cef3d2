"""Tiny pictures and manifest rows, made anew for each test."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from training.data.manifest import Row

torch.set_num_threads(1)


@pytest.fixture
def rows(tmp_path: Path) -> tuple[Row, ...]:
    """Ten real (dark) and ten fake (bright) noisy pictures of 24 x 20 pixels, of two sources; every fourth is in `val`."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    made = []
    for number in range(20):
        label = number % 2
        path = folder / f"{number}.png"
        pixels = np.clip(rng.normal(70 + 115 * label, 25, (20, 24, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(path)
        split = "val" if number % 8 in (2, 3) else "train"
        made.append(Row(path, label, f"source{number % 4 // 2}", "face", "", f"group{number}", split))
    return tuple(made)
