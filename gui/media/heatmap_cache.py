"""Heatmaps on the disk: one folder for each content and model, with the answer that came with them, and a size cap."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PySide6.QtGui import QImage

from scanner.base.files import write_whole
from scanner.domain.explain_answer import ExplainAnswer

from .patches import Box, Patch

CAP_BYTES = 128 << 20
# Down to this share of the cap, so that it is not looked at again at once.
_DOWN_TO = 0.8
# The answer about all inputs of a picture, and that about the one which decides.
_ALL, _DECIDING = "answer.json", "deciding.json"
# From nothing to yellow to red, more and more opaque: the picture stays in sight, and so do differences without colours.
_COLD, _WARM, _HOT = (255, 200, 0), (255, 140, 0), (230, 0, 0)
_OPAQUE = 190


@dataclass(frozen=True)
class Kept:
    """Heatmaps of a content; `is_all`: of all its inputs, not only of the one that decides. `part` is the part of a combination
    that made them; None where the model is no combination."""

    patches: tuple[Patch, ...]
    is_all: bool
    part: str | None = None


class HeatmapCache:
    """Asked from one background thread."""

    def __init__(self, folder: Path, cap_bytes: int = CAP_BYTES) -> None:
        self._folder = folder
        self._cap = cap_bytes

    def folder_of(self, sha256: str, model_sha256: str) -> Path:
        """Where the heatmaps of a content by a model belong."""
        return self._folder / f"{sha256}-{model_sha256[:16]}"

    def find(self, sha256: str, model_sha256: str) -> Kept | None:
        """What is kept, as colours; None when nothing usable is."""
        folder = self.folder_of(sha256, model_sha256)
        for name in (_ALL, _DECIDING):
            with contextlib.suppress(OSError, ValueError, SyntaxError):
                answer = ExplainAnswer.from_json(json.loads((folder / name).read_text("utf-8")))
                patches = _patches(folder, answer)
                os.utime(folder)
                return Kept(patches, name == _ALL, answer.part)
        return None

    def pictures(self, sha256: str, model_sha256: str) -> list[tuple[Box, Image.Image]]:
        """What is kept, as pictures with their places; none when nothing usable is."""
        folder = self.folder_of(sha256, model_sha256)
        for name in (_ALL, _DECIDING):
            with contextlib.suppress(OSError, ValueError, SyntaxError):
                return list(_pictures(folder, ExplainAnswer.from_json(json.loads((folder / name).read_text("utf-8")))))
        return []

    def keep(self, sha256: str, model_sha256: str, answer: ExplainAnswer, *, is_all: bool) -> Kept:
        """Remember an answer whose heatmaps are in the folder. Raises OSError when they cannot be read."""
        folder = self.folder_of(sha256, model_sha256)
        patches = _patches(folder, answer)
        with contextlib.suppress(OSError):  # a full disk costs time, not the heatmap
            write_whole(folder / (_ALL if is_all else _DECIDING), json.dumps(answer.to_json()))
            self.trim()
        return Kept(patches, is_all, answer.part)

    def trim(self) -> int:
        """Remove those not looked at for longest until the rest is below the cap; returns how many bytes are left."""
        kept = []
        for folder in self._folder.iterdir():
            with contextlib.suppress(OSError):
                size = sum(file.stat().st_size for file in folder.iterdir())
                kept.append((folder.stat().st_mtime, size, folder))
        total = sum(size for _, size, _ in kept)
        if total > self._cap:
            for _, size, folder in sorted(kept):
                if total <= self._cap * _DOWN_TO:
                    break
                shutil.rmtree(folder, ignore_errors=True)
                total -= size
        return total


def coloured(grey: Image.Image) -> Image.Image:
    """RGBA of an 8-bit grey heatmap: the higher, the redder and the more opaque."""
    grey = grey.convert("L")
    ramps = [[_between(value / 255, *colours) for value in range(256)] for colours in zip(_COLD, _WARM, _HOT, strict=True)]
    opaque = [round(_OPAQUE * (value / 255) ** 0.8) for value in range(256)]
    return Image.merge("RGBA", [grey.point(ramp) for ramp in (*ramps, opaque)])


def _between(place: float, cold: int, warm: int, hot: int) -> int:
    low, high, along = (cold, warm, 2 * place) if place < 0.5 else (warm, hot, 2 * place - 1)
    return round(low + (high - low) * along)


def _patches(folder: Path, answer: ExplainAnswer) -> tuple[Patch, ...]:
    patches = []
    for box, picture in _pictures(folder, answer):
        size, pixels = picture.size, picture.tobytes()
        image = QImage(pixels, *size, 4 * size[0], QImage.Format.Format_RGBA8888).copy()
        patches.append(Patch(box, image))
    return tuple(patches)


def _pictures(folder: Path, answer: ExplainAnswer) -> Iterator[tuple[Box, Image.Image]]:
    for item in answer.inputs or ():
        with Image.open(folder / Path(item.heatmap).name, formats=["PNG"]) as grey:
            yield item.box, coloured(grey)
