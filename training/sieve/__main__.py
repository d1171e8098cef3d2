"""Trains the sieve.

python -m training.sieve FACES_MANIFEST PICTURES_MANIFEST OUT.onnx [--steps N] [--crops N]

FACES_MANIFEST lists crops of faces, PICTURES_MANIFEST pictures of all kinds; only rows of split `train` are used.
"""

import argparse
import random
from pathlib import Path

from training.data.manifest import Row, read_manifest
from worker.detector.faces.face_finder import FaceFinder

from .export import write_onnx
from .fit import Plan, fit
from .known_faces import is_held_back, known_faces


def main() -> None:
    """Find the faces, fit the network, and write its file."""
    parser = argparse.ArgumentParser(
        prog="python -m training.sieve", description="Train the network that finds places for faces."
    )
    parser.add_argument("faces", type=Path, help="manifest of crops of faces")
    parser.add_argument("pictures", type=Path, help="manifest of pictures of all kinds")
    parser.add_argument("out", type=Path, help="the ONNX file to write")
    parser.add_argument("--steps", type=int, default=Plan.steps, help="how many batches to learn from")
    parser.add_argument("--crops", type=int, default=2400, help="how many crops of faces to take, at random")
    asked = parser.parse_args()
    finder = FaceFinder(sieved=False)
    rows = training_rows(asked.faces)
    chosen = random.Random(Plan.seed).sample(rows, min(asked.crops, len(rows)))  # noqa: S311  (not for secrets)
    crops, pictures = list(known_faces(chosen, finder)), list(known_faces(training_rows(asked.pictures), finder))
    write_onnx(fit(crops, pictures, Plan(steps=asked.steps)), asked.out)


def training_rows(manifest: Path) -> list[Row]:
    """The rows that are learned from."""
    return [row for row in read_manifest(manifest).rows if row.split == "train" and not is_held_back(row)]


if __name__ == "__main__":
    main()
