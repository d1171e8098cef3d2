"""The command takes dates in the zone of whoever writes them."""

import pytest


@pytest.mark.parametrize(
    ("day", "begins"), [("2026-01-15", "2026-01-15T00:00:00+01:00"), ("2026-07-15", "2026-07-15T00:00:00+02:00")]
)
def test_midnight_in_winter_and_summer(laptop, day: str, begins: str) -> None:
    """A day begins at its own midnight in winter as in summer."""
    laptop.environment["TZ"] = "Europe/Berlin"
    assert laptop.report("--since", day)["since"] == begins


def test_a_day_that_is_no_day_is_said(laptop) -> None:
    done = laptop.run("report", "--since", "2026-13-01", exit_status=2)
    assert "2026-13-01" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_day_before_all_days_is_no_crash(laptop) -> None:
    laptop.environment["TZ"] = "Europe/Berlin"
    done = laptop.run("report", "--since", "0001-01-01", exit_status=(0, 2))
    assert "Traceback" not in done.stderr
