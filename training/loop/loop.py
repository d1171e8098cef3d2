"""The training loop, in plain PyTorch.

Shapes: B images, C = 3, H = W = the epoch's size.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.network import FusionDetector

from ..config.hyperparameters import TrainingPlan
from ..data.feeding.decoded_cache import DecodedRows
from ..data.manifest import Row
from ..evaluation.weighted_metrics import NotFinite
from .distributed import Team
from .epochs import EpochFigures, best_epoch, epoch_rate, is_over
from .frozen_embeddings import FrozenEmbeddings, known_of, needs_of
from .optimiser import average_in, learning_rate, optimiser_for, training_step, with_own_weights
from .progress import Pace, Progress
from .run_state import RunState, StateWriter, begun, restore_state, run_key
from .schedule import batches, fake_weight, schedule_of

# On a GPU the loss is read so often: reading it waits until all that was asked for is computed. A broken network stays broken.
_READ_EVERY = 10


@dataclass(frozen=True)
class Trained:
    """The network with the weights that are kept, what was measured after each epoch, and the epoch they are from (1, 2, ...)."""

    detector: FusionDetector
    history: tuple[EpochFigures, ...]
    epoch: int

    @property
    def aucs(self) -> tuple[float, ...]:
        """The AUC after each epoch."""
        return tuple(figures["auc"] for figures in self.history)


def train(
    detector: FusionDetector,
    rows: Sequence[Row],
    plan: TrainingPlan,
    preprocessing: Preprocessing,
    *,
    folder: Path,
    team: Team,
    loader_processes: int,
    report: Callable[[Progress], None],
    measure: Callable[[int, FusionDetector], EpochFigures],
    frozen: FrozenEmbeddings | None = None,
    decoded: DecodedRows | None = None,
    fixed: Mapping[str, str] | None = None,
) -> Trained:
    """Train `detector` in place. The leading process calls `report` after each step and `measure` after an epoch.

    What is in `frozen` of the frozen branches is not computed again, and what is in `decoded` is not decoded again. `fixed` are
    hashes of branches that an earlier stage has trained. The state is written to `folder` every ten minutes and after each
    epoch; when it holds one, the run goes on from it. Raises AnotherRun when that belongs to another plan, network or manifest,
    and NotFinite where the loss is no number.
    """
    schedule = schedule_of(rows, plan, team)
    key = run_key(plan, preprocessing, rows, team.size, fixed)
    detector.to(team.device).to(memory_format=torch.channels_last)
    torch.manual_seed(plan.seed)
    state = begun(detector, optimiser_for(detector, plan), averages=plan.ema_decay > 0)
    restore_state(folder, key, state)
    if team.rank:  # other dropout masks than the leader's
        torch.manual_seed(plan.seed + team.rank + 1000 * state.step)
    called, pace, weight = team.wrapped(detector), Pace(schedule, plan, state.step), fake_weight(rows, schedule, plan)
    needs, how = needs_of(frozen, detector, plan, rows), {"step": state.step, "processes": loader_processes}
    left = batches(rows, schedule, plan, preprocessing, team=team, decoded=decoded, needs=needs, **how)
    with StateWriter(folder, key) as writer, closing(left):
        last = math.nan
        for epoch in range(plan.epochs):
            if is_over(plan, state.history):
                break
            rated = replace(plan, learning_rate=epoch_rate(plan, state.history))
            detector.train()
            for _ in range(state.step, schedule.starts[epoch + 1]):
                batch, rate = next(left), learning_rate(rated, state.step, schedule.steps)
                known = known_of(frozen, detector, batch, plan, rows, epoch)
                loss = training_step(called, state.optimiser, batch.images_BCHW, batch.labels_B, plan, weight, rate, known)
                state.step += 1
                if plan.ema_decay:
                    average_in(state.average, detector, plan.ema_decay, state.step)
                saves = team.leads and (writer.is_due or state.step == schedule.starts[epoch + 1])
                if team.device.type == "cpu" or state.step % _READ_EVERY == 0 or saves:
                    last = _finite(float(loss), state, last)
                    if saves:
                        writer.save(state)
                    if team.leads:
                        report(pace.after(epoch, state.step, last, rate))
            if len(state.history) <= epoch:
                _measure(state, epoch, detector, team, plan, measure)
                if team.leads:
                    writer.save(state)
    kept = state.best if plan.patience and state.best is not None else state.average
    detector.load_state_dict(kept, strict=False)
    epoch = best_epoch(plan, state.history) if plan.patience else len(state.history) - 1
    return Trained(detector.eval(), tuple(state.history), epoch + 1)


def _finite(loss: float, state: RunState, last: float) -> float:
    """`loss`. Raises NotFinite where it is no number; `last` is the one before it."""
    if math.isfinite(loss):
        return loss
    before = "it was the first since the start" if math.isnan(last) else f"the one before was {last:.4f}"
    measured = f"; the last AUC measured was {state.history[-1]['auc']:.4f}" if state.history else ""
    advice = "Try a lower learning_rate, clip_norm = 1, or autocast = false"
    raise NotFinite(f"the loss of step {state.step:,} is {loss}: {before}{measured}. {advice}")


def _measure(
    state: RunState,
    epoch: int,
    detector: FusionDetector,
    team: Team,
    plan: TrainingPlan,
    measure: Callable[[int, FusionDetector], EpochFigures],
) -> None:
    """Append the epoch's figures, the same in every process, and keep its weights if it is better than all before it."""
    figures = measure(epoch, _with(detector, state.average)) if team.leads else {}
    state.history.append(dict(team.agree(figures)))
    if plan.patience and best_epoch(plan, state.history) == epoch:
        state.best = {name: tensor.clone() for name, tensor in state.average.items()}


def _with(detector: FusionDetector, average: dict[str, Tensor]) -> FusionDetector:
    """A copy of `detector` that carries the averaged weights."""
    averaged = with_own_weights(detector)
    averaged.load_state_dict(average, strict=False)
    return averaged.eval()
