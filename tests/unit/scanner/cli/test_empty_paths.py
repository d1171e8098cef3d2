"""No command takes an empty path for the working folder, whichever argument or option it is."""

from collections.abc import Iterator

import click
import pytest

from scanner.base.addresses.parameters import USER_FILE, USER_PATH
from scanner.base.errors import KnownError
from scanner.cli.main import cli


def commands(command: click.Command, above: click.Context, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for below in command.list_commands(above):
            found = command.get_command(above, below)
            assert found is not None
            yield from commands(found, above, f"{name} {below}")


def test_every_path_is_of_a_kind_that_refuses_it() -> None:
    kinds = {
        f"{name} {parameter.name}": parameter.type
        for name, command in commands(cli, click.Context(cli), "dfscan")
        for parameter in command.params
        if isinstance(parameter.type, click.Path | type(USER_PATH))
    }
    assert len(kinds) > 20
    assert {name for name, kind in kinds.items() if kind not in (USER_FILE, USER_PATH)} == set()


@pytest.mark.parametrize("kind", [USER_FILE, USER_PATH])
def test_they_refuse_it(kind: click.ParamType) -> None:
    with pytest.raises((KnownError, click.UsageError), match="empty path"):
        kind.convert("", None, None)
