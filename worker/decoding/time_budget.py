"""How long a decoder may be at one file: by its own CPU time, and by the time awake in which it gets nowhere.

The time of day plays no part, so a clock that is set does no harm. A machine that sleeps, a container that is paused and a
processor that others keep busy take neither CPU time nor count as time awake without progress.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

import psutil
from pebble import ProcessPool
from pebble.common.types import Result
from pebble.pool.process import TaskManager

# Looks are a tenth of a second apart. Whoever looks after much longer was stopped, or had no processor.
LONGEST_LOOK_SECONDS = 1.0
# CPU time (two ticks of the usual clock) that counts as progress.
PROGRESS_SECONDS = 0.02
# A decoder that always gets a little further, and is blocked in between, may be blocked for so many times its seconds in all.
BLOCKED_TIMES = 10


class OutOfTime(Exception):
    """A decoder was ended, as it used up its time. The text is the reason, in a user's words."""


@dataclass(frozen=True)
class Usage:
    """What a process has used: `cpu_seconds` since its start; `is_runnable` where it works or waits for a processor only."""

    cpu_seconds: float
    is_runnable: bool


def usage_of(pid: int) -> Usage | None:
    """What the process has used so far; None when it is gone."""
    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        # On macOS all that live are called running.
        return Usage(times.user + times.system, sys.platform == "linux" and process.status() == psutil.STATUS_RUNNING)
    except psutil.Error:
        return None


class TimeBudget:
    """`seconds` of CPU time for one file, and as many awake without progress."""

    def __init__(self, seconds: float, first: Usage, now: float) -> None:
        """`now` and those of `look` are of a monotonic clock, in seconds."""
        self._seconds = seconds
        self._first = first.cpu_seconds
        self._progress = first.cpu_seconds
        self._looked = now
        self._still = self._blocked = 0.0

    def look(self, usage: Usage, now: float) -> str | None:
        """Take note of what was used until `now`; the reason why the time is up, if it is."""
        passed, self._looked = min(now - self._looked, LONGEST_LOOK_SECONDS), now
        gets_on = usage.is_runnable or usage.cpu_seconds - self._progress >= PROGRESS_SECONDS
        if gets_on:
            self._progress, self._still = usage.cpu_seconds, 0.0
        else:
            self._still += passed
            self._blocked += passed
        if usage.cpu_seconds - self._first > self._seconds:
            return f"took longer than {self._seconds:g} s of CPU time"
        if self._still > self._seconds or self._blocked > BLOCKED_TIMES * self._seconds:
            return f"took longer than {self._seconds:g} s without progress"
        return None


class BudgetedTasks(TaskManager):
    """The tasks of a pebble pool; the `timeout` of a task is a time budget of the process that works on it."""

    def __init__(
        self,
        task_done_callback: Callable[[], Any],
        usage: Callable[[int], Usage | None] = usage_of,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(task_done_callback)
        self._usage = usage
        self._clock = clock
        self._budgets: dict[int, TimeBudget] = {}
        self._reasons: dict[int, str] = {}

    def task_start(self, task_id: int, worker_id: int | None) -> None:
        """Begin the budget with what its process has used before."""
        super().task_start(task_id, worker_id)
        task = self.tasks.get(task_id)
        used = self._usage(worker_id) if worker_id else None
        if task is not None and task.timeout and used is not None:
            self._budgets[task_id] = TimeBudget(task.timeout, used, self._clock())

    def timeout_tasks(self) -> tuple[Any, ...]:
        """The tasks that have used up their time; asked for by the pool again and again."""
        now = self._clock()
        for task_id, budget in list(self._budgets.items()):
            task = self.tasks.get(task_id)
            used = self._usage(task.worker_id) if task is not None else None
            if used is not None and (reason := budget.look(used, now)) is not None:
                self._reasons[task_id] = reason
        return tuple(task for task_id in list(self._reasons) if (task := self.tasks.get(task_id)) is not None)

    def task_done(self, task_id: int, result: Result[Any]) -> None:
        """Forget its budget, and say which part of it was used up."""
        self._budgets.pop(task_id, None)
        reason = self._reasons.pop(task_id, None)
        if reason is not None and isinstance(result.value, TimeoutError):
            result = Result(result.status, OutOfTime(reason))
        super().task_done(task_id, result)


def budget_time(pool: ProcessPool) -> ProcessPool:
    """`pool`, before its first task, with time budgets in the place of its own limits, which are by the time of day."""
    manager = pool._pool_manager
    manager.task_manager = BudgetedTasks(manager.task_manager.task_done_callback)
    return pool
