"""What the program itself remembers of the user's choices, in the data folder; flags, environment and config.toml go before."""

import json
import tomllib
from pathlib import Path
from typing import Any

from .access.private import own_text, private_folder
from .errors import KnownError
from .files import write_whole


class ChoiceNotKept(KnownError):
    """The data folder cannot be written to."""


def choices_file(data_dir: Path) -> Path:
    """A file of the form of config.toml."""
    return data_dir / "chosen.toml"


def choose_model(data_dir: Path, name: str) -> None:
    """Make the checkpoint `name` the one that scans. Raises ChoiceNotKept."""
    _keep(data_dir, {"model": name})


def choose_videos(data_dir: Path, wanted: bool) -> None:
    """Let videos be scanned, too, or not. Raises ChoiceNotKept."""
    _keep(data_dir, {"videos": wanted})


def chosen_model(data_dir: Path) -> str:
    """The checkpoint that was chosen; empty where none was, or the file cannot be read."""
    return str(_chosen(data_dir).get("model", ""))


def chosen_videos(data_dir: Path) -> bool | None:
    """Whether videos are to be scanned; None where no one has chosen, or the file cannot be read."""
    wanted = _chosen(data_dir).get("videos")
    return wanted if isinstance(wanted, bool) else None


def _keep(data_dir: Path, choice: dict[str, str | bool]) -> None:
    target = choices_file(data_dir)
    kept = {name: value for name, value in _chosen(data_dir).items() if isinstance(value, str | bool)}
    # What JSON writes of strings and booleans is TOML, too.
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in {**kept, **choice}.items())
    try:
        private_folder(data_dir)
        write_whole(target, f"# written by `dfscan model use` and the window\n{lines}")
    except OSError as error:
        raise ChoiceNotKept(f"{target} cannot be written: {error.strerror}; mend it, or set another data folder") from None


def _chosen(data_dir: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(own_text(choices_file(data_dir)))
    except (OSError, ValueError):
        return {}
