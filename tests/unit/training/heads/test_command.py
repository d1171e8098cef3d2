"""`dfscan train` as it is called: heads on frozen branches, and leaving a source out of either kind of training."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scanner.base.settings import Settings, load_settings
from training.cli.evaluate import evaluate
from training.cli.train import train
from training.data.manifest import Row, write_manifest
from worker.detector.checkpoints.card import read_card
from worker.detector.weights.public_weights import CLIP_VIT_B_16, BackboneFiles

RECIPE = """
[network]
branches = ["clip-image", "efficientnet-lite2"]
hidden = []
dropout = 0.2
clip = "vit-b-16"
clip_blocks = [1, 2]
fusion = "gated"
whole = ["clip-image"]

[preprocessing]
size = 32
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]

[inputs.efficientnet-lite2]
size = 24
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]

[heads]
face_sets = ["crops"]
folds = 3
iterations = 30

[heads.draws]
whole = 1
largest = 1
"""
CNN = """
[network]
branches = ["efficientnet-lite2"]
hidden = []
dropout = 0.2

[preprocessing]
size = 32
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]

[plan]
sizes = [32]
epochs = 1
batch_size = 8
optimiser = "adamw"
learning_rate = 3e-3
"""


@pytest.fixture
def settings(tmp_path: Path, files: BackboneFiles) -> Settings:
    """With the stand-in for CLIP where `dfscan model fetch` would put it."""
    kept = tmp_path / "data" / "backbones" / CLIP_VIT_B_16.file
    kept.parent.mkdir(parents=True)
    kept.write_bytes(files.named["clip-vit-b-16"].read_bytes())
    return load_settings({}, {"DFSCAN_DATA_DIR": str(tmp_path / "data")}, tmp_path / "config.toml")


@pytest.fixture
def data(rows: Sequence[Row], tmp_path: Path) -> Path:
    write_manifest(tmp_path / "manifest.csv", rows)
    return tmp_path / "manifest.csv"


def called(settings: Settings, *arguments: object) -> Result:
    return CliRunner().invoke(train, [str(argument) for argument in arguments], obj=settings)


def test_heads_are_fitted_by_the_same_command(settings: Settings, data: Path, start: Path, tmp_path: Path) -> None:
    recipe, out = tmp_path / "tiny.toml", tmp_path / "run"
    recipe.write_text(RECIPE)
    command = ("--recipe", recipe, "--data", data, "--loaders", 0, "--device", "cpu")

    unnamed = called(settings, *command, "--out", out)
    done = called(settings, *command, "--out", out, "--from", start, "--leave-out", "only-fakes")
    again = called(settings, *command, "--out", out, "--from", start)

    assert unnamed.exit_code == 2
    assert "--from lite" in unnamed.output
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(out / "tiny.safetensors")
    assert "left out only-fakes (0 real, 12 fake): AUC" in done.stderr
    assert "CLIP alone" in done.stderr
    card = read_card(out / "tiny.safetensors")
    assert card.metrics["left_out"]["source"] == card.training["left_out"] == "only-fakes"
    assert list((settings.cache / "embeddings").iterdir())
    assert again.exit_code != 0
    assert "is there already" in str(again.exception)

    measured = CliRunner().invoke(
        evaluate,
        [str(out / "tiny.safetensors"), "--data", str(data), "--faces", "--loaders", "0", "--out", str(out)],
        obj=settings,
    )
    assert measured.exit_code == 0, measured.output
    assert "By the number of faces that were judged:" in measured.stdout
    repeated = CliRunner().invoke(evaluate, [str(out / "tiny.safetensors"), "--data", str(data), "--out", str(out)], obj=settings)
    assert "earlier report" in str(repeated.exception)


def test_a_source_is_left_out_of_training_by_gradients(settings: Settings, data: Path, tmp_path: Path) -> None:
    recipe, out = tmp_path / "cnn.toml", tmp_path / "run"
    recipe.write_text(CNN)

    done = called(
        settings, "--recipe", recipe, "--data", data, "--out", out, "--loaders", 0, "--device", "cpu", "--leave-out", "two"
    )

    assert done.exit_code == 0, done.output
    assert "left out two (6 real, 6 fake): AUC" in done.stderr
    card = read_card(out / "cnn.safetensors")
    assert card.metrics["left_out"]["source"] == "two"
    assert "two" not in card.training["sources"]
    assert "two" not in card.metrics["sources"]
    assert asdict(card.recipe)["name"] == "cnn"


def test_options_of_the_other_kind_are_refused(settings: Settings, data: Path, start: Path, tmp_path: Path) -> None:
    for name, text, options in (
        ("tiny", RECIPE, ("--epochs", "2")),
        ("tiny", RECIPE, ("--resume",)),
        ("cnn", CNN, ("--leave-out-each",)),
    ):
        recipe = tmp_path / f"{name}.toml"
        recipe.write_text(text)
        done = called(settings, "--recipe", recipe, "--data", data, "--from", start, "--out", tmp_path / "run", *options)
        assert done.exit_code == 2
    assert not (tmp_path / "run").exists()
