"""From manifest to checkpoint and card without a gradient through a branch: embed once, fit heads, cut, measure, write."""

import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from worker.detector.checkpoints.card import Calibration, CheckpointCard, CheckpointError, file_sha256
from worker.detector.checkpoints.card_tables import held_out_table
from worker.detector.checkpoints.checkpoint import backbone_hashes, library_versions, load_checkpoint, save_checkpoint
from worker.detector.faces.face_crops import FaceInputs
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor
from worker.detector.inference.scorer import sigmoid
from worker.detector.inference.torch_runtime import narrowed
from worker.detector.model.assembly import build_detector, find_backbone_files
from worker.detector.model.network import FusionDetector
from worker.detector.weights.public_weights import BackboneFiles

from ..config.recipes.reader import HeadsRecipe
from ..data.manifest import Manifest, ManifestError, Row, by_collection, sources_of
from ..evaluation.calibration import platt
from ..evaluation.doubts import doubts_about
from ..evaluation.figures import figures
from ..evaluation.left_out import LeftOut, left_out_figures, left_out_line
from ..evaluation.logits import labels_of
from .ablation import ablation
from .combine import band_start, calibrated_combinations, cnn_weight, fused, pictures_of, plain_combinations
from .embedding_cache import Embedded, cache_key, embedded
from .examples import Examples, examples_of
from .fit import Heads, Logits, fit_heads, held_out_logits
from .leave_one_out import leave_each_out, matrix_table, write_matrix
from .logistic import Linear
from .views import chosen_rows

_MICRO_BATCH = 32


@dataclass(frozen=True)
class HeadsRun:
    """Everything that a run is made of.

    `start` is the CNN's checkpoint, `cache` the folder for embeddings of all runs. `in_bfloat16` embeds by CLIP in bfloat16.
    """

    recipe: HeadsRecipe
    manifest: Manifest
    folder: Path
    files: BackboneFiles
    start: Path
    cache: Path
    device: ChosenDevice
    loader_processes: int = 0
    left_out: str | None = None
    leaves_each_out: bool = False
    in_bfloat16: bool = False


def heads_files(recipe: HeadsRecipe, files: BackboneFiles, start: Path) -> BackboneFiles:
    """All files that a run needs, looked for before any data is read. Raises BackboneMissing and CheckpointError."""
    found = find_backbone_files(recipe.network, files, only_frozen=True)
    _refuse_other_cnn(recipe, load_checkpoint(start, files)[1], start)
    return found


def run_heads(run: HeadsRun, say: Callable[[str], None]) -> Path:
    """Fit, measure and write `<recipe>.safetensors` into the folder; returns its path.

    Raises ManifestError, CacheUnusable, CannotFit, and what reading the pictures raises.
    """
    plan, network = run.recipe.plan, run.recipe.network
    detector, start_card = _with_cnn(run)
    hashes = {**backbone_hashes(network, run.files), run.recipe.cnn: file_sha256(run.start)}
    card = _first_card(run)
    predictor = Predictor(_embedding(detector, run), card, run.device, _MICRO_BATCH)
    rows = chosen_rows(run.manifest.rows, plan)
    _refuse_unknown_source(run, rows)
    computed = {**hashes, "computed in": "bfloat16"} if run.in_bfloat16 else hashes
    folder = run.cache / cache_key(network, plan, computed, rows)[:32]
    known = embedded(predictor, plan, rows, folder, processes=run.loader_processes, say=say)
    detector.cpu()
    examples = examples_of(known, rows, plan, detector)
    left_out = {run.left_out} if run.left_out else set()
    say(f"fitting heads on {len(rows):,} pictures")
    heads = fit_heads(examples, left_out)
    logits = held_out_logits(examples, heads, left_out, say)
    weight = cnn_weight(logits, examples)
    card = _with_cuts(examples, logits, weight, card, left_out)
    _fill(detector, heads, weight, _neutral(examples, known, left_out))
    card = replace(
        card,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        backbones=backbone_hashes(network, run.files),
        training=_record(run, hashes, rows, known, weight),
        versions={**library_versions(), "python": platform.python_version()},
    )
    metrics = _metrics(examples, logits, weight, card, left_out, say)
    if run.leaves_each_out:
        seen = start_card.training.get("sources", {})
        matrix = leave_each_out(examples, heads, weight, card, seen, say)
        write_matrix(matrix, run.folder)
        say(matrix_table(matrix))
        metrics["leave_one_out"] = {name: matrix[name] for name in ("mean", "pooled")}
    path = run.folder / f"{network.name}.safetensors"
    save_checkpoint(path, detector, replace(card, metrics=metrics), half=True)
    for doubt in doubts_about(metrics):
        say(f"warning: {doubt}")
    (run.folder / "heads.json").write_text(json.dumps(metrics, indent=2, allow_nan=False) + "\n", "utf-8")
    return path


