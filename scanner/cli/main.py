"""The `dfscan` command. Subcommands are imported only when they are called; the leaves' come in through entry points."""

import errno
import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..base.access.private import demand_own, keep_files_private
from ..base.addresses.parameters import USER_FILE
from ..base.addresses.socket_folder import keep_sockets_short
from ..base.errors import KnownError
from ..base.escape import printable
from ..base.logs import print_text
from ..base.settings import config_file, load_settings, unknown_variables

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

EXIT_ERROR = 2
# As of a program that the signal ended: 128 and its number, SIGINT or SIGPIPE.
EXIT_INTERRUPTED, EXIT_CLOSED_PIPE = 130, 141
# EX_SOFTWARE of sysexits.h: a bug. Never 1, which means that something was flagged.
EXIT_BUG = 70
# What the machine has none left of, whatever it is for.
_SHORTAGES = {errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN}
# What else it lacks, whichever call met it: space, the right to write, a disk that works.
_TROUBLES = _SHORTAGES | {
    getattr(errno, name, None) for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "EIO", "ESTALE", "ENXIO")
}

_CORE = {
    "scan": "scanner.cli.scan:scan",
    "watch": "scanner.cli.watch:watch",
    "report": "scanner.cli.report:report",
    "verify": "scanner.cli.verify:verify",
    "verify-report": "scanner.cli.verify:verify_report",
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
    "imagehash": "worker",
    "safetensors": "worker",
    "timm": "worker",
    "torchvision": "worker",
    "open_clip": "worker",
    "sklearn": "train",
    "pyarrow": "train",
    "PySide6": "gui",
    "psycopg": "postgres",
    "redis": "redis",
}


class _ClosedPipe(Exception):
    """Whoever read our output reads no more. (Of the error itself click would make the exit status 1.)"""


class _Commands(click.Group):
    """Finds commands by name, without importing the others."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except BrokenPipeError:
            raise _ClosedPipe from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ClosedPipe from None

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
@click.option("--data-dir", type=USER_FILE, help="Where everything that dfscan writes is kept.")
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
    for line in unknown_variables(os.environ):
        print_text(f"dfscan: {printable(line)}", err=True)
    ctx.obj = load_settings(flags, os.environ, config_file())
    demand_own(ctx.obj.data_dir)


def main() -> None:
    """Run the command and leave with its exit status."""
    # Imports make many objects that stay; collecting among them would cost a tenth of a short command's time.
    gc.set_threshold(50_000, 20, 100)
    _take_names_as_bytes()
    keep_files_private()
    keep_sockets_short()
    _print_any_name()
    try:
        status = _run()
        if sys.stdout is not None:
            sys.stdout.flush()
    except (_ClosedPipe, BrokenPipeError):
        status = EXIT_CLOSED_PIPE
        _forget_output()
    except OSError as error:  # of standard output
        status = _complain(_trouble(error))
        _forget_output()
    sys.exit(status)


def _take_names_as_bytes() -> None:
    """File names are bytes, and the database holds them as UTF-8 where they are that. Under a locale of another encoding Python
    would read other letters from the same bytes, so that one scan renames all: begin anew in Python's UTF-8 mode (PEP 540).

    What is printed stays in the encoding of the terminal.
    """
    if os.name == "nt" or sys.getfilesystemencoding() == "utf-8" or "utf8" in sys._xoptions or sys.stdout is None:
        return
    os.environ["PYTHONUTF8"] = "1"  # for the processes that we start
    os.environ.setdefault("PYTHONIOENCODING", f"{sys.stdout.encoding}:backslashreplace")
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606  (this very program)


def _run() -> int:
    """The exit status of the command; what nobody foresaw is a bug, told with its traceback."""
    try:
        return int(cli.main(standalone_mode=False) or 0)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else EXIT_ERROR if leaving.code else 0
    except KnownError as error:
        return _complain(str(error))
    except click.ClickException as error:
        _show(error)
        return EXIT_ERROR
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except MemoryError:
        return _complain("there is not enough memory; end other programs, or scan less at once")
    except ModuleNotFoundError as error:
        extra = _EXTRA_OF.get((error.name or "").partition(".")[0])
        if extra is None:
            return _tell_bug()
        return _complain(f"this needs {error.name}, which is not installed: pip install 'dfscan[{extra}]'")
    except OSError as error:
        if error.errno in _TROUBLES:
            return _complain(_trouble(error))
        return _tell_bug()
    except RuntimeError as error:
        if "home directory" in str(error):  # of pathlib and platformdirs
            return _complain("this user has no home folder: set HOME, or DFSCAN_DATA_DIR to a folder for what dfscan writes")
        return _tell_bug()
    except _ClosedPipe:
        raise
    except Exception:
        return _tell_bug()


def _show(error: click.ClickException) -> None:
    """What click says of wrong usage quotes the arguments, which a shell's * may have made."""
    told = StringIO()
    error.show(told)
    print_text(told.getvalue().rstrip("\n"), err=True)


def _trouble(error: OSError) -> str:
    if isinstance(error.filename, str | bytes):
        where = printable(os.fsdecode(error.filename))
    elif error.errno in _SHORTAGES:
        return f"{error.strerror}: end other programs, then try again"
    else:
        where = "standard output or a file"
    return f"{where} cannot be used: {error.strerror}; mend that, then try again"


def _complain(message: str) -> int:
    if "--debug" in sys.argv:
        _tell_bug()
    from ..base.logs import say_error

    say_error(message)
    return EXIT_ERROR


def _tell_bug() -> int:
    kind, error, trace = sys.exc_info()
    assert kind is not None  # called from an except block only
    assert error is not None
    if sys.excepthook is sys.__excepthook__:
        from traceback import format_exception

        from ..base.addresses.redaction import without_passwords

        print_text(without_passwords("".join(format_exception(kind, error, trace))).rstrip("\n"), err=True)
    else:  # JSON lines are asked for
        sys.excepthook(kind, error, trace)
    return EXIT_BUG


def _forget_output() -> None:
    """What is left in the buffer cannot be written; Python would try again on its way out, and end with a status of its own."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_any_name() -> None:
    """File names may hold bytes that no terminal encoding has; they are printed escaped, never a reason to stop."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
