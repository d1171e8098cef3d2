"""One training run from manifest to checkpoint: check, train, calibrate on `val`, measure, write."""

import platform
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from scanner.base.errors import KnownError
from scanner.base.files import try_writing
from worker.detector.checkpoints.card import Calibration, CheckpointCard, CheckpointError, file_sha256
from worker.detector.checkpoints.checkpoint import (
    backbone_hashes,
    library_versions,
    load_checkpoint,
    save_checkpoint,
    save_with_card,
)
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor
from worker.detector.model.assembly import build_detector, find_backbone_files
from worker.detector.model.network import FusionDetector
from worker.detector.model.recipes import Recipe
from worker.detector.weights.public_weights import BackboneFiles

from ..config.recipes.reader import TrainingRecipe
from ..data.feeding.decoded_cache import DecodedRows, decoded_cache, decoded_rows
from ..data.feeding.decoded_cache import announced as decoded_pictures
from ..data.held_back import held_back
from ..data.manifest import Manifest, Row, sources_of
from ..evaluation.calibration import Bars
from ..evaluation.doubts import doubts_about
from ..evaluation.logits import labels_of
from ..evaluation.metrics import epoch_figures
from ..evaluation.operating_point import judged
from .distributed import Team
from .epochs import EpochFigures
from .estimate import loaders_of, quicker_precision
from .frozen_embeddings import FrozenEmbeddings, announced, cached_branches, frozen_embeddings, kept_logits
from .loop import Trained, train
from .neutral_embedding import set_neutral
from .progress import Progress
from .run_log import per_source, tensorboard_log, tenths
from .run_state import FILE
from .schedule import schedule_of


class UnfinishedRun(KnownError):
    """The folder holds a run, maybe unfinished, and nobody said that it shall go on; or it cannot be made."""


@dataclass(frozen=True)
class Weights:
    """What a network starts from: public files, or a checkpoint of its own kind."""

    files: BackboneFiles
    start: Path | None = None


@dataclass(frozen=True)
class Run:
    """Everything that a run is made of.

    In `cache`, where there is one, embeddings of frozen branches are kept, and in `decoded_cache` decoded pictures, as many as go
    into `decoded_limit` bytes. Without `loader_processes` as many load as keep up.
    """

    recipe: TrainingRecipe
    manifest: Manifest
    folder: Path
    team: Team
    weights: Weights
    loader_processes: int | None
    cache: Path | None = None
    decoded_cache: Path | None = None
    decoded_limit: float | None = None


def start_weights(network: Recipe, files: BackboneFiles, start: Path | None) -> Weights:
    """Find everything that `network` starts from. Raises BackboneMissing and CheckpointError."""
    if start is None:
        found = find_backbone_files(network, files)
        with torch.random.fork_rng():
            build_detector(network, found)  # a file of something else is found now, and not after an hour of reading pictures
        return Weights(found)
    _, card = load_checkpoint(start, files)
    # Name, dropout and what the network is shown may differ: they leave its tensors as they are.
    own = replace(
        card.recipe, name=network.name, dropout=network.dropout, preprocessing=network.preprocessing, prompt=network.prompt
    )
    if own != network:
        raise CheckpointError(f"{start} holds another network than recipe {network.name}; choose the recipe {card.recipe.name}")
    return Weights(find_backbone_files(network, files, only_frozen=True), start)


def prepare_folder(folder: Path, *, resume: bool) -> None:
    """Make the folder of a run. Raises UnfinishedRun when it holds one that is not to be resumed."""
    if (folder / FILE).exists() and not resume:
        raise UnfinishedRun(f"{folder} holds a run; go on with it by --resume if it is unfinished, or choose another --out")
    try:
        try_writing(folder)
    except OSError as error:
        raise UnfinishedRun(f"{folder} cannot be written: {error.strerror}; choose another --out") from None


