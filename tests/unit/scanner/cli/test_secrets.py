"""No command shows a password, whichever way it fails."""

import pytest
from files.command import Dfscan, Here

URLS = (
    "postgressql://anna:HIDE@db/x",
    "postgresql://127.0.0.1:1/x?password=HIDE",
    "postgresql:/anna:HIDE@db/x",
    "mysql://a:HIDE@h/x",
)


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("command", ["report", "--debug report", "config show", "config show --json", "db current", "doctor"])
def test_of_the_database(laptop: Dfscan, here: Here, url: str, command: str) -> None:
    laptop.environment["DFSCAN_DATABASE_URL"] = url
    done = here(*command.split(), exit_status=(0, 1, 2))
    assert "HIDE" not in done.stdout + done.stderr


@pytest.mark.parametrize("url", ["redis://:HIDE@127.0.0.1:1/0", "reddis://:HIDE@h/0", "redis://127.0.0.1:1/0?password=HIDE"])
@pytest.mark.parametrize("command", ["config show", "doctor", "--debug retry"])
def test_of_the_broker(filled: Dfscan, here: Here, url: str, command: str) -> None:
    filled.environment["DFSCAN_BROKER_URL"] = url
    done = here(*command.split(), exit_status=(0, 1, 2))
    assert "HIDE" not in done.stdout + done.stderr
