"""What the commands are given. Not the core's `context`: that one opens the database, which training knows nothing of."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from scanner.base.access.private import user_umask
from scanner.base.settings import Settings


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
