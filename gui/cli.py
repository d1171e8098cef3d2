"""`dfscan gui`. Light to import: Qt comes in when it runs."""

import gc
import os
import sys

import click

from scanner.base.errors import KnownError
from scanner.base.settings import Settings, config_file, load_settings
from scanner.cli.context import pass_settings, utc_now


class NoDisplay(KnownError):
    """There is nothing to show a window on."""


@click.command()
@pass_settings
@click.pass_context
def gui(ctx: click.Context, settings: Settings) -> None:
    """The review queue: look at what was flagged, and decide."""
    if sys.platform.startswith("linux") and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))):
        raise NoDisplay("there is no display (DISPLAY and WAYLAND_DISPLAY are not set); run this in a desktop session")
    gc.disable()
    from .app import run

    gc.freeze()  # what the imports have made stays: nothing is looked for among it, now or later
    gc.enable()
    flags = ctx.meta["dfscan.flags"]

    def current() -> Settings:
        """The window and the command line share their choices: they are read whenever they count."""
        try:
            return load_settings(flags, os.environ, config_file())
        except KnownError:  # someone is writing it, or has written it wrong, since the start
            return settings

    sys.exit(run(settings, utc_now, current))
