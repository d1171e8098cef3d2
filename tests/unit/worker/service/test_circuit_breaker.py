"""Waiting out trouble; the sleep is ours."""

from scanner.base.backoff import LONGEST_SECONDS
from worker.service.circuit_breaker import Breaker


def slept_by(breaker_pauses: int, *, stop_after: float = float("inf")) -> list[float]:
    slept: list[float] = []
    breaker = Breaker(lambda: sum(slept) >= stop_after, slept.append)
    pauses = []
    for _ in range(breaker_pauses):
        before = sum(slept)
        breaker.pause()
        pauses.append(round(sum(slept) - before, 6))
    return pauses


def test_each_pause_is_twice_as_long_up_to_a_limit() -> None:
    assert slept_by(8) == [1, 2, 4, 8, 16, 32, LONGEST_SECONDS, LONGEST_SECONDS]


def test_a_request_to_stop_cuts_it_short() -> None:
    assert slept_by(4, stop_after=4) == [1, 2, 1, 0]


def test_after_success_it_begins_anew() -> None:
    breaker = Breaker(lambda: False, lambda _: None)
    breaker.pause()
    breaker.pause()
    assert breaker.next_seconds == 4
    breaker.close()
    assert breaker.next_seconds == 1
