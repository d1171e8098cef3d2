"""Paths as arguments and options of commands; the same for every command."""

import os
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from .spelling import as_spelled
from .user_paths import EMPTY, user_path


class _UserPath(click.ParamType[str]):
    """A path as a person writes it, made what the database holds."""

    name = "path"

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> str:
        return as_spelled(user_path(value))

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type="file")]


class _UserFile(click.Path):
    """A path as it is written; an empty one is none: a variable of a shell that is not set would name the working folder."""

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not os.fspath(value):
            self.fail(EMPTY, param, ctx)
        return super().convert(value, param, ctx)


USER_PATH = _UserPath()
USER_FILE = _UserFile(path_type=Path)
