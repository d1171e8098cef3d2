"""What a network is shown of a manifest's row: as scanning shows it, and degraded draws to learn from.

Shapes: V views, H = W = the network's input size, C = 3.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset

from worker.detector.faces.face_crops import FaceInputs
from worker.detector.faces.input_selection import Looked
from worker.detector.image.picture import PictureError, decode_rgb
from worker.detector.image.preprocess import to_square

from ..config.heads_plan import HeadsPlan
from ..data.augmentation import augmented
from ..data.manifest import MAX_PIXELS, Row
from ..data.row_picture import looked_at, unreadable

Kind = Literal["crop", "face", "subject", "whole"]
# Degradation is at about the network's size: what is done to a much larger picture is gone when it is shrunk.
_ROOM = 1.2


@dataclass(frozen=True)
class View:
    """One view of a row: a picture of a face set (`crop`), a `face`, a picture that one face fills (`subject`), or the `whole`.

    `draw` 0 is what scanning shows. `place` counts the inputs of scanning, or the faces, the largest first; `frame` those of an
    animation. `width` and `height` are of the face's box, in pixels; 0 where there is none.
    """

    kind: Kind
    draw: int
    place: int
    frame: int = 0
    width: int = 0
    height: int = 0


def chosen_rows(rows: Sequence[Row], plan: HeadsPlan) -> tuple[Row, ...]:
    """The rows of `train` and `val` that heads are fitted and judged on: all but those of face sets beyond `plan.most`.

    Which of a face set are taken depends on the seed and their names alone. They are in the order of the manifest.
    """
    kept: set[int] = set()
    sets: dict[tuple[str, int, str], list[int]] = {}
    for number, row in enumerate(rows):
        if row.split not in ("train", "val"):
            continue
        if plan.is_face_set(row.source):
            sets.setdefault((row.source, row.label, row.split), []).append(number)
        else:
            kept.add(number)
    for numbers in sets.values():
        numbers.sort(key=lambda number: sha256(f"{plan.seed}/{rows[number].path.name}/{number}".encode()).digest())
        kept.update(numbers[: plan.most])
    return tuple(rows[number] for number in sorted(kept))


def views_of(row: Row, plan: HeadsPlan, size: int) -> tuple[list[View], list[NDArray[np.uint8]]]:
    """All views of `row` and their pixels, uint8 HWC of `size`; the same ones each time.

    Raises ManifestError for a picture that cannot be read, and FaceFinderMissing.
    """
    rng = random.Random(f"{plan.seed}/{row.source}/{row.path.name}")  # noqa: S311  (not for secrets)
    if plan.is_face_set(row.source):
        return _of_crop(row, plan, size, rng)
    looked = looked_at(row, size, FaceInputs(plan.framings, plan.most_faces, beside=True))
    views, images = _as_scanned(looked)
    if row.split == "train":
        for view, image_HWC in _drawn(looked, views, plan, size, rng):
            views.append(view)
            images.append(image_HWC)
    return views, images


def planned(row: Row, plan: HeadsPlan, size: int) -> list[View]:
    """The views of `row` alone: how many there are depends on the faces in it."""
    if plan.is_face_set(row.source):
        return _crops(row, plan, size)
    looked = looked_at(row, size, FaceInputs(plan.framings, plan.most_faces, beside=True))
    views, _ = _as_scanned(looked)
    return views + (_planned_draws(views, plan) if row.split == "train" else [])


class RowViews(Dataset[tuple[list[View], NDArray[np.uint8]]]):
    """Views and images_VHWC per row; without `with_pixels` the views alone. Each process loads a face finder of its own."""

    def __init__(self, rows: Sequence[Row], plan: HeadsPlan, size: int, *, with_pixels: bool = True) -> None:
        self._rows = rows
        self._plan = plan
        self._size = size
        self._with_pixels = with_pixels

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[list[View], NDArray[np.uint8]]:
        if not self._with_pixels:
            return planned(self._rows[index], self._plan, self._size), np.zeros((0, 0, 0, 3), np.uint8)
        views, images = views_of(self._rows[index], self._plan, self._size)
        return views, np.stack(images)


def _crops(row: Row, plan: HeadsPlan, size: int) -> list[View]:
    draws = range(1, 1 + plan.draws.crop) if row.split == "train" else (0,)
    return [View("crop", draw, 0, width=size, height=size) for draw in draws]


def _of_crop(row: Row, plan: HeadsPlan, size: int, rng: random.Random) -> tuple[list[View], list[NDArray[np.uint8]]]:
    try:
        picture = decode_rgb(row.read(), max_pixels=MAX_PIXELS, short_side=size).picture
    except (OSError, PictureError) as error:
        raise unreadable(row, error) from None
    views = _crops(row, plan, size)
    images = []
    for view in views:
        seen = picture
        if view.draw:
            short = min(picture.size)
            side = short if rng.random() < plan.draws.uncut else short * rng.uniform(plan.draws.part, 1.0)
            seen = _degraded(
                picture, rng.uniform(0, picture.width - side), rng.uniform(0, picture.height - side), side, plan, size, rng
            )
        images.append(to_square(seen, size))
    return views, images


def _as_scanned(looked: Looked) -> tuple[list[View], list[NDArray[np.uint8]]]:
    views, images = [], []
    for place, item in enumerate(looked.inputs):
        kind: Kind = "whole" if item.face is None else "face" if looked.is_cut else "subject"
        width, height = item.face.box[2:] if item.face else (0, 0)
        for image_HWC in item.views:
            views.append(View(kind, 0, place, item.frame, width, height))
            images.append(image_HWC)
    return views, images


def _planned_draws(views: Sequence[View], plan: HeadsPlan) -> list[View]:
    """The degraded draws of a picture of which scanning shows `views`: of the whole, and of the faces in its first frame."""
    made = [View("whole", draw, 0) for draw in range(1, 1 + plan.draws.whole)]
    first = min(view.frame for view in views)
    faces = {view.place: view for view in views if view.kind != "whole" and view.frame == first}
    for place, view in list(faces.items())[: plan.draws.faces]:
        count = plan.draws.other if place else plan.draws.largest
        made += [View("face", draw, place, view.frame, view.width, view.height) for draw in range(1, 1 + count)]
    return made


def _drawn(
    looked: Looked, views: Sequence[View], plan: HeadsPlan, size: int, rng: random.Random
) -> list[tuple[View, NDArray[np.uint8]]]:
    picture = looked.picture
    short = min(picture.size)
    scale = max(picture.size) / max(looked.width, looked.height)
    made = []
    for view in _planned_draws(views, plan):
        if view.kind == "whole":
            side = short * rng.uniform(plan.draws.part, 1.0)
            left, top = rng.uniform(0, picture.width - side), rng.uniform(0, picture.height - side)
        else:
            face = looked.inputs[view.place].face
            assert face is not None
            x, y, width, height = (scale * number for number in face.box)
            longer = max(width, height)
            side = min(longer * rng.uniform(*plan.draws.margins), short)
            off = [rng.uniform(-plan.draws.off, plan.draws.off) * longer for _ in range(2)]
            left = min(max(0.0, x + width / 2 - side / 2 + off[0]), picture.width - side)
            top = min(max(0.0, y + height / 2 - side / 2 + off[1]), picture.height - side)
        made.append((view, to_square(_degraded(picture, left, top, side, plan, size, rng), size)))
    return made


def _degraded(
    picture: Image.Image, left: float, top: float, side: float, plan: HeadsPlan, size: int, rng: random.Random
) -> Image.Image:
    """The square of `picture` at about the network's size, augmented."""
    pixels = max(16, min(round(side), round(_ROOM * size)))
    square = picture.resize((pixels, pixels), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
    return augmented(square, plan.augmentation, rng)
