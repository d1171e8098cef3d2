"""Where a run stands, and how long it will still take."""

import time
from dataclasses import dataclass

from ..config.hyperparameters import TrainingPlan
from .schedule import Schedule


@dataclass(frozen=True)
class Progress:
    """Where a run stands, or the stage of it that has this name; `loss` is averaged over the last steps, the rate is over all
    processes.
    """

    epoch: int
    step: int
    steps: int
    loss: float
    learning_rate: float
    images_per_second: float
    seconds_left: float
    stage: str = ""


class Pace:
    """Turns losses and the clock into Progress. What is left costs in proportion to the pixels that are left."""

    def __init__(self, schedule: Schedule, plan: TrainingPlan, first: int) -> None:
        self._schedule, self._plan = schedule, plan
        self._began, self._first = time.monotonic(), first
        self._losses: list[float] = []

    def after(self, epoch: int, step: int, loss: float, rate: float) -> Progress:
        self._losses = [*self._losses[-49:], loss]
        seconds = time.monotonic() - self._began
        done = self._pixels(step) - self._pixels(self._first)
        return Progress(
            epoch,
            step,
            self._schedule.steps,
            sum(self._losses) / len(self._losses),
            rate,
            (step - self._first) * self._plan.batch_size / seconds,
            (self._pixels(self._schedule.steps) - self._pixels(step)) * seconds / done,
        )

    def _pixels(self, step: int) -> float:
        total = 0.0
        for epoch, start in enumerate(self._schedule.starts[:-1]):
            steps = min(step, self._schedule.starts[epoch + 1]) - start
            total += max(0, steps) * self._plan.size_of(epoch) ** 2
        return total