def run_training(
    run: Run,
    *,
    show: Callable[[Progress], None],
    say: Callable[[str], None],
    note: Callable[[int, EpochFigures], None] = lambda *_: None,
) -> Path | None:
    """Train and write `<recipe>.safetensors` into the folder; returns its path, in the leading process.

    `note` is told the figures of each epoch (0, 1, ...).

    Raises ManifestError, AnotherRun, and what reading the pictures raises.
    """
    run = _choosing_nothing_on_what_is_reported(run, say)
    team = run.team
    train_rows, measured_rows, part = _measured_rows(run, say)
    torch.manual_seed(run.recipe.plan.seed)
    detector = _start(run.recipe.network, run.weights)
    run = _prepared(run, detector, train_rows, say)
    recipe = run.recipe
    device = ChosenDevice(str(team.device), "")
    card = CheckpointCard(recipe.network.name, recipe.network, Calibration(), 0.5, 0.5, "")
    frozen = _frozen(run, detector, train_rows, as_scanned=False)
    frozen_measured = _frozen(run, detector, measured_rows, as_scanned=True)
    decoded = _decoded(run, train_rows)
    if team.leads:
        say(f"{recipe.network.name} on {len(train_rows):,} images, {recipe.plan.epochs} epochs, {team.size} x {team.device}")
        if frozen:
            say(announced(frozen))
        if decoded:
            say(decoded_pictures(decoded.cache, len(train_rows)))
        asked, kept = run.loader_processes, (frozen, decoded)
        run = replace(run, loader_processes=loaders_of(detector, train_rows, recipe, team, asked, say, *kept))
    loaders = team.agree(run.loader_processes) or 0
    with ExitStack() as stack:
        log = stack.enter_context(tensorboard_log(run.folder / "tensorboard")) if team.leads else lambda *_: None

        def report(now: Progress) -> None:
            show(now)
            log("train/loss", now.loss, now.step)
            log("train/learning_rate", now.learning_rate, now.step)

        def measure(epoch: int, averaged: FusionDetector) -> EpochFigures:
            size = recipe.plan.size_of(epoch)
            seen = replace(recipe.network, preprocessing=replace(recipe.network.preprocessing, size=size))
            predictor = Predictor(averaged, replace(card, recipe=seen), device, 64)
            logits = kept_logits(predictor, measured_rows, frozen_measured, processes=loaders)
            found = epoch_figures(labels_of(measured_rows), logits)
            note(epoch, found)
            for name, value in found.items():
                log(f"{part}/{name}", value, epoch + 1)
            others = f"loss {found['loss']:.4f}, accuracy {found['accuracy']:.4f}, EER {found['eer']:.4f}, DCF {found['dcf']:.4f}"
            say(f"epoch {epoch + 1}/{recipe.plan.epochs}: {part} AUC {per_source(measured_rows, logits, found['auc'])}; {others}")
            return found

        trained = train(
            detector,
            train_rows,
            recipe.plan,
            recipe.network.preprocessing,
            folder=run.folder,
            team=team,
            loader_processes=loaders,
            report=report,
            measure=measure,
            frozen=frozen,
            decoded=decoded,
        )
    if not team.leads:
        return None
    held = measured_rows if part == "held_back" else ()
    return _finish(replace(run, loader_processes=loaders), trained, card, device, train_rows, held, say)


def _choosing_nothing_on_what_is_reported(run: Run, say: Callable[[str], None]) -> Run:
    """Without a split `test` the figures are of `val`: then the epoch is not chosen there, and the last one is kept."""
    plan = run.recipe.plan
    if plan.held_back or not (plan.patience or plan.plateau) or run.manifest.has_split("test"):
        return run
    nothing = " and no plateau" if plan.plateau else ""
    say(f"no early stopping{nothing}: the figures will be of split 'val', as there is no split 'test'; plan.held_back needs none")
    return replace(run, recipe=replace(run.recipe, plan=replace(plan, patience=0, plateau=None)))


