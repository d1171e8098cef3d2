"""docs/training.md as a reader follows it: every command of its blocks, in order, on some hundreds of pictures.

What stands in, so that it takes minutes and not hours: recipes are the bundled ones at 32 pixels and with fewer epochs and draws,
CLIP is a tiny tower, faces are found by the size of a picture, and what `model fetch` would bring is there.
"""

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from glob import glob
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from click.testing import CliRunner
from files.deepfakebench_trees import tree
from PIL import Image
from safetensors.torch import save_file

from scanner.cli.main import cli
from training.config.recipes import reader
from training.data import row_picture
from training.evaluation import figures, operating_point
from worker.detector.faces import face_finder
from worker.detector.faces.face import Located
from worker.detector.model.backbones.clip import ARCHITECTURES
from worker.detector.weights.public_weights import CLIP_VIT_B_16

PAGE = Path(__file__).resolve().parents[2] / "docs" / "training.md"
RECIPES = Path(reader.__file__).parent
SIDE = 32
# Each in the recipes it is for; what does not occur in one is for another.
SMALLER = (
    (r"^size = \d+", f"size = {SIDE}"),
    (r"^sizes = .*", f"sizes = [{SIDE}]"),
    (r"^epochs = \d+", "epochs = 1"),
    (r"^\[plan\]", "[plan]\nautocast = false"),
    (r"^folds = 8", "folds = 3"),
    (r"^(whole|largest|faces) = [234]$", r"\1 = 1"),
)


class Finder:
    """Sees one face in the middle of wide pictures, and none in others."""

    def find(self, picture: Image.Image) -> list[Located]:
        if picture.width < 140:
            return []
        left, top = picture.width / 2 - 25, picture.height / 2 - 25
        return [Located((left, top, 50, 50), ((left + 15, top + 20), (left + 35, top + 20)), 0.9)]


def commands() -> Iterator[list[str]]:
    """The words of each `dfscan` command in the page's blocks."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```$", PAGE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            program, *words = shlex.split(line, comments=True)
            assert program == "dfscan", line
            yield words


def write_pictures(folder: Path, count: int, size: tuple[int, int], seed: int) -> None:
    """Coarse patterns are real, fine ones fake; as many of each."""
    rng = np.random.default_rng(seed)
    for label, cells in (("real", 5), ("fake", 24)):
        (folder / label).mkdir(parents=True)
        for number in range(count):
            pattern = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8))
            pattern.resize(size, Image.Resampling.BICUBIC).save(folder / label / f"{number}.jpg", quality=90)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader's home: crops of faces, three folders of whole pictures, some with a face, and own photographs with a face."""
    write_pictures(tmp_path / "faces", 60, (64, 64), 0)
    for seed, name in enumerate(("web", "press", "phone"), start=1):
        write_pictures(tmp_path / name, 6, (160, 120), seed)
        write_pictures(tmp_path / name / "small", 4, (96, 80), 10 + seed)
    write_pictures(tmp_path / "own", 100, (160, 120), 20)
    shutil.move(tmp_path / "own" / "real", tmp_path / "Pictures" / "2019")
    tree(tmp_path / "DeepfakeBench" / "datasets")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DFSCAN_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in; see the top of this file."""
    (tmp_path / "recipes").mkdir()
    for path in RECIPES.glob("*.toml"):
        text = path.read_text("utf-8")
        for pattern, small in SMALLER:
            text = re.sub(pattern, small, text, flags=re.MULTILINE)
        (tmp_path / "recipes" / path.name).write_text(text)
    monkeypatch.setattr(reader, "files", lambda _package: tmp_path / "recipes")
    tower = {
        "embed_dim": 16,
        "quick_gelu": True,
        "vision_cfg": {"image_size": SIDE, "layers": 12, "width": 16, "head_width": 8, "patch_size": 8},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1},
    }
    (tmp_path / "page-tower.json").write_text(json.dumps(tower))
    open_clip.add_model_config(tmp_path / "page-tower.json")
    monkeypatch.setitem(ARCHITECTURES, "vit-b-16", "page-tower")
    for module in (row_picture, face_finder):
        monkeypatch.setattr(module, "process_face_finder", Finder)
    monkeypatch.setattr(figures, "DRAWS", 5)
    monkeypatch.setattr(operating_point, "ROBUSTNESS_IMAGES", 4)
    torch.set_num_threads(1)


def fetch_clip(data_dir: Path) -> None:
    """What `dfscan model fetch clip-vit-b-16` leaves behind, but a tiny one."""
    kept = data_dir / "backbones" / CLIP_VIT_B_16.file
    kept.parent.mkdir(parents=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tower = open_clip.create_model("page-tower").visual
    save_file(tower.state_dict(), kept)


@pytest.mark.usefixtures("smaller")
def test_the_page_runs_as_written(home: Path) -> None:
    called = list(commands())
    assert len(called) > 15

    for words in called:
        if words[:2] == ["model", "fetch"]:
            fetch_clip(home / "data")
            # `--from lite` means the reader's own from now on: the bundled one sees 192 pixels.
            shutil.copyfile("runs/mine/lite.safetensors", home / "data" / "models" / "lite.safetensors")
            continue
        found = [match for word in words for match in (sorted(glob(word)) if "*" in word else [word])]
        arguments = [word.replace("~", str(home), 1) if word.startswith("~") else word for word in found]
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 0, (words, result.output[-2000:], result.exception)

    seeds = json.loads(Path("runs/seeds/seeds.json").read_text("utf-8"))
    assert len(seeds["seeds"]) == 3
    assert 0 <= seeds["mean"]["auc"] <= 1
    assert Path("runs/mine/report/evaluation.md").is_file()
    assert Path("runs/fusion-each/leave-one-out.md").is_file()
    assert (home / "data" / "models" / "home.safetensors").is_file()
