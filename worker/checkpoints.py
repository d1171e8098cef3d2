"""Where checkpoints are: the bundled ones, and those imported into the data folder."""

from dataclasses import dataclass
from pathlib import Path

from .detector.checkpoint import CheckpointCard, CheckpointError, read_card

_SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Available:
    """A checkpoint at hand, and what it says of itself."""

    name: str
    path: Path
    bundled: bool
    card: CheckpointCard


def bundled_folder() -> Path:
    """The checkpoints that come with the program."""
    return Path(__file__).parent / "detector" / "bundled"


def find_checkpoint(wanted: str, data_dir: Path) -> Path:
    """The file of a checkpoint named by name or by path. Raises CheckpointError."""
    if wanted.endswith(_SUFFIX) or "/" in wanted:
        path = Path(wanted).expanduser()
        if not path.is_file():
            raise CheckpointError(f"{path} does not exist; `dfscan model list` shows the checkpoints at hand")
        return path
    for folder in (data_dir / "models", bundled_folder()):
        path = folder / (wanted + _SUFFIX)
        if path.is_file():
            return path
    raise CheckpointError(f"there is no checkpoint named {wanted!r}; `dfscan model list` shows those at hand")


def available_checkpoints(data_dir: Path) -> list[Available]:
    """All readable checkpoints by name; an imported one hides a bundled one of the same name."""
    found: dict[str, Available] = {}
    for folder, bundled in ((data_dir / "models", False), (bundled_folder(), True)):
        for path in sorted(folder.glob(f"*{_SUFFIX}")):
            if path.stem not in found:
                found[path.stem] = Available(path.stem, path, bundled, read_card(path))
    return sorted(found.values(), key=lambda checkpoint: checkpoint.name)
