"""What the program itself remembers of the user's choices, in the data folder; flags, environment and config.toml go before."""

import json
import tomllib
from pathlib import Path

from .errors import KnownError
from .files import write_whole


class ChoiceNotKept(KnownError):
    """The data folder cannot be written to."""


def choices_file(data_dir: Path) -> Path:
    """A file of the form of config.toml."""
    return data_dir / "chosen.toml"


def choose_model(data_dir: Path, name: str) -> None:
    """Make the checkpoint `name` the one that scans. Raises ChoiceNotKept."""
    target = choices_file(data_dir)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        # A JSON string is a TOML string too.
        write_whole(target, f"# written by `dfscan model use`\nmodel = {json.dumps(name)}\n")
    except OSError as error:
        raise ChoiceNotKept(f"{target} cannot be written: {error.strerror}; mend it, or set another data folder") from None


def chosen_model(data_dir: Path) -> str:
    """The checkpoint that was chosen; empty where none was, or the file cannot be read."""
    try:
        return str(tomllib.loads(choices_file(data_dir).read_text("utf-8-sig")).get("model", ""))
    except (OSError, ValueError):
        return ""
