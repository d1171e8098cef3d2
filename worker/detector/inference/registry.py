"""Where checkpoints are: the bundled ones, and those imported into the data folder. None is ever overwritten."""

import re
import shutil
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scanner.base.access.private import private_folder
from scanner.base.files import written_whole

from ..checkpoints.card import CheckpointCard, CheckpointError, file_sha256, read_card
from ..checkpoints.parts import find_parts, users_of
from ..weights.public_weights import BackboneMissing, weights_with_hash
from .device import ChosenDevice

if TYPE_CHECKING:
    from ..model.network import FusionDetector
    from ..weights.public_weights import BackboneFiles

_SUFFIX = ".safetensors"
# The bundled checkpoints, the best first; the last needs no public weights.
PREFERRED = ("fusion", "lite")
_NAME = re.compile(r"[\w][\w.+-]{0,98}")


@dataclass(frozen=True)
class Available:
    """A checkpoint at hand, and what it says of itself; for one that cannot be read the `problem` instead."""

    name: str
    path: Path
    bundled: bool
    card: CheckpointCard | None
    problem: str | None = None


def models_folder(data_dir: Path) -> Path:
    """The folder of the user's own checkpoints."""
    return data_dir / "models"


def bundled_folder() -> Path:
    """The folder of the checkpoints that come with the program."""
    return Path(__file__).parent.parent / "bundled"


def find_checkpoint(wanted: str, data_dir: Path) -> Path:
    """The file of a checkpoint named by name or by path. Raises CheckpointError."""
    if wanted.endswith(_SUFFIX) or "/" in wanted:
        path = Path(wanted).expanduser()
        if not path.is_file():
            raise CheckpointError(f"{path} does not exist; `dfscan model list` shows the checkpoints at hand")
        return path
    for folder in (models_folder(data_dir), bundled_folder()):
        path = folder / (wanted + _SUFFIX)
        if path.is_file():
            return path
    raise CheckpointError(f"there is no checkpoint named {wanted!r}; `dfscan model list` shows those at hand")


def parts_of(path: Path, card: CheckpointCard) -> tuple[Path, ...]:
    """The checkpoints of the parts of the combination `path`: beside it, or bundled. None of another model.

    Raises CheckpointError for one that is missing.
    """
    return find_parts(path, card, (path.parent, bundled_folder()))


@dataclass(frozen=True)
class Choice:
    """The checkpoint that scans, and what a person should know of how it was chosen."""

    path: Path
    notice: str | None = None


def choose_checkpoint(wanted: str, data_dir: Path, files: "BackboneFiles") -> Choice:
    """The checkpoint named `wanted`; where nobody named one, the best bundled one whose public weights are on this machine.

    Raises CheckpointError for one that was named and is not there, and BackboneMissing where its public weights are not: what was
    exported of it earlier is not used without them.
    """
    if wanted:
        path = find_checkpoint(wanted, data_dir)
        card = read_card(path)
        for each in (card, *map(read_card, parts_of(path, card))):
            if missing := _lacking(each, files, of_others=False):
                raise BackboneMissing(f"{path.stem} needs {missing}")
        return Choice(path)
    notice = None
    for name in PREFERRED:
        path = bundled_folder() / (name + _SUFFIX)
        lacking = path.is_file() and _lacking(read_card(path), files)
        if path.is_file() and not lacking:
            return Choice(path, notice and f"scanning with `{name}`: {notice}")
        if lacking:
            notice = f"`{name}` sees more, but needs {lacking}"
    raise CheckpointError("no bundled checkpoint can run here; name one of `dfscan model list` with DFSCAN_MODEL")


def _lacking(card: CheckpointCard, files: "BackboneFiles", *, of_others: bool = True) -> str | None:
    """What public weights a checkpoint needs that are not here, and what brings them; None when it has all.

    Weights that this version does not know count only `of_others`: a user's own file is found when the network is loaded.
    """
    for sha256 in card.backbones.values():
        weights = weights_with_hash(sha256)
        if weights is None:
            if of_others:
                return f"public weights with the sha256 {sha256}, which this version does not know"
            continue
        path = files.find(weights)
        if path is None or not path.is_file():
            return f"{weights.what}; `dfscan model fetch {weights.name}` brings it"
        if file_sha256(path) != sha256:
            return f"{weights.what}, and {path} is another file; `dfscan model fetch {weights.name}` brings the right one"
    return None


def available_checkpoints(data_dir: Path) -> list[Available]:
    """All checkpoints by name; an imported one hides a bundled one of the same name."""
    found: dict[str, Available] = {}
    for folder, bundled in ((models_folder(data_dir), False), (bundled_folder(), True)):
        for path in sorted(folder.glob(f"*{_SUFFIX}")):
            if path.stem not in found:
                found[path.stem] = _available(path, bundled)
    return sorted(found.values(), key=lambda checkpoint: checkpoint.name)


