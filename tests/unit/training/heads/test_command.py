"""`dfscan train` as it is called: heads on frozen branches, and leaving a source out of either kind of training."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from files.recipes import cnn

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
CNN = cnn(more="autocast = false")  # which precision is quicker is not tried: that takes longer than these runs


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


@pytest.mark.slow
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

    notes = (out / "run.json").read_bytes()
    other = ("--resume", "--leave-out", "two", "--set", "plan.learning_rate=1e-2")
    refused = called(settings, "--recipe", recipe, "--data", data, "--out", out, "--loaders", 0, "--device", "cpu", *other)
    assert "belongs to a run with another recipe" in str(refused.exception)
    assert (out / "run.json").read_bytes() == notes  # the folder is not that run's


@pytest.fixture
def generated(rows: Sequence[Row], tmp_path: Path) -> Path:
    """A manifest whose fakes are by two generators."""
    numbers = {row.path: number for number, row in enumerate(row for row in rows if row.label)}
    write_manifest(
        tmp_path / "generated.csv",
        [replace(row, generator=f"g {numbers[row.path] % 2}" if row.label else "") for row in rows],
    )
    return tmp_path / "generated.csv"


@pytest.mark.slow
def test_heads_are_fitted_without_a_generator(settings: Settings, generated: Path, start: Path, tmp_path: Path) -> None:
    recipe, out = tmp_path / "tiny.toml", tmp_path / "run"
    recipe.write_text(RECIPE)
    command = ("--recipe", recipe, "--data", generated, "--loaders", 0, "--device", "cpu", "--from", start, "--out", out)

    done = called(settings, *command, "--leave-out-generator", "g 0")

    assert done.exit_code == 0, done.output
    assert "left out the fakes of g 0 (0 real, " in done.stderr
    card = read_card(out / "tiny.safetensors")
    assert card.metrics["left_out"]["generator"] == "g 0"
    assert "auc" in card.metrics["left_out"]
    assert {name for source in card.training["sources"].values() for name in source["generators"]} == {"g 1"}
    assert "Finished" in (out / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_each_generator_is_left_out_in_turn(settings: Settings, generated: Path, tmp_path: Path) -> None:
    recipe, out = tmp_path / "cnn.toml", tmp_path / "each"
    recipe.write_text(CNN)
    command = ("--recipe", recipe, "--data", generated, "--out", out, "--loaders", 0, "--device", "cpu")

    done = called(settings, *command, "--leave-out-each-generator")

    assert done.exit_code == 0, done.output
    document = json.loads((out / "leave-one-out.json").read_text(encoding="utf-8"))
    assert list(document["left_out"]) == ["g 0", "g 1"]
    aucs = [own["auc"]["value"] for own in document["left_out"].values()]
    assert document["mean"]["auc"] == pytest.approx(sum(aucs) / 2)
    assert f"| mean |  |  | {sum(aucs) / 2:.3f} |" in done.stdout
    folders = sorted(folder.name for folder in out.iterdir() if folder.is_dir())
    assert [folder.rpartition("-")[0] for folder in folders] == ["without-g-0", "without-g-1"]
    again = called(settings, *command, "--leave-out-each-generator")
    assert again.stdout == done.stdout
    assert "step" not in again.stderr


def test_options_of_the_other_kind_are_refused(settings: Settings, data: Path, start: Path, tmp_path: Path) -> None:
    for name, text, options in (
        ("tiny", RECIPE, ("--epochs", "2")),
        ("tiny", RECIPE, ("--resume",)),
        ("cnn", CNN, ("--bfloat16",)),
        ("cnn", CNN, ("--leave-out", "two", "--leave-out-generator", "g0")),
        ("cnn", CNN, ("--leave-out-each", "--seeds", "2")),
    ):
        recipe = tmp_path / f"{name}.toml"
        recipe.write_text(text)
        done = called(settings, "--recipe", recipe, "--data", data, "--from", start, "--out", tmp_path / "run", *options)
        assert done.exit_code == 2
    assert not (tmp_path / "run").exists()