def _with_cnn(run: HeadsRun) -> tuple[FusionDetector, CheckpointCard]:
    """The network on its public backbone, with the CNN and its head from the checkpoint; the new heads are zero."""
    detector = build_detector(run.recipe.network, run.files)
    started, card = load_checkpoint(run.start, run.files)
    _refuse_other_cnn(run.recipe, card, run.start)
    detector.branches[run.recipe.cnn].load_state_dict(started.branches[run.recipe.cnn].state_dict())
    heads: Any = detector.head.heads
    heads[1].load_state_dict(started.head.state_dict())
    return detector.eval(), card


def _embedding(detector: FusionDetector, run: HeadsRun) -> FusionDetector:
    """The network that embeds. The CNN stays in float32: its head is not fitted anew to what rounding does to it."""
    return narrowed(detector, set(detector.parts) - {run.recipe.cnn}) if run.in_bfloat16 else detector


def _refuse_other_cnn(recipe: HeadsRecipe, card: CheckpointCard, start: Path) -> None:
    if card.recipe.branches != (recipe.cnn,) or card.recipe.hidden or card.recipe.fusion != "concatenated":
        raise CheckpointError(f"{start} is not a {recipe.cnn} alone with one linear layer; name one with --from, `lite` for one")
    wanted = recipe.network.inputs.get(recipe.cnn, recipe.network.preprocessing)
    if card.recipe.preprocessing != wanted:
        raise CheckpointError(
            f"{start} was trained on other inputs ({card.recipe.preprocessing.size} px) than the recipe shows its CNN "
            f"({wanted.size} px); mend [inputs.{recipe.cnn}] in the recipe"
        )


def _first_card(run: HeadsRun) -> CheckpointCard:
    plan = run.recipe.plan
    return CheckpointCard(
        run.recipe.network.name,
        run.recipe.network,
        Calibration(),
        plan.cuts.threshold,
        plan.cuts.band_low,
        "",
        whole_images=True,
        face_inputs=FaceInputs(plan.framings, plan.most_faces, beside=True),
        combinations=plain_combinations(plan.mixture),
    )


def _refuse_unknown_source(run: HeadsRun, rows: tuple[Row, ...]) -> None:
    if run.left_out is not None and run.left_out not in {row.source for row in rows}:
        raise ManifestError(f"the manifest has no source {run.left_out!r} to leave out")


def _with_cuts(examples: Examples, logits: Logits, weight: float, card: CheckpointCard, left_out: set[str]) -> CheckpointCard:
    """`card` with combinations, cuts and calibration; nothing of the sources that are left out counts."""
    plan = examples.plan
    pictures = pictures_of(examples, fused(logits, weight), logits.whole_V, card)
    rows = [examples.rows[row] for row in pictures.row_P]
    counted = np.asarray([row.source not in left_out for row in rows])
    held_out = counted & np.asarray([not plan.is_face_set(row.source) for row in rows])
    val = counted & np.asarray([row.split == "val" for row in rows])
    labels = labels_of(rows)
    combinations = calibrated_combinations(pictures, labels, held_out, val, plan.mixture, plan.cuts)
    faces = _single_faces(examples, fused(logits, weight), left_out)
    card = replace(card, combinations=combinations, calibration=platt(*faces))
    final = pictures_of(examples, fused(logits, weight), logits.whole_V, card)
    return replace(card, band_low=band_start(final.logit_P[held_out & (labels == 0)], plan.cuts))