def _measured_rows(run: Run, say: Callable[[str], None]) -> tuple[Sequence[Row], Sequence[Row], str]:
    """What is trained on, what is measured after each epoch, and what that is called."""
    rows, plan = run.manifest.of_split("train"), run.recipe.plan
    if not plan.held_back:
        return rows, run.manifest.of_split("val"), "val"
    kept, measured = held_back(rows, plan.held_back, plan.seed)
    groups = len({row.group for row in measured})
    say(f"held back {len(measured):,} images ({groups:,} groups) of split 'train': the epoch is chosen by them, and not on 'val'")
    return kept, measured, "held_back"


def _start(network: Recipe, weights: Weights) -> FusionDetector:
    if weights.start is None:
        return build_detector(network, weights.files)
    return load_checkpoint(weights.start, weights.files)[0]


def _frozen(run: Run, detector: FusionDetector, rows: Sequence[Row], *, as_scanned: bool) -> FrozenEmbeddings | None:
    """What is kept of the frozen branches; None without a cache, or where epochs do not show the same pictures again."""
    network, plan = run.recipe.network, run.recipe.plan
    if run.cache is None or not cached_branches(detector) or not plan.repeats_pictures:
        return None
    hashes = backbone_hashes(network, run.weights.files)
    return frozen_embeddings(detector, network, hashes, rows, plan, run.cache, as_scanned=as_scanned)


def _decoded(run: Run, rows: Sequence[Row]) -> DecodedRows | None:
    """What is kept of decoded pictures; one cache for all of split `train`, whatever is held back of it."""
    if run.decoded_cache is None:
        return None
    all_rows, (side, exact) = run.manifest.of_split("train"), run.recipe.plan.decoded_side
    cache = decoded_cache(all_rows, side, run.decoded_cache, exact=exact, limit=run.decoded_limit)
    return decoded_rows(cache, all_rows, rows)


def _prepared(run: Run, detector: FusionDetector, rows: Sequence[Row], say: Callable[[str], None]) -> Run:
    """The run with the precision that is quicker here, the same in every process; the leader measures."""
    plan, team, found = run.recipe.plan, run.team, None
    if team.leads:
        schedule = schedule_of(rows, plan, team)
        found = quicker_precision(detector, rows, plan, run.recipe.network.preprocessing, schedule, team, run.folder)
    autocast, why = team.agree(found) or (plan.autocast, None)
    if why and team.leads:
        say(why)
    return replace(run, recipe=replace(run.recipe, plan=replace(plan, autocast=autocast)))


def _finish(
    run: Run,
    trained: Trained,
    card: CheckpointCard,
    device: ChosenDevice,
    rows: Sequence[Row],
    held: Sequence[Row],
    say: Callable[[str], None],
) -> Path:
    """Write the weights, then measure them from the file: rounding to float16 belongs to what the figures describe."""
    path = run.folder / f"{run.recipe.network.name}.safetensors"
    card = replace(
        card,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        backbones=backbone_hashes(run.recipe.network, run.weights.files),
        training=_record(run, trained, rows, held),
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


def _record(run: Run, trained: Trained, rows: Sequence[Row], held: Sequence[Row]) -> dict[str, Any]:
    """`held_back` says what the epoch was chosen by, where that was a part of the training groups."""
    start, plan = run.weights.start, run.recipe.plan
    chosen = {"images": len(held), "groups": len({row.group for row in held}), "figure": plan.watched} if held else None
    return {
        "plan": asdict(plan),
        "processes": run.team.size,
        "aucs": list(trained.aucs),
        "epoch": trained.epoch,
        "epochs": [dict(figures) for figures in trained.history],
        "held_back": chosen,
        "started_from": file_sha256(start) if start else "public weights",
        "manifest_sha256": run.manifest.sha256,
        "rows": len(rows),
        "sources": sources_of(rows),
    }
