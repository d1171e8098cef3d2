"""How far decoding large JPEGs at a smaller scale moves scores, beside decoding them in full.

python tests/benchmarks/scaled_decode.py MANIFEST [PHOTOS]

On synthetic photos of 12 megapixels with faces of the manifest's `val` pasted in: scored by their faces, and as a whole.
"""

import sys
from pathlib import Path

import numpy as np
from face_composites import composites

from training.data.manifest import read_manifest
from worker.detector.faces.face_finder import FaceFinder
from worker.detector.faces.input_selection import Find, look
from worker.detector.image.picture import prepare_pillow
from worker.detector.inference.device import choose_device
from worker.detector.inference.predictor import Predictor, load_predictor
from worker.detector.inference.registry import find_checkpoint
from worker.detector.weights.public_weights import BackboneFiles
from worker.pipeline.scoring import scored_inputs

SEED, MAX_PIXELS = 2027, 256_000_000


def main(manifest: Path, photos: int) -> None:
    """Print the largest and the mean change of a face's score, and of a whole photo's."""
    prepare_pillow()
    predictor = load_predictor(find_checkpoint("lite", Path()), choose_device("cpu"), files=BackboneFiles(), micro_batch=16)
    finder, rows = FaceFinder(), [row for row in read_manifest(manifest).rows if row.split == "val"]
    contents = [composite.content for composite in composites(rows, photos, SEED)]
    for name, find in (("faces", finder.find), ("whole", None)):
        moved = [change for content in contents for change in changes(predictor, content, find)]
        print(f"{name}: {len(moved)} scores, largest change {max(moved):.4f}, mean {np.mean(moved):.4f}")


def changes(predictor: Predictor, content: bytes, find: Find | None) -> list[float]:
    """Of the inputs that both ways of decoding give, which are those of faces found at the same place."""
    size = predictor.card.recipe.preprocessing.size
    scaled, exact = (look(content, size, max_pixels=MAX_PIXELS, find=find, scaled=way).inputs for way in (True, False))
    pairs = [
        (one, other)
        for one in scaled
        for other in exact
        if max(abs(a - b) for a, b in zip(one.box, other.box, strict=True)) < 0.1 * one.box[2]
    ]
    if not pairs:
        return []
    both = scored_inputs(predictor.scores, [item.views for pair in pairs for item in pair])
    return [
        abs(float(one[0]) - float(other[0]))
        for one, other in zip(both[::2], both[1::2], strict=True)
        if not isinstance(one, str) and not isinstance(other, str)
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 40)
