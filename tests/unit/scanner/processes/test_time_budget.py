"""What counts against a decoder: its CPU time, and time awake in which it gets nowhere. Clock and usage are ours."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from scanner.processes.time_budget import BLOCKED_TIMES, TimeBudget, Usage, usage_of

SECONDS = 60.0
STILL = Usage(5.0, is_runnable=False)


def looked_at(budget: TimeBudget, usage: Usage, since: float, until: float) -> str | None:
    """Look every tenth of a second; what the last look says."""
    return [budget.look(usage, since + tenth / 10) for tenth in range(round(10 * (until - since)) + 1)][-1]


@pytest.fixture
def budget() -> TimeBudget:
    return TimeBudget(SECONDS, STILL, 0.0)


def test_an_endless_loop_is_ended(budget: TimeBudget) -> None:
    assert budget.look(Usage(64.0, is_runnable=True), 1.0) is None
    assert "60 s of CPU time" in str(budget.look(Usage(65.1, is_runnable=True), 1.1))


def test_a_read_that_never_answers_is_ended(budget: TimeBudget) -> None:
    assert looked_at(budget, STILL, 0.1, 59.0) is None
    assert "60 s without progress" in str(looked_at(budget, STILL, 59.1, 61.0))


def test_a_machine_that_sleeps_and_a_container_that_is_paused_cost_no_file_its_time(budget: TimeBudget) -> None:
    assert looked_at(budget, STILL, 0.1, 50.0) is None
    assert budget.look(STILL, 5000.0) is None


def test_a_clock_that_goes_back_gives_no_time_and_takes_none(budget: TimeBudget) -> None:
    assert looked_at(budget, STILL, 0.1, 30.0) is None
    assert looked_at(budget, STILL, -1000.0, -970.5) is None


def test_waiting_for_a_processor_is_not_counted(budget: TimeBudget) -> None:
    assert looked_at(budget, Usage(5.0, is_runnable=True), 0.1, 5000.0) is None


def test_a_slow_disk_is_waited_for_while_it_gives_something(budget: TimeBudget) -> None:
    for minute in range(9):
        assert looked_at(budget, Usage(5.0 + 0.1 * minute, is_runnable=False), 55.0 * minute + 0.1, 55.0 * minute + 55.0) is None


def test_one_that_is_blocked_again_and_again_is_ended(budget: TimeBudget) -> None:
    told: list[Any] = [
        looked_at(budget, Usage(5.0 + 0.1 * minute, is_runnable=False), 55.0 * minute + 0.1, 55.0 * minute + 55.0)
        for minute in range(BLOCKED_TIMES + 2)
    ]
    assert "without progress" in str(told[-1])


def test_usage_is_what_the_system_says() -> None:
    sum(range(3_000_000))  # so that there is something to tell
    before = psutil.Process().cpu_times()

    found = usage_of(os.getpid())

    after = psutil.Process().cpu_times()
    assert found is not None
    tick = 0.005  # half of one: sums of ticks differ in their last digits
    assert before.user + before.system - tick <= found.cpu_seconds <= after.user + after.system + tick
    assert found.cpu_seconds > 0


def test_a_process_that_is_gone_has_no_usage() -> None:
    process = subprocess.Popen(["sleep", "0"])
    process.wait()

    assert usage_of(process.pid) is None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
@pytest.mark.parametrize("name", ["x) R 7 7 (y", "a b) Z"])
def test_a_program_with_brackets_in_its_name_is_not_misread(tmp_path: Path, name: str) -> None:
    program = tmp_path / name
    shutil.copy(shutil.which("sleep") or "", program)
    with subprocess.Popen([program, "60"]) as process:
        found = usage_of(process.pid)
        process.kill()

    assert found is not None
    assert 0 <= found.cpu_seconds < 5
