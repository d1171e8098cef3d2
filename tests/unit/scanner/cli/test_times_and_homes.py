"""Zones, homes and dates that are not as most are."""

import json
import subprocess
import sys

import pytest
from files.command import Dfscan, Here

EVERY = (("status",), ("report",), ("report", "--since", "yesterday"), ("config", "show"), ("db", "current"), ("verify",))
ZONES = (
    "CET-1",
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "Europe/Berlln",
    "nonsense",
    "<+05>-5",
    ":Europe/Berlin",
    ":/etc/nothing",
    "UTC",
    "",
)


@pytest.mark.parametrize("zone", ZONES)
def test_no_zone_ends_a_command(filled: Dfscan, zone: str) -> None:
    filled.environment["TZ"] = zone
    for arguments in EVERY[:3] if zone == "nonsense" else EVERY[2:3]:
        assert "Traceback" not in filled.run(*arguments, exit_status=(0, 1)).stderr


@pytest.mark.parametrize(
    ("zone", "offset"),
    [("CET-1", "+01:00"), ("CET-1CEST,M3.5.0,M10.5.0/3", "+02:00"), ("Europe/Berlin", "+02:00")],
)
def test_a_posix_zone_is_meant_as_it_is_written(filled: Dfscan, zone: str, offset: str) -> None:
    filled.environment["TZ"] = zone
    assert json.loads(filled.run("report", "--json", "--since", "2026-07-15").stdout)["since"] == f"2026-07-15T00:00:00{offset}"


def test_a_misspelt_zone_is_named(filled: Dfscan, here: Here) -> None:
    filled.environment["TZ"] = "Europe/Berlln"
    done = filled.run("report", "--since", "2026-07-15")
    assert "TZ=Europe/Berlln" in done.stderr
    assert "since Wednesday 2026-07-15 00:00+00:00" in done.stderr


def test_a_user_without_a_home(laptop: Dfscan) -> None:
    """As in a container that runs under any number: no HOME, and no entry that names one."""
    for name in ("HOME", "XDG_CONFIG_HOME", "DFSCAN_DATA_DIR", "DFSCAN_DATABASE_URL", "DFSCAN_CACHE_DIR"):
        laptop.environment.pop(name, None)
    nameless = "import pwd\ndef none(uid): raise KeyError(uid)\npwd.getpwuid = none\nfrom scanner.cli.main import main\nmain()"
    for arguments in (EVERY[0], EVERY[2], ("config", "show"), ("verify",)):
        done = subprocess.run(
            [sys.executable, "-c", nameless, *arguments],
            env=laptop.environment,
            capture_output=True,
            text=True,
            cwd=laptop.data_dir.parent,
        )
        assert "Traceback" not in done.stderr
        assert "HOME" in done.stderr
        assert done.returncode == 2
    laptop.environment["DFSCAN_DATA_DIR"] = str(laptop.data_dir)
    given = [sys.executable, "-c", nameless, "config", "show"]
    subprocess.run(given, env=laptop.environment, check=True, cwd=laptop.data_dir.parent)
    assert list(laptop.data_dir.parent.iterdir()) == []  # above all no folder that is called ~


@pytest.mark.parametrize("written", ["01.11.2026", "1/11/2026", "01.11.26", "1/11", "12", "3m", "", "  "])
def test_a_date_that_may_be_two_is_refused(filled: Dfscan, here: Here, written: str) -> None:
    for option in ("--since", "--until"):
        done = here("report", option, written, exit_status=2)
        assert "Traceback" not in done.stderr


def test_what_was_read_is_told(filled: Dfscan) -> None:
    filled.environment["TZ"] = "UTC"  # for a process of its own: this one has the machine's zone
    assert filled.run("report", "--since", "30.11.2025", "--until", "2025-12-05").stderr.splitlines() == [
        "since Sunday 2025-11-30 00:00+00:00, until Friday 2025-12-05 00:00+00:00"
    ]


def test_an_end_before_the_beginning_is_said(filled: Dfscan, here: Here) -> None:
    done = here("report", "--since", "2026-02-01", "--until", "2026-01-01", exit_status=2)
    assert "is not before" in done.stderr
