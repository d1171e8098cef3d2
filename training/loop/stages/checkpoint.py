"""The checkpoint that a run ends in: weights, what they are worth, how they came about."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from worker.detector.checkpoints.card import Calibration, CheckpointCard, file_sha256
from worker.detector.checkpoints.checkpoint import (
    backbone_hashes,
    library_versions,
    load_checkpoint,
    save_checkpoint,
    save_with_card,
)
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor

from ...data.manifest import Row, sources_of
from ...evaluation.calibration import Bars
from ...evaluation.doubts import doubts_about
from ...evaluation.operating_point import judged
from ..loop import Trained
from ..neutral_embedding import set_neutral
from ..run_log import tenths
from .request import Run


def finish(
    run: Run,
    trained: Trained,
    first: Trained | None,
    rows: Sequence[Row],
    held: Sequence[Row],
    say: Callable[[str], None],
) -> Path:
    """Write the weights, then measure them from the file: rounding to float16 belongs to what the figures describe."""
    network, device = run.recipe.network, ChosenDevice(str(run.team.device), "")
    path = run.folder / f"{network.name}.safetensors"
    card = CheckpointCard(
        network.name,
        network,
        Calibration(),
        0.5,
        0.5,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        backbones=backbone_hashes(network, run.weights.files),
        training=_record(run, trained, first, rows, held),
        versions={**library_versions(), "python": platform.python_version()},
    )
    processes = run.loader_processes or 0
    set_neutral(Predictor(trained.detector, card, device, 64), rows, processes=processes)
    save_checkpoint(path, trained.detector.cpu(), card, half=True)
    stored, card = load_checkpoint(path, run.weights.files)
    say("calibrating and measuring")
    predictor = Predictor(stored, card, device, 64)
    card = judged(
        predictor,
        run.manifest,
        Bars(),
        processes=processes,
        report=tenths(lambda done, of: say(f"robustness: {done:,} of {of:,} images")),
    )
    save_with_card(path, path, card)
    for doubt in doubts_about(card.metrics):
        say(f"warning: {doubt}")
    return path


def _record(run: Run, trained: Trained, first: Trained | None, rows: Sequence[Row], held: Sequence[Row]) -> dict[str, Any]:
    """`held_back` says what the epoch was chosen by, where that was a part of the training groups; `first` is of the first
    stage.
    """
    start, plan = run.weights.start, run.recipe.plan
    chosen = {"images": len(held), "groups": len({row.group for row in held}), "figure": plan.watched} if held else None
    return {
        "plan": asdict(plan),
        "processes": run.team.size,
        **_course(trained),
        "first": _course(first) if first else None,
        "held_back": chosen,
        "started_from": file_sha256(start) if start else "public weights",
        "manifest_sha256": run.manifest.sha256,
        "rows": len(rows),
        "sources": sources_of(rows),
    }


def _course(trained: Trained) -> dict[str, Any]:
    return {
        "aucs": list(trained.aucs),
        "epoch": trained.epoch,
        "epochs": [dict(figures) for figures in trained.history],
    }
