"""One training run from manifest to checkpoint: train, calibrate on `val`, measure, write."""

import platform
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from worker.detector.backbones import BackboneFiles, build_detector, find_backbone_files
from worker.detector.checkpoint import (
    Calibration,
    CheckpointCard,
    file_sha256,
    library_versions,
    load_checkpoint,
    save_checkpoint,
)
from worker.detector.device import ChosenDevice
from worker.detector.network import FusionDetector
from worker.detector.predictor import Predictor, sigmoid
from worker.detector.recipes import Recipe

from .calibrate import decide
from .evaluate import figures, labels_of, logits_of
from .loop import Progress, train
from .manifest import Manifest, sources_of
from .metrics import auc
from .plan import TrainingPlan

# False alarms on real photos are the worse error: "fake" is said at 1 %, a person is asked from 5 %.
FAKE_AT_FPR, FLAGGED_AT_FPR = 0.01, 0.05


def run_training(
    recipe: Recipe,
    plan: TrainingPlan,
    manifest: Manifest,
    out: Path,
    device: ChosenDevice,
    *,
    files: BackboneFiles,
    loader_processes: int,
    on_progress: Callable[[Progress], None],
    say: Callable[[str], None],
) -> Path:
    """Train and write `<recipe>.safetensors` into `out`; returns its path. Goes on from `out/resume.pt` if there is one.

    Raises BackboneMissing, ManifestError, and what reading the pictures raises.
    """
    files = find_backbone_files(recipe, files)
    train_rows, val_rows = manifest.of_split("train"), manifest.of_split("val")
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    detector = build_detector(recipe, files)
    say(f"{recipe.name} on {len(train_rows):,} images, device {device.name}")
    card = CheckpointCard(recipe.name, recipe, Calibration(), 0.5, 0.5, "")

    def after_epoch(epoch: int, averaged: FusionDetector) -> None:
        logits = logits_of(Predictor(averaged, card, device, 64), val_rows, processes=loader_processes)
        labels = labels_of(val_rows)
        of = {row.source for row in val_rows}
        picked = {source: [i for i, row in enumerate(val_rows) if row.source == source] for source in sorted(of)}
        parts = [f"{s} {auc(labels[i], logits[i]):.4f}" for s, i in picked.items() if len(set(labels[i])) == 2]
        say(f"epoch {epoch + 1}/{len(plan.sizes)}: val AUC pooled {auc(labels, logits):.4f}, {', '.join(parts)}")

    trained = train(
        detector,
        train_rows,
        plan,
        recipe.preprocessing,
        resume_file=out / "resume.pt",
        device=torch.device(device.name),
        loader_processes=loader_processes,
        report=on_progress,
        after_epoch=after_epoch,
    )
    path = out / f"{recipe.name}.safetensors"
    card = replace(
        card,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        backbones={"clip-image": file_sha256(files.clip)} if files.clip else {},
        training={
            "plan": asdict(plan),
            "manifest_sha256": manifest.sha256,
            "rows": len(train_rows),
            "sources": sources_of(train_rows),
        },
        versions={**library_versions(), "python": platform.python_version()},
    )
    # Saved first, then measured from the file: rounding to float16 belongs to what the figures describe.
    save_checkpoint(path, trained, card, half=True)
    stored, card = load_checkpoint(path, files)
    logits = logits_of(Predictor(stored, card, device, 64), val_rows, processes=loader_processes)
    decision = decide(labels_of(val_rows), logits, fake_at_fpr=FAKE_AT_FPR, flagged_at_fpr=FLAGGED_AT_FPR)
    scores = sigmoid(decision.calibration.slope * logits + decision.calibration.offset)
    card = replace(
        card,
        calibration=decision.calibration,
        threshold=decision.threshold,
        band_low=decision.band_low,
        metrics={"split": "val", **figures(val_rows, scores, decision.threshold, decision.band_low)},
    )
    save_checkpoint(path, stored, card, half=True)
    return path
