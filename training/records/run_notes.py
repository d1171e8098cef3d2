"""The notes of a run in its folder: `run.json` for programs, README.md for people, `resolved-recipe.toml` to run it again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scanner.base.files import write_whole

from .environment import command_line, environment
from .readme import MARK, readme_text

NOTES, RECIPE, README, OTHER_README = "run.json", "resolved-recipe.toml", "README.md", "README.dfscan.md"


@dataclass(frozen=True)
class RunFacts:
    """What a run is. `pictures` counts by split and label; `epochs` is None for heads, which have none.

    `first` says of the first stage, where there is one, which `branches` it trains, and for how many `epochs`.
    """

    recipe: str
    seed: int
    manifest: str
    manifest_sha256: str
    pictures: Mapping[str, Mapping[str, int]]
    sources: tuple[str, ...]
    started_from: str
    device: str
    processes: int = 1
    epochs: int | None = None
    left_out: str = ""
    first: Mapping[str, Any] | None = None


@dataclass
class RunNotes:
    """Written when a run begins, after each epoch and at its end. A run that goes on keeps what was noted before.

    Nothing is written before the first of these: the folder may turn out to be another run's.
    """

    folder: Path
    facts: RunFacts
    recipe_toml: str
    document: dict[str, Any] = field(default_factory=dict)

    def begin(self) -> None:
        """Note what is run, by what and where, unless that is done. Raises OSError."""
        if self.document:
            return
        earlier = self._read()
        now = _now()
        start = {"at": now, "command": command_line(), "folder": str(Path.cwd()), "environment": environment()}
        self.document = {
            **asdict(self.facts),
            "starts": [*earlier.get("starts", []), start],
            "figures": earlier.get("figures", []),
            "first_figures": earlier.get("first_figures", []),
            "checkpoint": None,
            "updated": now,
        }
        write_whole(self.folder / RECIPE, self.recipe_toml)
        self._write()

    def epoch(self, number: int, figures: Mapping[str, float]) -> None:
        """Note the figures of epoch 0, 1, ...; those of later ones, of an earlier run, are forgotten."""
        self.begin()
        self.document["figures"] = [*self.document["figures"][:number], dict(figures)]
        self._write()

    def first_epoch(self, number: int, figures: Mapping[str, float]) -> None:
        """The same of the first stage; what was noted of the second one is forgotten."""
        self.begin()
        self.document["first_figures"] = [*self.document["first_figures"][:number], dict(figures)]
        self.document["figures"] = []
        self._write()

    def finish(self, checkpoint: Path) -> None:
        """Note that the run is done."""
        self.begin()
        self.document["checkpoint"] = checkpoint.name
        self._write()

    def _read(self) -> dict[str, Any]:
        """What was noted of the same recipe, data and seed; nothing where that cannot be read."""
        try:
            found = json.loads((self.folder / NOTES).read_bytes())
            same = all(found[name] == getattr(self.facts, name) for name in ("recipe", "seed", "manifest_sha256"))
            return dict(found) if same and isinstance(found["starts"], list) and isinstance(found["figures"], list) else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _write(self) -> None:
        self.document["updated"] = _now()
        write_whole(self.folder / NOTES, json.dumps(self.document, indent=1) + "\n")
        write_whole(own_readme(self.folder), readme_text(self.document, self.folder))


def finished_checkpoint(folder: Path) -> Path | None:
    """The checkpoint of a finished run, as its notes say; None where there is none."""
    try:
        named = json.loads((folder / NOTES).read_bytes()).get("checkpoint")
    except (OSError, ValueError, AttributeError):
        return None
    return folder / named if isinstance(named, str) and (folder / named).is_file() else None


def own_readme(folder: Path) -> Path:
    """The README that may be written in `folder`: another name where somebody's own is there."""
    path = folder / README
    try:
        return path if path.read_text(encoding="utf-8").startswith(MARK) else folder / OTHER_README
    except (OSError, UnicodeDecodeError):
        return folder / OTHER_README if path.exists() else path


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
