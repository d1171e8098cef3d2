"""`dfscan config`."""

import json
import os

import click

from ..base.addresses.redaction import without_password
from ..base.logs import print_text
from ..base.settings import Sourced, config_file, sourced_settings


@click.group()
def config() -> None:
    """The settings in force."""


@config.command()
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def show(ctx: click.Context, as_json: bool) -> None:
    """Show every setting, its value, and where that comes from. Passwords are hidden."""
    items = sourced_settings(ctx.meta["dfscan.flags"], os.environ, config_file())
    if as_json:
        click.echo(json.dumps({item.name: {"value": _plain(item), "source": item.source} for item in items}, indent=2))
        return
    for item in items:
        print_text(f"{item.name:20} {_plain(item)!s:40} {item.source}")


@config.command()
def path() -> None:
    """Show where config.toml is looked for."""
    print_text(str(config_file()))


def _plain(item: Sourced) -> object:
    if isinstance(item.value, tuple):
        return ", ".join(item.value)
    if item.name.endswith("_password"):
        return "***" if item.value else ""
    if item.name.endswith("_url"):
        return without_password(item.value)
    return item.value if isinstance(item.value, int | float) else str(item.value)
