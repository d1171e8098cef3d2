"""`dfscan doctor`, `dfscan service`, one watch per database, and the Compose file."""

import json
import os
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]


def test_doctor(laptop, tmp_path: Path) -> None:
    """Doctor tries this machine and says what is wrong and what mends it."""
    well = json.loads(laptop.run("doctor", "--json", "--selftest", timeout=900).stdout)
    assert {trial["name"]: trial["detail"] for trial in well["trials"] if not trial["passed"]} == {}
    assert len(well["trials"]) == 6
    names = {finding["name"] for finding in well["findings"]}
    assert {"python", "data folder", "disk space", "database", "broker", "model", "device", "decoders", "faces", "watch"} <= names
    assert {finding["health"] for finding in well["findings"]} <= {"good", "poor"}

    laptop.environment |= {
        "DFSCAN_BROKER_URL": "redis://:secret@127.0.0.1:1/0",
        "DFSCAN_MODEL": "unknown",
        "DFSCAN_DEVICE": "cuda:7",
    }
    ill = laptop.run("doctor", exit_status=1)
    for words in ("cannot be reached", "no checkpoint named 'unknown'", "'cuda:7' is not available", "DFSCAN_BROKER_URL"):
        assert words in ill.stdout
    assert "secret" not in ill.stdout + ill.stderr
    assert "Traceback" not in ill.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="writes for systemd")
def test_the_service_is_written_and_removed(laptop, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    assert "name one" in laptop.run("service", "install", exit_status=2).stderr
    laptop.environment["DFSCAN_BROKER_URL"] = "redis://:secret@127.0.0.1:1/0"
    laptop.run("service", "install", "--no-start", tmp_path / "pictures")
    unit = tmp_path / "config" / "systemd" / "user" / "dfscan.service"
    assert "secret" not in unit.read_text()
    assert f'ReadWritePaths="{laptop.data_dir}"' in unit.read_text().splitlines()
    environment = laptop.data_dir / "service.env"
    assert 'DFSCAN_BROKER_URL="redis://:secret@127.0.0.1:1/0"' in environment.read_text()
    assert stat.S_IMODE(environment.stat().st_mode) == 0o600
    shown = laptop.run("service", "status", exit_status=1).stdout
    assert f"installed: {unit}" in shown
    assert "not running" in shown
    elsewhere = f"sqlite:///{tmp_path / 'database' / 'x.sqlite'}"
    laptop.run("--database-url", elsewhere, "service", "install", "--no-start", tmp_path / "pictures")
    assert f'ReadWritePaths="{laptop.data_dir}" "{tmp_path / "database"}"' in unit.read_text().splitlines()
    laptop.run("service", "uninstall")
    assert not unit.exists()
    assert not environment.exists()
    assert "no service is installed" in laptop.run("service", "uninstall", exit_status=2).stderr


def test_one_watch_per_database(laptop, tmp_path: Path, wait_until, free_port: int) -> None:
    """One watch per database with metrics and json logs."""
    folder = tmp_path / "watched"
    folder.mkdir()
    laptop.run("db", "upgrade")
    address = f"127.0.0.1:{free_port}"
    watch = laptop.start("watch", "--no-worker", "--log-json", "--metrics", address, folder)
    wait_until(lambda: "not running" not in laptop.run("status").stdout, 120, "the lock")
    refused = laptop.run("watch", "--no-worker", folder, exit_status=2)
    assert f"process {watch.pid} on" in refused.stderr
    refused = laptop.run("watch", "--no-worker", "--log-json", folder, exit_status=2)
    assert json.loads(refused.stderr)["level"] == "error"
    assert f"process {watch.pid} on" in json.loads(refused.stderr)["message"]
    wait_until(lambda: _health(address) == "ok\n", 60, "a healthy service")

    os.kill(watch.pid, 9)
    watch.wait()
    assert "watch    not running" in laptop.run("status").stdout
    second = laptop.start("watch", "--no-worker", "--log-json", folder)
    (folder / "a.jpg").write_bytes(b"x")
    wait_until(lambda: laptop.states() == {"a.jpg": "pending"}, 120, "the file")
    second.terminate()
    assert second.wait(60) == 0
    lines = [json.loads(line) for line in (tmp_path / "started-1.log").read_text().splitlines()]  # each, without exception
    assert any(line["message"].startswith("1 found by") for line in lines)
    assert (lines[0]["message"], lines[-1]["message"]) == (f"watching {folder}", "stopped")


def test_the_compose_file_fits_the_schema() -> None:
    """The schema is the Compose specification's own, as check-jsonschema brings it along."""
    check = Path(sys.executable).with_name("check-jsonschema")
    subprocess.run([check, "--builtin-schema", "vendor.compose-spec", HOME / "compose.yaml"], check=True, capture_output=True)


def _health(address: str) -> str:
    try:
        with urllib.request.urlopen(f"http://{address}/healthz", timeout=10) as answer:
            return str(answer.read().decode())
    except OSError as error:
        return str(error)
