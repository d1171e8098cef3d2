"""What a checkpoint says of the rows of a manifest, with everything that its tables need to be made anew later."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from worker.detector.checkpoints.card import CheckpointCard, file_sha256
from worker.detector.checkpoints.checkpoint import library_versions
from worker.detector.combined.scorer import AnyScorer
from worker.detector.model.recipes import COMBINED

from ..data.manifest import Row
from ..evaluation.calibration import calibrated, fitted_prior
from ..evaluation.logits import logits_of, scanned_scores_of
from .predictions import Origin, Predictions, Trained


@dataclass(frozen=True)
class Subject:
    """What is evaluated on what: the checkpoint's file, and the manifest with the split that was taken from it."""

    checkpoint: Path
    manifest: Path
    manifest_sha256: str
    split: str


def predictions_of(
    predictor: AnyScorer, rows: Sequence[Row], subject: Subject, *, with_faces: bool = False, processes: int = 0
) -> Predictions:
    """Score `rows`: each picture as it is, as a face crop, or `with_faces` as in scanning, by the faces in it.

    Raises ManifestError for a picture that cannot be read.
    """
    card = predictor.card
    origin = Origin(
        {
            "name": card.name,
            "file": subject.checkpoint.name,
            "sha256": file_sha256(subject.checkpoint),
            "created_at": card.created_at,
        },
        {"file": subject.manifest.name, "sha256": subject.manifest_sha256},
        subject.split,
        card.threshold,
        card.band_low,
        fitted_prior(card),
        subject.split == "val" and card.training.get("manifest_sha256") == subject.manifest_sha256,
        library_versions(),
        trained(card),
    )
    if with_faces:
        scanned = scanned_scores_of(predictor, rows, processes=processes)
        return Predictions(rows, scanned.scores, None, scanned, origin)
    logits = logits_of(predictor, rows, processes=processes)
    return Predictions(rows, calibrated(card.calibration, logits), logits, None, origin)


def trained(card: CheckpointCard) -> Trained:
    """How the detector of `card` came to be; empty for what it does not say, as that of an imported network.

    A combination was trained on what its parts were trained on, and on what its weights were fitted on.
    """
    said = card.training
    plan: Mapping[str, Any] = said.get("plan") or said.get("heads_plan") or {}
    left_out = card.metrics.get("left_out") or {}
    setup = ""
    if plan:
        same = {name: value for name, value in plan.items() if name != "seed"}
        told = [asdict(card.recipe), same, *(said.get(name) for name in ("manifest_sha256", "started_from", "left_out"))]
        setup = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]
    sources: Mapping[str, Any] = said.get("sources") or {}
    generators = {name for of in sources.values() for name in of.get("generators", ()) if name}
    parts: Mapping[str, Any] = said.get(COMBINED) or {}
    generators |= set(parts.get("parts_generators", ()))
    return Trained(
        tuple(dict.fromkeys((*sources, *parts.get("parts_trained_on", ())))),
        tuple(sorted(generators)),
        plan.get("seed"),
        str(left_out.get("source") or left_out.get("generator") or ""),
        setup,
    )
