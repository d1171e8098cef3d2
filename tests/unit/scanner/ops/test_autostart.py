"""What the platforms' service programs are given to read."""

import plistlib
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scanner.ops.autostart import Job, environment_text, launchd_agent, scheduled_task, systemd_unit

SECRET = 'pass "word" \\ $HOME'


@pytest.fixture
def job(tmp_path: Path) -> Job:
    data_dir = tmp_path / "data 100%"
    data_dir.mkdir()
    python = shutil.which("python3") or "/usr/bin/python3"
    return Job([python, "-m", "scanner", "--data-dir", str(data_dir), "watch"], {"DFSCAN_DATABASE_URL": SECRET}, data_dir)


def test_the_unit_is_hardened_and_holds_no_secret(job: Job) -> None:
    unit = systemd_unit(job)
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=read-only", "Restart=on-failure", "UMask=0077"):
        assert line in unit.splitlines()
    assert f'ReadWritePaths="{str(job.data_dir).replace("%", "%%")}"' in unit
    assert "pass" not in unit


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_finds_nothing_wrong_with_the_unit(job: Job, tmp_path: Path) -> None:
    file = tmp_path / "dfscan.service"
    file.write_text(systemd_unit(job))
    done = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, timeout=120)
    assert [line for line in done.stderr.splitlines() if "dfscan.service" in line] == []
    file.write_text(systemd_unit(job).replace("NoNewPrivileges=yes", "NoNewPrivilegs=yes"))
    wrong = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, timeout=120)
    assert "NoNewPrivilegs" in wrong.stderr  # it does look


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_calls_the_unit_safe(job: Job, tmp_path: Path) -> None:
    """Its exposure is below 3 of 10; the rest is what a watch needs: the network, homes to read, graphics cards."""
    file = tmp_path / "dfscan.service"
    file.write_text(systemd_unit(job))
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=29", "--no-pager", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if "unrecognized option" in done.stderr:
        pytest.skip("systemd before 250 looks at running services only")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_unit_leaves_what_a_watch_and_its_decoders_need(job: Job) -> None:
    """Data written, watched folders read, graphics cards used, and decoders that may confine themselves."""
    unit = systemd_unit(job).splitlines()
    calls = " ".join(line for line in unit if line.startswith("SystemCallFilter=") and "~" not in line)
    assert {"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"} <= set(calls.split())
    assert "ProtectHome=read-only" in unit
    assert "DeviceAllow=char-nvidia* rw" in unit
    for breaks in ("PrivateNetwork=yes", "PrivateDevices=yes", "MemoryDenyWriteExecute=yes", "ProcSubset=pid", "ProtectHome=yes"):
        assert breaks not in unit


def test_the_environment_is_quoted(job: Job) -> None:
    assert environment_text(job) == 'DFSCAN_DATABASE_URL="pass \\"word\\" \\\\ $HOME"\n'


def test_the_agent_of_launchd(job: Job) -> None:
    agent = plistlib.loads(launchd_agent(job))
    assert agent["ProgramArguments"] == job.command
    assert agent["EnvironmentVariables"] == job.environment
    assert agent["KeepAlive"] == {"SuccessfulExit": False}


def test_the_task_is_xml_with_the_command(job: Job) -> None:
    task = ElementTree.fromstring(scheduled_task(job).partition("?>")[2])
    space = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    assert task.findtext(".//t:Command", namespaces=space) == job.command[0]
    assert task.findtext(".//t:Arguments", namespaces=space) == f'-m scanner --data-dir "{job.data_dir}" watch'
    assert task.findtext(".//t:ExecutionTimeLimit", namespaces=space) == "PT0S"