def _single_faces(
    examples: Examples, face_V: NDArray[np.float64], left_out: set[str]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels and logits of the largest faces, which the calibration of a single face is fitted on."""
    is_largest = np.asarray([view.place == 0 and view.kind != "whole" for view in examples.views])
    chosen = examples.is_plain & is_largest & ~np.isin(examples.source_of, list(left_out))
    if len(set(examples.label_of[chosen].tolist())) < 2:
        chosen = examples.is_plain  # hardly a face in it: better than no scale at all
    return examples.label_of[chosen], face_V[chosen]


def _fill(detector: FusionDetector, heads: Heads, weight: float, neutral_D: torch.Tensor) -> None:
    """Put what was fitted into the network."""
    head: Any = detector.head
    whole: Any = detector.whole_head
    with torch.no_grad():
        for layer, fitted in ((head.heads[0][-1], heads.face), (head.gate, heads.gate), (whole[-1], heads.whole)):
            assert isinstance(layer, nn.Linear)
            assert fitted is not None
            _set(layer, fitted)
        head.sum.weight.copy_(torch.tensor([[1.0, weight]]))
        head.sum.bias.zero_()
        detector.neutral_D.copy_(neutral_D)


def _set(layer: nn.Linear, fitted: Linear) -> None:
    layer.weight.copy_(fitted.weight_D[None])
    layer.bias.copy_(fitted.bias.reshape(1))


def _neutral(examples: Examples, known: Embedded, left_out: set[str], block: int = 2048) -> torch.Tensor:
    """The mean of the embeddings that the head for faces was fitted on, reals and fakes counting the same."""
    allowed = examples.in_train & ~np.isin(examples.source_of, list(left_out))
    weights_V = examples.face_weights(allowed).numpy()
    total = np.zeros(known.embeddings_VD.shape[1])
    for start in range(0, len(weights_V), block):
        part = slice(start, start + block)
        total += weights_V[part] @ known.embeddings_VD[part].astype(np.float64)
    return torch.from_numpy(total / weights_V.sum()).float()


def _metrics(
    examples: Examples, logits: Logits, weight: float, card: CheckpointCard, left_out: set[str], say: Callable[[str], None]
) -> dict[str, Any]:
    """Figures of the split `val`, and of all pictures of held-out sources, by heads that were not fitted on their source.

    Those of face sets in `val` are by the final heads: their sources were trained on.
    """
    pictures = pictures_of(examples, fused(logits, weight), logits.whole_V, card)
    rows = [examples.rows[row] for row in pictures.row_P]
    scores = sigmoid(pictures.logit_P)
    val = np.asarray([row.split == "val" for row in rows])
    kept = [row for row in rows if row.split == "val"]
    wild = [row for row in rows if not examples.plan.is_face_set(row.source)]
    found: dict[str, Any] = {"split": "val", **figures(by_collection(kept), scores[val], card.threshold, card.band_low)}
    found["held_out"] = {
        "images": len(wild),
        "sources": len({row.source for row in wild}),
        "folds": examples.plan.folds,
        "rows": ablation(examples, logits, weight, card),
    }
    say(held_out_table(found["held_out"]["rows"]))
    for source in left_out:
        own = np.asarray([row.source == source for row in rows])
        if not own.any():
            say(f"{source} has no pictures as scanning shows them (it is a face set without rows in `val`): no figures of it")
            continue
        found["left_out"] = left_out_figures(
            LeftOut("source", source),
            [row for row in rows if row.source == source],
            scores[own],
            [row for row in rows if row.source != source],
            scores[~own],
            (card.threshold, card.band_low),
        )
        say(left_out_line(found["left_out"]))
    return found


def _record(run: HeadsRun, hashes: dict[str, str], rows: tuple[Row, ...], known: Embedded, weight: float) -> dict[str, Any]:
    trained = [row for row in rows if row.split == "train" and row.source != run.left_out]
    return {
        "heads": {
            "penalties": ", ".join(f"{name} {value:g}" for name, value in asdict(run.recipe.plan.penalties).items()),
            "weight of the CNN": round(weight, 4),
            "views": len(known.views),
            "embedded in": "bfloat16" if run.in_bfloat16 else "float32",
            "folds": run.recipe.plan.folds,
            "seed": run.recipe.plan.seed,
        },
        "heads_plan": asdict(run.recipe.plan),
        "left_out": run.left_out,
        "started_from": hashes[run.recipe.cnn],
        "manifest_sha256": run.manifest.sha256,
        "rows": len(trained),
        "cnn_weight": weight,
        "sources": sources_of(by_collection(trained)),
    }
