"""The `dfscan` command. Subcommands are imported only when they are called; the leaves' come in through entry points."""

import gc
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..base.errors import KnownError
from ..base.settings import config_file, load_settings

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130

_CORE = {
    "scan": "scanner.cli.scan:scan",
    "watch": "scanner.cli.watch:watch",
    "report": "scanner.cli.report:report",
    "verify": "scanner.cli.verify:verify",
    "doctor": "scanner.cli.doctor:doctor",
    "service": "scanner.cli.service:service",
    "status": "scanner.cli.status:status",
    "retry": "scanner.cli.retry:retry",
    "rescan": "scanner.cli.rescan:rescan",
    "db": "scanner.cli.db:db",
    "config": "scanner.cli.config:config",
}

# The extra that brings a package, for the message when it is missing.
_EXTRA_OF = {
    "torch": "worker",
    "numpy": "worker",
    "pebble": "worker",
    "safetensors": "worker",
    "timm": "worker",
    "torchvision": "worker",
    "open_clip": "worker",
    "sklearn": "train",
    "PySide6": "gui",
    "psycopg": "postgres",
    "redis": "redis",
}


class _Commands(click.Group):
    """Finds commands by name, without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_CORE, *(point.name for point in _leaf_commands())})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _CORE:
            module, _, name = _CORE[cmd_name].partition(":")
            command: click.Command = getattr(import_module(module), name)
            return command
        if cmd_name not in (leaves := _leaf_commands()).names:
            return None
        found: click.Command = leaves[cmd_name].load()
        return found


def _leaf_commands() -> "EntryPoints":
    from importlib.metadata import entry_points  # reads every installed package; the core's own commands do without

    return entry_points(group="dfscan.commands")


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dfscan")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where everything that dfscan writes is kept.")
@click.option("--database-url", help="sqlite:///FILE or postgresql://...")
@click.option("--broker-url", help="redis://...; the embedded broker without it.")
@click.option("--model", help="The checkpoint: a name from `dfscan model list`, or a file.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(
    ctx: click.Context, data_dir: Path | None, database_url: str | None, broker_url: str | None, model: str | None, debug: bool
) -> None:
    """Score images for being deepfakes, and keep every verdict.

    \b
    dfscan scan ~/Pictures              score a folder now
    dfscan watch ~/Pictures             score every new image from now on
    dfscan report --since yesterday     what was found
    """
    flags = {"data_dir": data_dir, "database_url": database_url, "broker_url": broker_url, "model": model}
    ctx.meta["dfscan.flags"] = flags
    ctx.obj = load_settings(flags, os.environ, config_file())


def main() -> None:
    """Run the command and leave with its exit status."""
    # Imports make many objects that stay; collecting among them would cost a tenth of a short command's time.
    gc.set_threshold(50_000, 20, 100)
    _print_any_name()
    try:
        sys.exit(cli.main(standalone_mode=False))
    except KnownError as error:
        _complain(str(error))
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_ERROR)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(EXIT_INTERRUPTED)
    except ModuleNotFoundError as error:
        extra = _EXTRA_OF.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        _complain(f"this needs {error.name}, which is not installed: pip install 'dfscan[{extra}]'")


def _complain(message: str) -> None:
    if "--debug" in sys.argv:
        raise  # noqa: PLE0704  (called from an except block only)
    from ..base.logs import say_error

    say_error(message)
    sys.exit(EXIT_ERROR)


def _print_any_name() -> None:
    """File names may hold bytes that no terminal encoding has; they are printed escaped, never a reason to stop."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
