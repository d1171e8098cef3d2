"""Embeddings of all views of all rows, computed once and kept: what a frozen branch says of a picture does not change.

Shapes: V views, D embedding width.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from worker.detector.checkpoints.checkpoint import library_versions
from worker.detector.inference.predictor import Predictor
from worker.detector.model.recipes import Recipe

from ..config.heads_plan import HeadsPlan
from ..data.cache_files import CacheUnusable, size_text, told_rows
from ..data.loading import loader_of
from ..data.manifest import ManifestError, Row
from .views import RowViews, View

# Goes up when the same views would be embedded in another way.
_FORMAT = 1
# Rows at a time. What a view's numbers are may depend on its batch in the last bits: a resumed run makes the same batches.
_ROWS = 8
_SAVED_EVERY = 20.0  # seconds
_VIEWS, _NUMBERS, _DONE = "views.jsonl", "embeddings.f16", "done"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Embedded:
    """All views, the number of the row of each, and embeddings_VD (float16, memory-mapped)."""

    views: tuple[View, ...]
    row_V: NDArray[np.int64]
    embeddings_VD: NDArray[np.float16]


def cache_key(recipe: Recipe, plan: HeadsPlan, hashes: Mapping[str, str], rows: Sequence[Row]) -> str:
    """What the embeddings depend on, as a sha256 (hex). `hashes` are of the files that the branches' weights come from."""
    shown = {name: asdict(plan)[name] for name in ("face_sets", "framings", "most_faces", "draws", "augmentation", "seed")}
    network = {name: asdict(recipe)[name] for name in ("branches", "clip", "clip_blocks", "preprocessing", "inputs")}
    document = {"format": _FORMAT, "hashes": dict(hashes), "shown": shown, "network": network, "versions": library_versions()}
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    for told in told_rows(rows):
        digest.update(told)
    return digest.hexdigest()


def embedded(predictor: Predictor, plan: HeadsPlan, rows: Sequence[Row], folder: Path, *, processes: int, say: Say) -> Embedded:
    """The embeddings of all views of `rows`, out of `folder` as far as they are there; the rest is computed, and kept there.

    What was computed survives a kill. Raises CacheUnusable, ManifestError and FaceFinderMissing.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock", timeout=0):
            per_row = _planned(plan, rows, folder, predictor.card.recipe.preprocessing.size, processes, say)
            width = sum(branch.width for branch in predictor.detector.parts.values())
            _fill(predictor, plan, rows, per_row, width, folder, processes, say)
    except Timeout:
        raise CacheUnusable(f"another run fills {folder}; wait until it is done") from None
    except OSError as error:
        raise CacheUnusable(
            f"{folder} cannot be written: {error.strerror or error}; free space, or name another --cache"
        ) from None
    views = tuple(view for own in per_row for view in own)
    row_V = np.repeat(np.arange(len(rows)), [len(own) for own in per_row])
    numbers = np.memmap(folder / _NUMBERS, np.float16, "r", shape=(len(views), width))
    return Embedded(views, row_V, numbers)


def _planned(plan: HeadsPlan, rows: Sequence[Row], folder: Path, size: int, processes: int, say: Say) -> list[list[View]]:
    """The views of each row: how many there are is known only when its faces are found. One line of the file for each."""
    path = folder / _VIEWS
    found = _read_lines(path)[: len(rows)]
    if len(found) < len(rows):
        say(f"looking for faces in {len(rows) - len(found):,} pictures")
    data = RowViews(rows[len(found) :], plan, size, with_pixels=False)
    partial = path.with_name(f"{_VIEWS}.partial")
    partial.write_text("".join(_line(own) for own in found), "utf-8")  # less a last line that was cut off
    partial.replace(path)
    with path.open("a", encoding="utf-8") as opened:
        for [(own, _)] in loader_of(data, processes=processes, collate=list):
            opened.write(_line(own))
            opened.flush()
            found.append(own)
    return found


def _fill(
    predictor: Predictor,
    plan: HeadsPlan,
    rows: Sequence[Row],
    per_row: Sequence[Sequence[View]],
    width: int,
    folder: Path,
    processes: int,
    say: Say,
) -> None:
    """Compute what is missing and append it, whole batches of rows at a time."""
    starts = np.concatenate([[0], np.cumsum([len(own) for own in per_row])])
    path, of = folder / _NUMBERS, int(starts[-1])
    total = of * width * 2
    done = _read_done(folder)
    if done and (not path.exists() or path.stat().st_size < int(starts[done]) * width * 2):
        done = 0  # the numbers are gone
    if done == len(rows):
        say(f"{of:,} embeddings from {folder}")
        return
    say(
        f"{of:,} views of {len(rows):,} pictures, {size_text(total)} in {folder}"
        + (f"; {done:,} pictures are done" if done else "")
    )
    lacking, free = total - int(starts[done]) * width * 2, shutil.disk_usage(folder).free
    if lacking > free:
        raise CacheUnusable(
            f"embeddings need {size_text(lacking)} and {folder} has {size_text(free)} left: free some, or name another --cache"
        )
    data = RowViews(rows[done:], plan, predictor.card.recipe.preprocessing.size)
    loader = loader_of(data, batch_size=_ROWS, processes=processes, collate=list)
    began = saved = time.monotonic()
    first = done
    with path.open("r+b" if path.exists() else "w+b") as opened:
        opened.truncate(int(starts[done]) * width * 2)
        opened.seek(0, os.SEEK_END)
        for batch in loader:
            for number, (views, _) in enumerate(batch, done):
                if list(views) != list(per_row[number]):
                    raise ManifestError(f"{rows[number].path} has changed while it was read; run again")
            opened.write(_embeddings(predictor, np.concatenate([images for _, images in batch])).tobytes())
            done += len(batch)
            now = time.monotonic()
            if now - saved > _SAVED_EVERY or done == len(rows):
                opened.flush()
                os.fsync(opened.fileno())
                _write_done(folder, done)
                left = (now - began) / int(starts[done] - starts[first]) * int(of - starts[done])
                say(f"{int(starts[done]):,} of {of:,} views embedded, about {left / 60:.0f} min left")
                saved = now


@torch.inference_mode()
def _embeddings(predictor: Predictor, images_VHWC: NDArray[np.uint8]) -> NDArray[np.float16]:
    step = predictor.micro_batch
    parts = [
        predictor.detector.embeddings(predictor.on_device(np.ascontiguousarray(images_VHWC[start : start + step])))
        for start in range(0, len(images_VHWC), step)
    ]
    return torch.cat(parts).half().cpu().numpy()


def _line(views: Sequence[View]) -> str:
    return json.dumps([astuple(view) for view in views]) + "\n"


def _read_lines(path: Path) -> list[list[View]]:
    """All whole lines; the last may have been cut off."""
    if not path.exists():
        return []
    lines = path.read_text("utf-8").split("\n")[:-1]
    found: list[list[View]] = []
    for line in lines:
        try:
            parsed: list[list[Any]] = json.loads(line)
        except ValueError:
            break
        found.append([View(*fields) for fields in parsed])
    return found


def _read_done(folder: Path) -> int:
    try:
        return int((folder / _DONE).read_text("utf-8"))
    except (OSError, ValueError):
        return 0


def _write_done(folder: Path, done: int) -> None:
    partial = folder / f"{_DONE}.partial"
    partial.write_text(str(done), "utf-8")
    partial.replace(folder / _DONE)
