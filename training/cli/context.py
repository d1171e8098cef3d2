"""What the commands are given. Not the core's `context`: that one opens the database, which training knows nothing of."""

import click

from scanner.base.settings import Settings

pass_settings = click.make_pass_decorator(Settings)
