"""How long a decoder may be at one file: by its own CPU time, and by the time awake in which it gets nowhere.

The time of day plays no part, so a clock that is set does no harm. A machine that sleeps, a container that is paused and a
processor that others keep busy take neither CPU time nor count as time awake without progress.
"""

import os
import sys
from dataclasses import dataclass

# Looks are a tenth of a second apart. Whoever looks after much longer was stopped, or had no processor.
LONGEST_LOOK_SECONDS = 1.0
# CPU time (two ticks of the usual clock) that counts as progress.
PROGRESS_SECONDS = 0.02
# A decoder that always gets a little further, and is blocked in between, may be blocked for so many times its seconds in all.
BLOCKED_TIMES = 10
# What is read of /proc/PID/stat, and where user time stands behind the state; system time follows.
_STAT_BYTES, _USER = 1024, 11


class OutOfTime(Exception):
    """A decoder was ended, as it used up its time. The text is the reason, in a user's words."""


@dataclass(frozen=True)
class Usage:
    """What a process has used: `cpu_seconds` since its start; `is_runnable` where it works or waits for a processor only."""

    cpu_seconds: float
    is_runnable: bool


def usage_of(pid: int) -> Usage | None:
    """What the process has used so far; None when it is gone."""
    if sys.platform == "linux":
        return _usage_on_linux(pid)
    import psutil  # takes its time, and Linux needs it not

    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        return Usage(times.user + times.system, False)  # on macOS all that live are called running
    except psutil.Error:
        return None


def _usage_on_linux(pid: int) -> Usage | None:
    """As psutil has it, with one look at one file: it is asked twice for each picture (proc_pid_stat(5))."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            told = file.read(_STAT_BYTES)
    except OSError:
        return None
    state, *numbers = told[told.rindex(b")") + 2 :].split()
    ticks = int(numbers[_USER - 1]) + int(numbers[_USER])
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), state == b"R")


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
