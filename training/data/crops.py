"""A data set of whole photographs as one of face crops, cut as scanning cuts them."""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from PIL import Image

from worker.detector.faces.face_crops import FaceInputs
from worker.detector.faces.face_finder import require_face_finder
from worker.detector.image.picture import prepare_pillow

from .manifest import Row
from .row_picture import looked_at

NO_FACE = "without a face that is large enough"
SEVERAL = "fake, with several faces: which of them is fake is not known"


@dataclass(frozen=True)
class Cropped:
    """The rows of the new set, and how many pictures were left out for which reason."""

    rows: tuple[Row, ...]
    left_out: Counter[str]


def crop_rows(rows: Sequence[Row], folder: Path, size: int, *, processes: int, progress: Callable[[int, int], None]) -> Cropped:
    """Cut the faces out of all pictures into PNG files of `size` pixels in `folder`; one row per face, the rest as it was.

    A picture that is a face crop already stays where it is. A picture without a face is left out, and so is a fake with several.
    `progress(done, all)` counts pictures. Raises ManifestError for one that cannot be read, FaceFinderMissing, and OSError when
    `folder` cannot be written.
    """
    require_face_finder()
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Row] = []
    left_out: Counter[str] = Counter()
    for done, found in enumerate(_cut_all(rows, partial(_cut, folder=folder, size=size), processes), 1):
        if isinstance(found, str):
            left_out[found] += 1
        else:
            made += found
        progress(done, len(rows))
    return Cropped(tuple(made), left_out)


def _cut_all(rows: Sequence[Row], cut: Callable[[Row], list[Row] | str], processes: int) -> Iterator[list[Row] | str]:
    if not processes:
        prepare_pillow()
        yield from map(cut, rows)
        return
    # Spawned: a fork of a process with threads (torch, OpenMP) may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=prepare_pillow) as pool:
        yield from pool.map(cut, rows, chunksize=16)


def _cut(row: Row, folder: Path, size: int) -> list[Row] | str:
    """The rows of one picture's faces, or why there are none."""
    looked = looked_at(row, size, FaceInputs())
    if looked.inputs[0].face is None:
        return NO_FACE
    if not looked.is_cut:
        return [row]
    if row.label == 1 and len(looked.inputs) > 1:
        return SEVERAL
    # Named by what the picture was called: its group and split go with it, and another run gives the same names.
    name = f"{row.path.stem}-{sha256(str(row.path).encode()).hexdigest()[:12]}"
    made = []
    for number, shown in enumerate(looked.inputs):
        path = folder / f"{name}-{number}.png"
        Image.fromarray(shown.image_HWC).save(path)
        made.append(replace(row, path=path))
    return made