def _available(path: Path, bundled: bool) -> Available:
    try:
        card = read_card(path)
        parts_of(path, card)
        return Available(path.stem, path, bundled, card)
    except CheckpointError as error:
        return Available(path.stem, path, bundled, None, str(error))


def import_checkpoint(source: Path, data_dir: Path, *, name: str, sha256: str | None, files: "BackboneFiles") -> Path:
    """Copy the checkpoint `source` into the data folder as `name`, after it was loaded for a trial; returns the copy's path.

    `sha256` (hex) is what its publisher says that the file's is. Raises CheckpointError when it cannot be trusted or run, or
    when the name is taken by another file, and BackboneMissing.
    """
    if not source.is_file():
        raise CheckpointError(f"{source} does not exist; name the checkpoint's file")
    found = file_sha256(source)
    if sha256 is not None and found != sha256.strip().lower():
        raise CheckpointError(
            f"{source} has the sha256 {found}, not {sha256}: another file, or damaged on its way; fetch it again"
        )
    from ..checkpoints.checkpoint import load_checkpoint

    target = new_path(name, data_dir, unless_sha256=found)
    if (card := read_card(source)).fusion:
        find_parts(source, card, (models_folder(data_dir), bundled_folder()))
    else:
        _try_out(source, *load_checkpoint(source, files))
    if not target.exists():
        with written_whole(target) as partial:
            shutil.copyfile(source, partial)
    return target


def remove_checkpoint(name: str, data_dir: Path, *, active: Path | None) -> Path:
    """Delete the user's own checkpoint `name`; returns where it was.

    Raises CheckpointError for one that is bundled, that scans (`active`) or that is a part of a combination.
    """
    path = models_folder(data_dir) / (name + _SUFFIX)
    if not _NAME.fullmatch(name) or not path.is_file():
        if (bundled_folder() / path.name).is_file():
            raise CheckpointError(f"{name!r} comes with the program, and is not removed")
        raise CheckpointError(f"there is no checkpoint named {name!r} in {path.parent}; `dfscan model list` shows those at hand")
    if path == active:
        raise CheckpointError(f"{name!r} scans now; choose another with `dfscan model use` (or DFSCAN_MODEL), then remove it")
    if users := users_of(path, path.parent):
        raise CheckpointError(
            f"{name!r} is a part of {', '.join(map(repr, users))}, which cannot scan without it: remove that first"
        )
    path.unlink()
    return path


def _try_out(source: Path, detector: "FusionDetector", card: CheckpointCard) -> None:
    from .predictor import Predictor

    size = card.recipe.preprocessing.size
    predictor = Predictor(detector, card, ChosenDevice("cpu", "a trial"), 1)
    try:
        answers_K = predictor.answers(np.full((1, size, size, 3), 127, np.uint8))[0]
    except RuntimeError as error:  # an input size that a branch cannot take, for one
        raise CheckpointError(f"{source} cannot score a picture: {error}; train or fetch it anew") from None
    if not np.isfinite(answers_K).all():
        raise CheckpointError(f"{source} gives no score on a grey picture: its weights are broken; train or fetch it anew")


def new_name(base: str, data_dir: Path) -> str:
    """`base`, or where a checkpoint has that name `base-2`, `base-3`, ..."""
    names = (base if number == 1 else f"{base}-{number}" for number in count(1))
    folders = (models_folder(data_dir), bundled_folder())
    return next(name for name in names if not any((folder / (name + _SUFFIX)).exists() for folder in folders))


def new_path(name: str, data_dir: Path, *, unless_sha256: str | None = None) -> Path:
    """Where a new checkpoint called `name` goes. Raises CheckpointError when the name is taken (by another file than
    `unless_sha256`) or cannot be a file's name."""
    if not _NAME.fullmatch(name):
        raise CheckpointError(f"{name!r} cannot be a checkpoint's name; use letters, digits and . _ + - (at most 99)")
    target = models_folder(data_dir) / (name + _SUFFIX)
    if (bundled_folder() / target.name).exists():
        raise CheckpointError(f"{name!r} is the name of a bundled checkpoint; choose another with --name")
    if target.exists() and file_sha256(target) != unless_sha256:
        raise CheckpointError(f"there is another checkpoint named {name!r} ({target}); choose another name with --name")
    try:
        private_folder(data_dir)
        private_folder(target.parent)
    except OSError as error:
        raise CheckpointError(f"{target.parent} cannot be made: {error.strerror}; mend it, or set another data folder") from None
    return target
