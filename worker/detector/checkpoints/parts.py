"""Where the parts of a combination are. Imports no torch."""

from collections.abc import Sequence
from pathlib import Path

from .card import CheckpointCard, CheckpointError, file_sha256, read_card
from .late_fusion import Part

_PATTERN = "*.safetensors"


def find_parts(path: Path, card: CheckpointCard, folders: Sequence[Path]) -> tuple[Path, ...]:
    """The checkpoints of the parts of the combination `path`, in their order; none of a model that is no combination.

    A part is the file with its sha256 in one of `folders`, whatever it is called now. Raises CheckpointError for one that is
    missing, and for one that is a combination itself.
    """
    return tuple(_found(path, part, folders) for part in (card.fusion.parts if card.fusion else ()))


def users_of(model: Path, folder: Path) -> list[str]:
    """The names of the combinations in `folder` that `model` is a part of."""
    sha256 = file_sha256(model)
    found = []
    for path in sorted(folder.glob(_PATTERN)):
        try:
            fusion = read_card(path).fusion
        except CheckpointError:
            continue
        if fusion and any(part.sha256 == sha256 for part in fusion.parts):
            found.append(path.stem)
    return found


def _found(path: Path, part: Part, folders: Sequence[Path]) -> Path:
    named = [folder / f"{part.name}.safetensors" for folder in folders]
    others = [other for folder in folders for other in sorted(folder.glob(_PATTERN))]
    for candidate in dict.fromkeys((*named, *others)):
        if candidate.is_file() and candidate != path and file_sha256(candidate) == part.sha256:
            if read_card(candidate).fusion:
                raise CheckpointError(f"{path} has a combination, {part.name!r}, among its parts; combine the models themselves")
            return candidate
    other = next((candidate for candidate in named if candidate.is_file()), None)
    what = f"the file of that name is another one ({other})" if other else "it is not here"
    raise CheckpointError(
        f"{path} is a combination, and needs the model {part.name!r} (sha256 {part.sha256}): {what}; import that again, "
        "or make the combination anew with `dfscan model combine`"
    )
