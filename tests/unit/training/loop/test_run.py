"""From manifest to checkpoint, on twenty tiny pictures."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.config.hyperparameters import FirstStage, Plateau, TrainingPlan
from training.config.recipes.reader import TrainingRecipe, recipe_named
from training.data.dataset import Pictures
from training.data.manifest import COLUMNS, Manifest, Row, read_manifest
from training.evaluation import figures
from training.evaluation.calibration import calibrated
from training.evaluation.logits import labels_of, logits_of
from training.evaluation.metrics import rate_above
from training.loop.distributed import Team
from training.loop.progress import Progress
from training.loop.run import run_training
from training.loop.stages.request import Run, UnfinishedRun, Weights, prepare_folder, start_weights
from worker.detector.checkpoints.card import Calibration, CheckpointCard, CheckpointError, file_sha256
from worker.detector.checkpoints.card_text import card_text
from worker.detector.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor, load_predictor
from worker.detector.model.assembly import build_detector
from worker.detector.weights.public_weights import BackboneFiles, BackboneMissing

CPU = ChosenDevice("cpu", "for a test")
# In float32: trying which precision is quicker takes as long as such a run does.
PLAN = TrainingPlan((32,), 2, 8, "adamw", 1e-3, autocast=False)


@pytest.fixture
def tiny() -> TrainingRecipe:
    lite = recipe_named("lite").network
    return TrainingRecipe(replace(lite, preprocessing=replace(lite.preprocessing, size=32)), PLAN)


@pytest.fixture
def manifest(tmp_path: Path, rows: Sequence[Row]) -> Manifest:
    return written(tmp_path / "manifest.csv", rows)


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "DRAWS", 5)


def written(path: Path, rows: Sequence[Row]) -> Manifest:
    with path.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(COLUMNS)
        writer.writerows(
            (row.path, ("real", "fake")[row.label], row.source, row.family, row.generator, row.group, row.split) for row in rows
        )
    return read_manifest(path)


def trained(
    recipe: TrainingRecipe,
    manifest: Manifest,
    folder: Path,
    *,
    start: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
    show: Callable[[Progress], None] = lambda _: None,
) -> Path:
    folder.mkdir(exist_ok=True)
    weights = start_weights(recipe.network, BackboneFiles(), start)
    path = run_training(Run(recipe, manifest, folder, Team(torch.device("cpu")), weights, 0), show=show, say=say)
    assert path is not None
    return path


def test_run_ends_in_a_checkpoint(tmp_path: Path, tiny: TrainingRecipe, manifest: Manifest) -> None:
    """A run ends in a checkpoint that says what it is worth."""
    said: list[str] = []
    shown: list[Progress] = []

    chosen = replace(tiny, plan=replace(PLAN, autocast=True))
    path = trained(chosen, manifest, tmp_path / "run", say=said.append, show=shown.append)

    detector, card = load_checkpoint(path, BackboneFiles())
    val = manifest.of_split("val")
    scores = calibrated(card.calibration, logits_of(Predictor(detector, card, CPU, 64), val))
    assert path == tmp_path / "run" / "lite.safetensors"
    assert card.recipe == tiny.network
    record = card.training
    assert (record["manifest_sha256"], record["rows"], record["processes"]) == (manifest.sha256, 14, 1)
    assert (record["epoch"], len(record["aucs"]), record["started_from"]) == (2, 2, "public weights")
    assert card.threshold >= card.band_low
    assert set(card.versions) >= {"torch", "pillow", "python"}
    assert card.metrics["split"] == "val"
    reals = scores[labels_of(val) == 0]
    assert card.metrics["pooled"]["false_alarm_rate"]["value"] == pytest.approx(rate_above(reals, card.threshold))
    assert card.metrics["bars"]["fake_fpr"] == 0.01
    assert said[0].startswith("computes in ")
    assert "4 steps, about" in said[2]
    assert said[3].startswith("bound by ")
    assert [line.split(":")[0] for line in said[4:6]] == ["epoch 1/2", "epoch 2/2"]
    assert [now.step for now in shown] == [1, 2, 3, 4]


@pytest.mark.slow
def test_test_split_is_reported(tmp_path: Path, tiny: TrainingRecipe, rows: Sequence[Row]) -> None:
    """What is reported is the test split where there is one."""
    split = [replace(row, split="test") if number in (0, 1, 4, 5) else row for number, row in enumerate(rows)]
    manifest = written(tmp_path / "manifest.csv", split)

    card = load_checkpoint(trained(tiny, manifest, tmp_path / "run"), BackboneFiles())[1]

    assert card.metrics["split"] == "test"
    assert card.metrics["pooled"]["real"] + card.metrics["pooled"]["fake"] == 4
    assert "cross_fitted" not in card.metrics


@pytest.mark.slow
@pytest.mark.parametrize("with_test", [False, True])
def test_the_epoch_is_never_chosen_on_what_is_reported(
    tmp_path: Path, tiny: TrainingRecipe, rows: Sequence[Row], with_test: bool
) -> None:
    split = [replace(row, split="test") if with_test and number in (0, 1, 4, 5) else row for number, row in enumerate(rows)]
    manifest = written(tmp_path / "manifest.csv", split)
    said: list[str] = []

    recipe = TrainingRecipe(tiny.network, replace(PLAN, patience=1, plateau=Plateau()))
    card = load_checkpoint(trained(recipe, manifest, tmp_path / "run", say=said.append), BackboneFiles())[1]

    assert card.metrics["split"] == ("test" if with_test else "val")
    assert card.training["plan"]["patience"] == int(with_test)
    assert (card.training["plan"]["plateau"] is not None) is with_test
    assert any("no early stopping" in line for line in said) is not with_test
    if not with_test:
        assert card.training["epoch"] == PLAN.epochs


@pytest.mark.slow
def test_the_epoch_is_chosen_on_groups_that_are_held_back(tmp_path: Path, tiny: TrainingRecipe, manifest: Manifest) -> None:
    """With a plateau, and without a split `test`; the card says by what."""
    said: list[str] = []
    plan = replace(PLAN, watched="dcf", patience=1, plateau=Plateau(patience=0), held_back=0.25)

    card = load_checkpoint(
        trained(TrainingRecipe(tiny.network, plan), manifest, tmp_path / "run", say=said.append), BackboneFiles()
    )[1]

    record = card.training
    assert record["held_back"] == {"images": 4, "groups": 4, "figure": "dcf"}
    assert record["rows"] == 14 - 4
    assert (record["plan"]["patience"], record["plan"]["plateau"]["factor"]) == (1, 0.1)
    assert {"auc", "dcf", "loss"} <= set(record["epochs"][0])
    assert card.metrics["pooled"]["real"] + card.metrics["pooled"]["fake"] == 6  # all of val
    assert not any("no early stopping" in line for line in said)
    assert "chosen by the DCF of 4 other images (4 of the training groups" in card_text(card, tmp_path / "x", "0")


@pytest.mark.slow
def test_the_course_of_a_run_is_logged_for_tensorboard(tmp_path: Path, tiny: TrainingRecipe, manifest: Manifest) -> None:
    trained(tiny, manifest, tmp_path / "run")

    log = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    log.Reload()
    assert set(log.Tags()["scalars"]) == {
        *("train/loss", "train/learning_rate"),
        *("val/auc", "val/loss", "val/accuracy", "val/eer", "val/dcf"),
    }
    assert [event.step for event in log.Scalars("train/loss")] == [1, 2, 3, 4]
    assert [event.step for event in log.Scalars("val/auc")] == [1, 2]


@pytest.mark.slow
def test_a_run_can_start_from_a_checkpoint(tmp_path: Path, tiny: TrainingRecipe, manifest: Manifest) -> None:
    first = trained(tiny, manifest, tmp_path / "first")
    still = TrainingRecipe(tiny.network, replace(PLAN, epochs=1, learning_rate=1e-12))

    second = trained(still, manifest, tmp_path / "second", start=first)

    old, new = (dict(load_checkpoint(path, BackboneFiles())[0].named_parameters()) for path in (first, second))
    for name, parameter in old.items():
        torch.testing.assert_close(new[name], parameter, rtol=2e-3, atol=1e-4)
    assert load_checkpoint(second, BackboneFiles())[1].training["started_from"] == file_sha256(first)


@pytest.mark.slow
@pytest.mark.parametrize("first", [None, FirstStage(("resnet101",), 1)], ids=["together", "two stages"])
def test_run_of_several_branches(
    tmp_path: Path, tiny: TrainingRecipe, manifest: Manifest, monkeypatch: pytest.MonkeyPatch, first: FirstStage | None
) -> None:
    # The shallowest ResNet of these widths: less to write and to read.
    """A run of several branches ends with what they say on average; its checkpoint is the same kind whatever the stages."""
    shallow = partial(torchvision.models.ResNet, torchvision.models.resnet.Bottleneck, [1, 1, 1, 1])
    monkeypatch.setattr(torchvision.models, "resnet101", lambda weights: shallow())
    branches = ("efficientnet-lite2", "resnet101")
    network = replace(tiny.network, name="both", branches=branches, hidden=(8,))
    both = TrainingRecipe(network, replace(PLAN, epochs=1, first=first))

    (tmp_path / "run").mkdir()
    weights = Weights(BackboneFiles())  # random ones
    run = Run(both, manifest, tmp_path / "run", Team(torch.device("cpu")), weights, 0, tmp_path / "cache")
    path = run_training(run, show=lambda _: None, say=lambda _: None)

    assert path is not None
    predictor = load_predictor(path, CPU, files=BackboneFiles(), micro_batch=16)
    assert predictor.branches == branches
    record = predictor.card.training
    assert record["epoch"] == 1
    assert (record["first"] and record["first"]["epoch"]) == (first and 1)
    assert ("resnet101 alone for 1 epochs" in card_text(predictor.card, path, "0")) is (first is not None)
    rows = manifest.of_split("train")
    by_label = []
    for label in (0, 1):
        images = np.stack([Pictures([row], 32)[0][0] for row in rows if row.label == label])
        with torch.no_grad():
            by_label.append(predictor.detector.embeddings(predictor.on_device(images)).mean(0))
    # The stored weights are rounded to float16, the means were taken before.
    torch.testing.assert_close(predictor.detector.neutral_D, (by_label[0] + by_label[1]) / 2, rtol=0.05, atol=0.02)

    older = tmp_path / "older.safetensors"
    detector, card = load_checkpoint(path, BackboneFiles())
    del detector.neutral_D
    save_checkpoint(older, detector, card)
    assert load_predictor(older, CPU, files=BackboneFiles(), micro_batch=16).branches == ()


@pytest.mark.slow
def test_a_checkpoint_of_another_network_is_no_start(tmp_path: Path, tiny: TrainingRecipe, manifest: Manifest) -> None:
    path = trained(TrainingRecipe(tiny.network, replace(PLAN, epochs=1)), manifest, tmp_path / "run")

    with pytest.raises(CheckpointError, match="another network"):
        start_weights(replace(tiny.network, hidden=(8,)), BackboneFiles(), path)


def test_missing_weights_are_known_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing public weights are known before anything else."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    with pytest.raises(BackboneMissing, match=r"resnet101-cd907fc2\.pth"):
        start_weights(recipe_named("paper-resnet").network, BackboneFiles(), None)


@pytest.mark.slow
def test_an_unfinished_run_goes_on_only_when_told(tmp_path: Path, tiny: TrainingRecipe, manifest: Manifest) -> None:
    prepare_folder(tmp_path / "new" / "run", resume=False)
    assert (tmp_path / "new" / "run").is_dir()
    trained(tiny, manifest, tmp_path / "run")

    with pytest.raises(UnfinishedRun, match=r"holds a run; .*--resume if it is unfinished"):
        prepare_folder(tmp_path / "run", resume=False)
    prepare_folder(tmp_path / "run", resume=True)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for folder in (tmp_path / "file" / "run", Path("/proc/self")):  # the second is there, and nothing can be written to it
        with pytest.raises(UnfinishedRun, match="cannot be written"):
            prepare_folder(folder, resume=False)


def test_order_of_logits(rows: Sequence[Row], tiny: TrainingRecipe) -> None:
    """Logits come in the order of the rows whatever the batch."""
    detector = build_detector(tiny.network, BackboneFiles())
    detector.head[-1].weight.data.normal_()
    predictor = Predictor(detector, CheckpointCard("tiny", tiny.network, Calibration(), 0.5, 0.5, ""), CPU, 64)

    logits = logits_of(predictor, rows, batch_size=8)

    assert len(logits) == len(rows)
    one_by_one = [logits_of(predictor, [row])[0] for row in rows]
    np.testing.assert_allclose(logits, one_by_one, rtol=1e-4, atol=1e-4)


def test_file_of_another_network_is_found_before_any_picture_is_read(tmp_path: Path) -> None:
    """ResNet's weights given as CLIP's are named as what they are not."""
    wrong = tmp_path / "resnet101-cd907fc2.pth"
    torch.save(torchvision.models.resnet18().state_dict(), wrong)
    network = recipe_named("paper").network
    files = BackboneFiles(dict.fromkeys(("clip-vit-b-32", "resnet101"), wrong))

    with pytest.raises(BackboneMissing, match=r"resnet101-cd907fc2\.pth does not hold CLIP"):
        start_weights(network, files, None)
    only_cnn = replace(network, branches=("resnet101",))
    with pytest.raises(BackboneMissing, match=r"resnet101-cd907fc2\.pth does not hold .*ResNet101"):
        start_weights(only_cnn, files, None)
