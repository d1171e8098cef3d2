"""Pictures of a manifest with the faces that CenterFace finds in them: what the sieve is taught with. Imports no torch.

Shapes: H rows, W columns, C colours, N faces.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.manifest import Row
from worker.detector.faces.face import Located
from worker.detector.faces.face_finder import FaceFinder

# Groups of which these have one in so many hash values are kept from training: the threshold is chosen on them.
HELD_BACK = 8
# Pictures are kept no larger than this; faces in them are shrunk further when they are taught.
LARGEST = 384


@dataclass(frozen=True)
class Known:
    """A picture, and where faces are in it: left, top, width, height for each of N."""

    image_HWC: NDArray[np.uint8]
    boxes_N4: NDArray[np.float32]


def is_held_back(row: Row) -> bool:
    """Whether the row's group is kept for choosing the threshold."""
    return hashlib.sha256(row.group.encode()).digest()[0] % HELD_BACK == 0


def known_faces(rows: Iterable[Row], finder: FaceFinder) -> Iterator[Known]:
    """Each row's picture with the faces in it; one without any is searched again with room around it, as scanning does."""
    for row in rows:
        yield known(row.path, finder)


def known(path: Path, finder: FaceFinder) -> Known:
    """The picture of a file with the faces in it."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    faces: Sequence[Located] = finder.find(picture)
    if not faces:
        room = min(picture.size) // 2
        framed = Image.new("RGB", (picture.width + 2 * room, picture.height + 2 * room), (127, 127, 127))
        framed.paste(picture, (room, room))
        faces = [face.moved(-room, -room) for face in finder.find(framed)]
    boxes = np.asarray([face.box for face in faces], np.float32).reshape(-1, 4)
    return Known(np.asarray(picture), boxes)
