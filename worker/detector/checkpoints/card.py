"""What a checkpoint says of itself, read from its header alone. Imports no torch.

A checkpoint is a safetensors file with one JSON document in the header, and no pickle. The document pins everything a score
depends on: recipe, preprocessing, calibration, threshold and band; and what is known about it: training record and metrics.
"""

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from scanner.base.documents import demand_plain, from_strict_document
from scanner.base.errors import KnownError
from scanner.domain.states import Basis

from ..faces.face_crops import FaceInputs
from ..model.recipes import COMBINED, IMPORTED, Recipe
from .imported_network import ImportedNetwork
from .late_fusion import LateFusion

FORMAT = 2
HEADER = "dfscan"
_LONGEST = 16 << 20  # characters; the longest so far has 80,000
_LONGEST_NAME = 200
# Of which cards from before there were any say nothing.
_LATER_FACE_INPUTS = {"looked_for", "resize"}
_SHA256 = re.compile(r"[0-9a-f]{64}")


class CheckpointError(KnownError):
    """A file that is no checkpoint of ours, or not one that this version can run."""


@dataclass(frozen=True)
class Calibration:
    """Platt scaling (Platt 1999): score = sigmoid(slope * logit + offset)."""

    slope: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        """Raises ValueError for numbers that are none."""
        if not math.isfinite(self.slope) or not math.isfinite(self.offset):
            raise ValueError("slope and offset must be finite")


@dataclass(frozen=True)
class Combination:
    """From what the two heads say of a picture to its calibrated logit: faces * F + whole * W + offset.

    F is the logit of its faces together, W that of the picture as a whole.
    """

    faces: float
    whole: float
    offset: float

    def __post_init__(self) -> None:
        """Raises ValueError for numbers that are none."""
        if not all(map(math.isfinite, (self.faces, self.whole, self.offset))):
            raise ValueError("faces, whole and offset must be finite")


@dataclass(frozen=True)
class CheckpointCard:
    """What a checkpoint says of itself.

    A score >= `threshold` is labelled fake; a score in the band [`band_low`, `threshold`) is uncertain; below it is real.
    `whole_images` says that it was trained and measured on whole images as well as on crops of faces: only then is a picture
    without a face flagged. `backbones` maps branches whose weights are not in the file to the sha256 of the public file that they
    need. `face_inputs` says how it is shown faces. A network with a head for whole pictures has `combinations`, one for each
    basis that a score can have (see `Basis`); `calibration` is then that of a single face. `imported` says how a network that was
    made elsewhere is run; its file is then a tensor of bytes. With `fusion` other models score together; it
    has no tensors then, and `calibration` is that of their weighted sum.
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
    imported: ImportedNetwork | None = None
    fusion: LateFusion | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot score a picture."""
        if max(len(self.name), len(self.recipe.name)) > _LONGEST_NAME:
            raise ValueError(f"name and recipe can have {_LONGEST_NAME} characters at most")
        if not 0 <= self.band_low <= self.threshold < math.inf:
            raise ValueError("band_low must lie from 0 to threshold, which must be finite")
        if unknown := sorted(set(self.combinations) - set(Basis)):
            raise ValueError(f"combinations has {', '.join(unknown)}, and can have {', '.join(Basis)}")
        if not all(map(_SHA256.fullmatch, self.backbones.values())):
            raise ValueError("backbones must map branches to sha256 in hex")
        if (self.imported is not None) != (IMPORTED in self.recipe.branches):
            raise ValueError(f"imported goes with the branch {IMPORTED}, and that with it")
        if (self.fusion is not None) != (COMBINED in self.recipe.branches):
            raise ValueError(f"fusion goes with the branch {COMBINED}, and that with it")


def read_card(path: Path) -> CheckpointCard:
    """Read only the header of `path`. Raises CheckpointError."""
    return read_header(path)[0]


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def read_header(path: Path) -> tuple[CheckpointCard, str]:
    """The card, and the sha256 that the tensors had when they were written."""
    if os.path.exists(path) and not os.path.isfile(path):  # opening a FIFO would wait for ever
        raise CheckpointError(f"{path} is no file, so no safetensors file; only dfscan's own checkpoints can be used")
    try:
        with safe_open(path, framework="np") as opened:
            header = opened.metadata() or {}
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist; `dfscan model list` shows the checkpoints at hand") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is no safetensors file ({error}); only dfscan's own checkpoints can be used") from None
    if not header.get(HEADER):
        raise CheckpointError(f"{path} carries no readable description of dfscan: not one of its checkpoints")
    try:
        document = _document(header[HEADER])
        if (written := document.pop("format", None)) != FORMAT:
            raise CheckpointError(
                f"{path} was written by another version of dfscan (format {written!r}, this one reads {FORMAT}); "
                "use the version that wrote it, or train or fetch it anew"
            )
        tensors_sha256 = str(document.pop("tensors_sha256", ""))
        return from_strict_document(CheckpointCard, document, path="card"), tensors_sha256
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} carries no readable description of dfscan ({error}): train or fetch it anew") from None


def _document(text: str) -> dict[str, Any]:
    """The card's JSON object. Raises ValueError and RecursionError."""
    if len(text) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST >> 20} MB")
    document = json.loads(text)
    if not isinstance(document, dict) or "format" not in document:
        raise ValueError("it is no object with a format")
    demand_plain(document)
    faces = document.get("face_inputs", {})
    needed = {each.name for each in fields(FaceInputs)} - _LATER_FACE_INPUTS
    if faces and isinstance(faces, dict) and (missing := needed - set(faces)):
        # Defaults are for cards from before there was such a part, not for halves of it.
        raise ValueError(f"face_inputs lacks {', '.join(sorted(missing))}")
    return document
