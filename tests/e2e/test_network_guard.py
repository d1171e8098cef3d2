"""The guard around the test run refuses what it must, and lets through what it must."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from guard import network


def attempt(environment: dict[str, str], address: tuple[str, int]) -> str:
    """What a process of the program says to an attempt to connect."""
    script = f"import socket; socket.create_connection({address!r}, 2)"
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60).stderr


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The run's own, with a log apart."""
    return {**os.environ, network.LOG: str(tmp_path / "refused")}


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.invalid", 443), ("127.0.0.1", 9)])
def test_foreign_connections_are_refused(environment: dict[str, str], tmp_path: Path, address: tuple[str, int]) -> None:
    """Foreign connections are refused and written down."""
    assert "a test run may not connect" in attempt(environment, address)
    assert str(address[0]) in (tmp_path / "refused").read_text()


def test_the_configured_broker_is_not(environment: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert attempt({**environment, "DFSCAN_BROKER_URL": f"redis://:secret@127.0.0.1:{port}/0"}, ("127.0.0.1", port)) == ""
    assert not (tmp_path / "refused").exists()
