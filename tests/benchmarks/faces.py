"""Faces pasted into large synthetic photos: are they found, are they judged as the bare crops are, and what does it cost?

python tests/benchmarks/faces.py MANIFEST [PHOTOS]

MANIFEST lists crops of faces (split `val` is used), of sources that `face_composites` knows. Prints Markdown tables.
"""

import sys
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import torch
from face_composites import Composite, Pasted, composites
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import roc_auc_score

from training.data.manifest import read_manifest
from worker.detector.faces.face_crops import FRAMINGS, FaceInputs, crop_of, framings_of
from worker.detector.faces.face_finder import SEARCHED_PIXELS, FaceFinder
from worker.detector.faces.input_selection import look
from worker.detector.image.picture import decode_rgb
from worker.detector.image.preprocess import to_square
from worker.detector.inference.device import choose_device
from worker.detector.inference.predictor import Predictor, load_predictor
from worker.detector.inference.registry import find_checkpoint
from worker.detector.inference.scorer import sigmoid
from worker.detector.weights.public_weights import BackboneFiles

SEED, MAX_PIXELS, TIMED_PHOTOS = 2026, 256_000_000, 20
BARE, RESIZED, PLACE, WHOLE = "bare crop", "bare crop, resized as pasted", "pasted square, cut exactly", "whole picture, squeezed"
CUT = {margin: f"found and cut, margin {margin}" for margin in (1.0, 1.15, 1.3, 1.4, 1.5, 1.7)}
SCANNED = "found and cut, mean logit of all framings, as scanned"
SIZES = ((60, 80), (80, 120), (120, 180), (180, 301))


@dataclass(frozen=True)
class Judged:
    """A pasted face, and its score in each view; views that need finding only if it was found."""

    pasted: Pasted
    scores: dict[str, float]

    @property
    def is_found(self) -> bool:
        """Whether the finder has found it."""
        return SCANNED in self.scores


class Bench:
    """What is measured with, and the milliseconds of one core that each step took."""

    def __init__(self) -> None:
        device = choose_device("cpu")
        self.predictor = load_predictor(find_checkpoint("lite", Path()), device, files=BackboneFiles(), micro_batch=16)
        self.size = self.predictor.card.recipe.preprocessing.size
        self.finder = FaceFinder()
        self.steps: dict[str, list[float]] = {}

    @contextmanager
    def step(self, name: str) -> Any:
        """Note how long what is done within takes: of this process, so that others at work do not count."""
        began = process_time()
        yield
        self.steps.setdefault(name, []).append(1000 * (process_time() - began))

    def judge(self, composite: Composite) -> tuple[list[Judged], int]:
        """Each pasted face in all views, and how many boxes are of none."""
        with self.step("decode for the face finder (DCT-scaled)"):
            half = decode_rgb(composite.content, max_pixels=MAX_PIXELS, short_side=self.size, pixels=SEARCHED_PIXELS)
        with self.step("find faces"):
            found = [place.moved(0, 0, half.shrunk) for place in self.finder.find(half.picture)]
        picture = Image.open(BytesIO(composite.content)).convert("RGB")
        judged, matched = [], set()
        views: dict[str, NDArray[np.uint8]]
        for pasted in composite.pasted:
            own = [place for place in found if pasted.holds(place.box)]
            matched.update(own)
            bare = Image.open(pasted.row.path).convert("RGB")
            square = (pasted.left, pasted.top, pasted.left + pasted.side, pasted.top + pasted.side)
            views = {
                BARE: to_square(bare, self.size),
                RESIZED: to_square(bare.resize((pasted.side, pasted.side), Image.Resampling.LANCZOS), self.size),
                PLACE: to_square(picture.crop(square), self.size),
                WHOLE: to_square(picture, self.size),
            }
            views |= {name: crop_of(own[0], picture, self.size, margin) for margin, name in CUT.items() if own}
            with self.step(f"forward pass of {len(views)} inputs"):
                scores = self.predictor.scores(np.stack(list(views.values()))).tolist()
            found_scores = dict(zip(views, scores, strict=True))
            if own:
                framed = framings_of(own[0], picture, self.size, FaceInputs())
                with self.step(f"forward pass of a face in its {len(FRAMINGS)} framings"):
                    found_scores[SCANNED] = _mean_by_logits(self.predictor.scores(np.stack(framed)))
            judged.append(Judged(pasted, found_scores))
        return judged, len(found) - len(matched)

    def time_scanning(self, content: bytes) -> None:
        """What a decoder process does with a picture, with and without faces."""
        with self.step("all that a decoder does, without faces"):
            look(content, self.size, max_pixels=MAX_PIXELS, find=None)
        with self.step("all that a decoder does, with faces"):
            look(content, self.size, max_pixels=MAX_PIXELS, find=self.finder.find)


def main(manifest: Path, photos: int) -> None:
    """Paste, find, score, and print."""
    torch.set_num_threads(1)
    rows = [row for row in read_manifest(manifest).rows if row.split == "val"]
    bench, judged, strange = Bench(), [], 0
    for number, composite in enumerate(composites(rows, photos, SEED)):
        of_photo, others = bench.judge(composite)
        judged += of_photo
        strange += others
        if number < TIMED_PHOTOS:
            bench.time_scanning(composite.content)
    sources = sorted({one.pasted.row.source for one in judged})
    print(f"{photos} photos, {len(judged)} faces; {strange} boxes are of no pasted face\n")
    print("| faces | pasted | found |\n|---|---:|---:|")
    recall("all", judged)
    for low, high in SIZES:
        recall(f"{low} to {high - 1} px", [one for one in judged if low <= one.pasted.face < high])
    for source in sources:
        recall(source, [one for one in judged if one.pasted.row.source == source])
    print(f"\n| what is scored | AUC | {' | '.join(sources)} | real called fake | fake called fake |")
    print("|---|" + "---:|" * (3 + len(sources)))
    for view in (BARE, RESIZED, PLACE, *CUT.values(), SCANNED, WHOLE):
        judging(view, [one for one in judged if one.is_found], sources, bench.predictor)
    print("\n| step | median ms of a core |\n|---|---:|")
    for name, took in bench.steps.items():
        print(f"| {name} | {median(took):.0f} |")


def _mean_by_logits(scores_V: NDArray[np.float64]) -> float:
    """The score of the mean logit of a face's views."""
    inside_V = np.clip(scores_V, 1e-12, 1 - 1e-12)
    return float(sigmoid(np.log(inside_V / (1 - inside_V)).mean()))


def recall(name: str, judged: Sequence[Judged]) -> None:
    """One line of the table of what was found."""
    print(f"| {name} | {len(judged)} | {np.mean([one.is_found for one in judged]):.3f} |")


def judging(view: str, judged: Sequence[Judged], sources: Sequence[str], predictor: Predictor) -> None:
    """One line of the table of how well faces are judged in a view. A source of one label has no AUC."""
    labels = np.asarray([one.pasted.row.label for one in judged])
    scores = np.asarray([one.scores[view] for one in judged])
    of_source = np.asarray([one.pasted.row.source for one in judged])
    aucs = [
        f"{roc_auc_score(labels[of_source == source], scores[of_source == source]):.3f}"
        if len(set(labels[of_source == source])) == 2
        else ""
        for source in sources
    ]
    called = scores >= predictor.card.threshold
    rates = f"{called[labels == 0].mean():.3f} | {called[labels == 1].mean():.3f}"
    print(f"| {view} | {roc_auc_score(labels, scores):.3f} | {' | '.join(aucs)} | {rates} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200)
