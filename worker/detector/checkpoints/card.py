"""What a checkpoint says of itself, read from its header alone. Imports no torch.

A checkpoint is a safetensors file with one JSON document in the header, and no pickle. The document pins everything a score
depends on: recipe, preprocessing, calibration, threshold and band; and what is known about it: training record and metrics.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from safetensors import SafetensorError, safe_open

from scanner.base.errors import KnownError
from scanner.domain.states import Basis

from ..faces.face_crops import FaceInputs
from ..image.preprocess import Preprocessing
from ..model.recipes import CLIP_BLOCKS, BranchName, ClipName, Fusion, Recipe

FORMAT = 2
HEADER = "dfscan"


class CheckpointError(KnownError):
    """A file that is no checkpoint of ours, or not one that this version can run."""


@dataclass(frozen=True)
class Calibration:
    """Platt scaling (Platt 1999): score = sigmoid(slope * logit + offset)."""

    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Combination:
    """From what the two heads say of a picture to its calibrated logit: faces * F + whole * W + offset.

    F is the logit of its faces together, W that of the picture as a whole.
    """

    faces: float
    whole: float
    offset: float


@dataclass(frozen=True)
class CheckpointCard:
    """What a checkpoint says of itself.

    A score >= `threshold` is labelled fake; a score in the band [`band_low`, `threshold`) is uncertain; below it is real.
    `whole_images` says that it was trained and measured on whole images as well as on crops of faces: only then is a picture
    without a face flagged. `backbones` maps branches whose weights are not in the file to the sha256 of the public file that they
    need. `face_inputs` says how it is shown faces. A network with a head for whole pictures has `combinations`, one for each
    basis that a score can have (see `Basis`); `calibration` is then that of a single face.
    """

    name: str
    recipe: Recipe
    calibration: Calibration
    threshold: float
    band_low: float
    created_at: str
    whole_images: bool = False
    face_inputs: FaceInputs = field(default_factory=FaceInputs)
    combinations: Mapping[str, Combination] = field(default_factory=dict)
    backbones: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def read_card(path: Path) -> CheckpointCard:
    """Read only the header of `path`. Raises CheckpointError."""
    return read_header(path)[0]


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def read_header(path: Path) -> tuple[CheckpointCard, str]:
    """The card, and the sha256 that the tensors had when they were written."""
    try:
        with safe_open(path, framework="np") as opened:
            header = opened.metadata() or {}
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist; `dfscan model list` shows the checkpoints at hand") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is no safetensors file ({error}); only dfscan's own checkpoints can be used") from None
    try:
        document = json.loads(header[HEADER])
        if (written := document.pop("format")) != FORMAT:
            raise CheckpointError(
                f"{path} was written by another version of dfscan (format {written}, this one reads {FORMAT}); "
                "use the version that wrote it, or train or fetch it anew"
            )
        tensors_sha256 = str(document.pop("tensors_sha256"))
        return _card_from(document), tensors_sha256
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} carries no readable description of dfscan ({error!r}): not one of its checkpoints"
        ) from None


def _card_from(document: dict[str, Any]) -> CheckpointCard:
    recipe = _recipe_from(document.pop("recipe"))
    card = CheckpointCard(
        recipe=recipe,
        calibration=Calibration(**document.pop("calibration")),
        face_inputs=_face_inputs_from(document.pop("face_inputs", None)),
        combinations={basis: Combination(**own) for basis, own in document.pop("combinations", {}).items()},
        **document,
    )
    numbers = [card.calibration.slope, card.calibration.offset, card.band_low, card.threshold]
    for combination in card.combinations.values():
        numbers += [combination.faces, combination.whole, combination.offset]
    known = set(card.combinations) <= set(Basis)
    if not known or not all(map(math.isfinite, numbers)) or not 0 <= card.band_low <= card.threshold:
        raise ValueError("a calibration or cuts that are none")
    return card


def _face_inputs_from(document: dict[str, Any] | None) -> FaceInputs:
    """Older cards say nothing of it."""
    if document is None:
        return FaceInputs()
    framings = tuple((float(margin), bool(is_mirrored)) for margin, is_mirrored in document["framings"])
    if not framings or not all(0.5 <= margin <= 10 for margin, _ in framings) or int(document["most"]) < 1:
        raise ValueError("framings of faces that cannot be cut")
    return FaceInputs(framings, int(document["most"]), bool(document["beside"]))


def _recipe_from(document: dict[str, Any]) -> Recipe:
    """Raises ValueError for what this version cannot build. Older cards lack the fields that came later."""
    branches, hidden = tuple(document.pop("branches")), tuple(document.pop("hidden"))
    whole, blocks = tuple(document.pop("whole", ())), tuple(document.pop("clip_blocks", ()))
    inputs = {name: _preprocessing_from(own) for name, own in document.pop("inputs", {}).items()}
    of_branches = {*whole, *inputs} <= set(branches) <= set(get_args(BranchName))
    if not branches or not of_branches or not all(isinstance(n, int) for n in (*hidden, *blocks)):
        raise ValueError("a recipe with branches or a head that this version cannot build")
    if document.get("clip", "vit-b-32") not in get_args(ClipName) or not all(1 <= block <= CLIP_BLOCKS for block in blocks):
        raise ValueError("a recipe with a CLIP tower that this version does not know")
    if document.get("fusion", "concatenated") not in get_args(Fusion):
        raise ValueError("a recipe with a fusion that this version cannot build")
    return Recipe(
        branches=branches,
        hidden=hidden,
        preprocessing=_preprocessing_from(document.pop("preprocessing")),
        clip_blocks=blocks,
        whole=whole,
        inputs=inputs,
        **document,
    )


def _preprocessing_from(document: dict[str, Any]) -> Preprocessing:
    preprocessing = Preprocessing(int(document["size"]), tuple(document["mean"]), tuple(document["std"]))
    if preprocessing.size < 1 or len(preprocessing.mean) != 3 or len(preprocessing.std) != 3 or min(preprocessing.std) <= 0:
        raise ValueError("a preprocessing that no picture can go through")
    return preprocessing
