"""A stage of a run: a network, or some of its branches with a head of their own, trained by a plan of its own."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.checkpoints.checkpoint import backbone_hashes
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor
from worker.detector.model.assembly import joined
from worker.detector.model.network import FusionDetector

from ...config.recipes.reader import TrainingRecipe
from ...data.feeding.decoded_cache import DecodedRows, decoded_cache, decoded_rows
from ...data.manifest import Row
from ...evaluation.logits import labels_of
from ...evaluation.metrics import epoch_figures
from ..epochs import EpochFigures
from ..frozen_embeddings import (
    FrozenBranches,
    FrozenEmbeddings,
    announced,
    cached_branches,
    frozen_embeddings,
    kept_logits,
)
from ..loop import Trained, train
from ..progress import Progress
from ..run_log import per_source, tensorboard_log
from ..run_state import FIRST
from .request import Run

FIRST_STAGE, SECOND_STAGE = "first stage", "second stage"


@dataclass(frozen=True)
class Stage:
    """What is trained on `rows`, and measured after each epoch on others, which are called `part`.

    `run` has the stage's own recipe and folder. The `name` is said in front of what is told of it; the only stage of a run has
    none. `trained` are hashes of the branches that an earlier stage has trained. What is known of embeddings is in `frozen`, and
    of decoded pictures in `decoded`.
    """

    run: Run
    detector: FusionDetector
    rows: Sequence[Row]
    measured: Sequence[Row]
    part: str
    log: Path
    decoded: DecodedRows | None = None
    name: str = ""
    frozen: FrozenEmbeddings | None = None
    trained: Mapping[str, str] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """The beginning of a line."""
        return f"{self.name}: " if self.name else ""


def first_recipe(recipe: TrainingRecipe) -> TrainingRecipe | None:
    """The recipe of the first stage: its branches alone, with a head of the same kind. None where all is trained together."""
    network, plan = recipe.network, recipe.plan
    if plan.first is None:
        return None
    branches = plan.first.branches
    inputs = {str(name): shown for name, shown in network.inputs.items() if name in branches}
    alone = replace(network, branches=branches, inputs=inputs, fusion="concatenated", whole=())
    return TrainingRecipe(alone, replace(plan.lasting(plan.first.epochs), first=None))


def first_detector(recipe: TrainingRecipe, detector: FusionDetector) -> FusionDetector | None:
    """The network of the first stage, if there is one: the branches of `detector` themselves, and a new head."""
    alone = first_recipe(recipe)
    return joined(alone.network, {name: detector.parts[name] for name in alone.network.branches}) if alone else None


def first_stage(whole: Stage, detector: FusionDetector) -> Stage:
    """The stage before `whole`, of the network that `first_detector` made, in a folder of its own."""
    recipe = first_recipe(whole.run.recipe)
    assert recipe is not None
    run = replace(whole.run, recipe=recipe, folder=whole.run.folder / FIRST)
    same = recipe.plan.decoded_side == whole.run.recipe.plan.decoded_side
    decoded = whole.decoded if same else decoded_of(run, whole.rows)
    return replace(whole, run=run, detector=detector, log=whole.log / FIRST, decoded=decoded, name=FIRST_STAGE)


def decoded_of(run: Run, rows: Sequence[Row]) -> DecodedRows | None:
    """What is kept of decoded pictures; one cache for all of split `train`, whatever is held back of it."""
    if run.decoded_cache is None:
        return None
    all_rows, (side, exact) = run.manifest.of_split("train"), run.recipe.plan.decoded_side
    cache = decoded_cache(all_rows, side, run.decoded_cache, exact=exact, limit=run.decoded_limit)
    return decoded_rows(cache, all_rows, rows)


def frozen_of(stage: Stage, rows: Sequence[Row], *, as_scanned: bool = False) -> FrozenEmbeddings | None:
    """What is kept of the frozen branches; None where nothing is."""
    run, network, plan = stage.run, stage.run.recipe.network, stage.run.recipe.plan
    if run.cache is None or kept_of(stage) is None:
        return None
    hashes = {**backbone_hashes(network, run.weights.files), **stage.trained}
    return frozen_embeddings(stage.detector, network, hashes, rows, plan, run.cache, as_scanned=as_scanned)


def kept_of(stage: Stage) -> FrozenBranches | None:
    """The frozen branches whose embeddings are kept; None without a cache, or where no epoch shows the same pictures again."""
    plan = stage.run.recipe.plan
    kept = cached_branches(stage.detector, plan)
    return kept if kept.branches and stage.run.cache is not None and plan.repeats_pictures else None


def run_stage(
    stage: Stage,
    *,
    show: Callable[[Progress], None],
    say: Callable[[str], None],
    note: Callable[[int, EpochFigures], None],
) -> Trained:
    """Train and measure. Raises AnotherRun, and what reading the pictures raises."""
    run, detector = stage.run, stage.detector
    recipe, team, loaders = run.recipe, run.team, run.loader_processes or 0
    device = ChosenDevice(str(team.device), "")
    frozen = stage.frozen or frozen_of(stage, stage.rows)
    frozen_measured = frozen_of(stage, stage.measured, as_scanned=True)
    if frozen and stage.trained and team.leads:
        say(f"{stage.said}{announced(frozen)}")
    run.folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        log = stack.enter_context(tensorboard_log(stage.log)) if team.leads else lambda *_: None

        def report(now: Progress) -> None:
            show(replace(now, stage=stage.name))
            log("train/loss", now.loss, now.step)
            log("train/learning_rate", now.learning_rate, now.step)

        def measure(epoch: int, averaged: FusionDetector) -> EpochFigures:
            size, epochs = recipe.plan.size_of(epoch), recipe.plan.epochs
            seen = replace(recipe.network, preprocessing=replace(recipe.network.preprocessing, size=size))
            card = CheckpointCard(recipe.network.name, seen, Calibration(), 0.5, 0.5, "")
            logits = kept_logits(Predictor(averaged, card, device, 64), stage.measured, frozen_measured, processes=loaders)
            found = epoch_figures(labels_of(stage.measured), logits)
            note(epoch, found)
            for name, value in found.items():
                log(f"{stage.part}/{name}", value, epoch + 1)
            aucs = per_source(stage.measured, logits, found["auc"])
            others = f"loss {found['loss']:.4f}, accuracy {found['accuracy']:.4f}, EER {found['eer']:.4f}, DCF {found['dcf']:.4f}"
            say(f"{stage.said}epoch {epoch + 1}/{epochs}: {stage.part} AUC {aucs}; {others}")
            return found

        return train(
            detector,
            stage.rows,
            recipe.plan,
            recipe.network.preprocessing,
            folder=run.folder,
            team=team,
            loader_processes=loaders,
            report=report,
            measure=measure,
            frozen=frozen,
            decoded=stage.decoded,
            fixed=stage.trained,
        )
