"""Files of weights that a user names, and those that lie in the data folder."""

from pathlib import Path

import pytest

from worker.detector.weights.public_weights import CLIP_VIT_B_16, CLIP_VIT_B_32, backbone_files


@pytest.mark.parametrize(
    ("name", "is_b_16"), [("clip-vit-b-16.safetensors", True), ("clip-vit-b-32.safetensors", False), ("ViT-B-32.pt", False)]
)
def test_which_clip_a_file_is_says_its_name(tmp_path: Path, name: str, is_b_16: bool) -> None:
    files = backbone_files(tmp_path, Path("/elsewhere") / name)
    assert files.find(CLIP_VIT_B_16) == (Path("/elsewhere") / name if is_b_16 else None)
    assert files.find(CLIP_VIT_B_32) == (None if is_b_16 else Path("/elsewhere") / name)


def test_the_other_clip_is_looked_for_in_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "backbones").mkdir()
    kept = tmp_path / "backbones" / CLIP_VIT_B_16.file
    kept.touch()
    assert backbone_files(tmp_path, Path("/elsewhere/ViT-B-32.pt")).find(CLIP_VIT_B_16) == kept
