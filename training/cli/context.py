"""What the commands are given. Not the core's `context`: that one opens the database, which training knows nothing of."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from scanner.base.access.private import user_umask
from scanner.base.settings import Settings


class Share(click.ParamType[float]):
    """`1%` or `0.01`."""

    name = "share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Raises BadParameter for anything else."""
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0 < share < 1:
            self.fail(f"{value!r} is no share; write 1% or 0.01", param, ctx)
        return share


def write_as_user() -> None:
    """Let what is written be as open as the user's umask says: data sets and runs are the user's own files, and shared."""
    os.umask(user_umask())


def pass_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` the settings, and the user's own umask."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        write_as_user()
        return command(*args, **kwargs)

    return click.make_pass_decorator(Settings)(run)
