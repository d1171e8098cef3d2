"""One training run from manifest to checkpoint: train, in one or two stages, calibrate on `val`, measure, write."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from worker.detector.checkpoints.checkpoint import load_checkpoint
from worker.detector.model.assembly import build_detector
from worker.detector.model.network import FusionDetector
from worker.detector.model.recipes import Recipe

from ..data.held_back import held_back
from ..data.manifest import Row
from .epochs import EpochFigures
from .estimate import quicker_precision
from .progress import Progress
from .schedule import schedule_of
from .stages.checkpoint import finish
from .stages.fixed_branches import branch_hashes, fixed
from .stages.planning import planned
from .stages.request import Run, Weights
from .stages.stage import SECOND_STAGE, Stage, decoded_of, first_detector, first_recipe, first_stage, frozen_of, run_stage


def run_training(
    run: Run,
    *,
    show: Callable[[Progress], None],
    say: Callable[[str], None],
    note: Callable[[int, EpochFigures], None] = lambda *_: None,
    note_first: Callable[[int, EpochFigures], None] = lambda *_: None,
) -> Path | None:
    """Train and write `<recipe>.safetensors` into the folder; returns its path, in the leading process.

    `note` is told the figures of each epoch (0, 1, ...), `note_first` those of a first stage.

    Raises ManifestError, AnotherRun, and what reading the pictures raises.
    """
    run = _choosing_nothing_on_what_is_reported(run, say)
    rows, measured, part = _measured_rows(run, say)
    torch.manual_seed(run.recipe.plan.seed)
    detector = _start(run.recipe.network, run.weights)
    alone = first_detector(run.recipe, detector)
    run = _prepared(run, alone or detector, rows, say)
    last = Stage(run, detector, rows, measured, part, run.folder / "tensorboard", decoded_of(run, rows))
    trained_first, names = None, run.recipe.plan.first.branches if run.recipe.plan.first else ()
    if alone is None:
        [last] = planned([replace(last, frozen=frozen_of(last, rows))], say)
    else:
        first, last = planned([first_stage(last, alone), replace(last, name=SECOND_STAGE)], say)
        trained_first = run_stage(first, show=show, say=say, note=note_first)
        run.team.share(alone.branches)
        last = replace(last, trained=branch_hashes(detector, names))
    with fixed(detector, names):
        trained = run_stage(last, show=show, say=say, note=note)
    if not run.team.leads:
        return None
    held = measured if run.recipe.plan.held_back else ()
    return finish(last.run, trained, trained_first, rows, held, say)


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


def _prepared(run: Run, detector: FusionDetector, rows: Sequence[Row], say: Callable[[str], None]) -> Run:
    """The run with the precision that is quicker here, the same in every process; the leader measures, by the first stage's
    `detector` if there are two: that one is learned as a whole.
    """
    plan, team, found = run.recipe.plan, run.team, None
    if team.leads:
        begins = first_recipe(run.recipe) or run.recipe
        schedule, preprocessing = schedule_of(rows, begins.plan, team), begins.network.preprocessing
        found = quicker_precision(detector, rows, begins.plan, preprocessing, schedule, team, run.folder)
    autocast, why = team.agree(found) or (plan.autocast, None)
    if why and team.leads:
        say(why)
    return replace(run, recipe=replace(run.recipe, plan=replace(plan, autocast=autocast)))
