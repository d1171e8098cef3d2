"""`dfscan service`."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from ..base.access.private import private_folder
from ..base.addresses.parameters import USER_PATH
from ..base.errors import KnownError
from ..base.files import write_whole
from ..base.logs import print_text
from ..base.settings import PREFIX, Settings, config_file, sourced_settings
from ..ops.autostart import LABEL, NAME, Job, environment_text, launchd_agent, scheduled_task, systemd_unit
from .context import opened_database, pass_settings


class ServiceFailed(KnownError):
    """The platform's service program says no."""


@click.group()
def service() -> None:
    """`dfscan watch` as a service that starts when you log on."""


@service.command()
@click.argument("paths", nargs=-1, type=USER_PATH)
@click.option("--no-start", is_flag=True, help="Only write the files.")
@click.pass_context
def install(ctx: click.Context, paths: tuple[str, ...], no_start: bool) -> None:
    """Write the service's files and start it; PATHS are remembered as watched folders."""
    from ..roots.roots import NoRoot, add_roots, known_roots

    settings: Settings = ctx.obj
    with opened_database(settings, begins=True) as database:
        add_roots(database, paths, database.now())
        if not known_roots(database):
            raise NoRoot("no folder is watched yet; name one: dfscan service install ~/Pictures")
    job = _job(ctx)
    private_folder(settings.data_dir / "logs")
    file = _service_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    if sys.platform == "darwin":
        _write_private(file, launchd_agent(job))
        commands = [["launchctl", "bootstrap", f"gui/{os.getuid()}", str(file)]]
    elif sys.platform == "win32":
        file.write_text(scheduled_task(job), "utf-16")
        commands = [["schtasks", "/Create", "/F", "/TN", NAME, "/XML", str(file)], ["schtasks", "/Run", "/TN", NAME]]
    else:
        _write_private(job.environment_file, environment_text(job).encode())
        write_whole(file, systemd_unit(job))
        commands = [["systemctl", "--user", "daemon-reload"], ["systemctl", "--user", "enable", "--now", f"{NAME}.service"]]
    print_text(f"written to {file}")
    if not no_start:
        _run(commands)
        print_text("started; `dfscan service status` shows how it does")


@service.command()
@pass_settings
def uninstall(settings: Settings) -> None:
    """Stop the service and remove its files; the database and all verdicts stay."""
    file = _service_file()
    if not file.exists():
        raise ServiceFailed(f"no service is installed ({file} does not exist); `dfscan service install` installs it")
    if sys.platform == "darwin":
        commands = [["launchctl", "bootout", f"gui/{os.getuid()}/{LABEL}"]]
    elif sys.platform == "win32":
        commands = [["schtasks", "/End", "/TN", NAME], ["schtasks", "/Delete", "/F", "/TN", NAME]]
    else:
        commands = [["systemctl", "--user", "disable", "--now", f"{NAME}.service"]]
    try:
        _run(commands)
    except ServiceFailed as error:
        print_text(f"dfscan: {error}; its files are removed all the same", err=True)
    file.unlink()
    (settings.data_dir / "service.env").unlink(missing_ok=True)
    print_text(f"removed {file}")


@service.command("status")
@pass_settings
def show_status(settings: Settings) -> None:
    """Whether the service is installed, and whether a watch runs on this database."""
    from ..jobs.lock import WATCH, current_holder

    file = _service_file()
    print_text(f"service  {'installed: ' + str(file) if file.exists() else 'not installed'}")
    with opened_database(settings) as database:
        holder = current_holder(database, WATCH, database.now())
    print_text(f"watch    process {holder.pid} on {holder.host}" if holder else "watch    not running")
    sys.exit(0 if holder else 1)


def _job(ctx: click.Context) -> Job:
    """The watch with every setting that this call got from flags or the environment: a service has neither."""
    from ..base.addresses.sqlite_urls import sqlite_path

    settings: Settings = ctx.obj
    items = sourced_settings(ctx.meta["dfscan.flags"], os.environ, config_file())
    environment = {"DFSCAN_DATA_DIR": str(settings.data_dir)}
    for item in items:
        if item.source == "flag" or item.source.startswith("environment"):
            environment[PREFIX + item.name.upper()] = ",".join(item.value) if isinstance(item.value, tuple) else str(item.value)
    command = [sys.executable, "-m", "scanner", "--data-dir", str(settings.data_dir), "watch", "--log-json"]
    database = sqlite_path(settings.url)
    elsewhere = [database.absolute().parent] if database and settings.data_dir not in database.absolute().parents else []
    return Job(command, environment, settings.data_dir, elsewhere)


def _service_file() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    if sys.platform == "win32":
        return config_file().with_name(f"{NAME}-task.xml")
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "systemd" / "user" / f"{NAME}.service"


def _write_private(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(content)


def _run(commands: Sequence[Sequence[str]]) -> None:
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ServiceFailed(f"{command[0]} cannot be run: {error}. Start it by hand: {' '.join(command)}") from None
        if done.returncode:
            said = " ".join((done.stderr or done.stdout).split())
            raise ServiceFailed(f"`{' '.join(command)}` ended with {done.returncode}: {said}. Mend that, then run it by hand")
