"""How far copies lie from their originals, and different pictures from each other: what the distance of near copies is chosen by.

python tests/benchmarks/near_copies.py FACES [PICTURES]     FACES: a folder with a manifest.csv that has path, source and group
"""

import csv
import random
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from scanner.database.hamming import bits_apart
from worker.decoding.fingerprint import fingerprint

DISTANCES = (0, 2, 4, 6, 8, 10)
SEED = 7


def main(folder: Path, count: int) -> None:
    """Print the share of copies, and of strangers, within each distance."""
    rows = list(csv.DictReader((folder / "manifest.csv").open()))
    chosen = random.Random(SEED).sample(rows, min(count, len(rows)))
    pictures = [Image.open(folder / row["path"]).convert("RGB") for row in chosen]
    originals = [fingerprint(picture) for picture in pictures]
    print(f"{len(pictures)} pictures, {originals.count(None)} flat; within a distance of " + ", ".join(map(str, DISTANCES)))
    for name, change in CHANGES.items():
        distances = [
            bits_apart(one, other) if other is not None else 64
            for one, other in zip(originals, map(fingerprint, map(change, pictures)), strict=True)
            if one is not None
        ]
        print(f"  {name:34}" + "".join(f"{np.mean(np.array(distances) <= most):8.1%}" for most in DISTANCES))
    _strangers(chosen, originals)


def _strangers(rows: list[dict[str, str]], hashes: list[int | None]) -> None:
    known = [(row, found) for row, found in zip(rows, hashes, strict=True) if found is not None]
    values = np.array([found for _, found in known], np.int64).view(np.uint64)
    groups = np.array([row["group"] for row, _ in known])
    sources = np.array([row["source"] for row, _ in known])
    distances = np.bitwise_count(values[:, None] ^ values[None, :]).astype(int)
    np.fill_diagonal(distances, 64)
    for source in (*sorted(set(sources)), "all"):
        mine = np.arange(len(known)) if source == "all" else np.flatnonzero(sources == source)
        for name, same in (("of another group", False), ("of the same group", True)):
            apart = np.where((groups[mine, None] == groups[None, :]) == same, distances[mine], 64)
            nearest = apart.min(axis=1)
            print(f"  {source}, nearest {name}".ljust(48) + "".join(f"{np.mean(nearest <= most):8.1%}" for most in DISTANCES))


def _encoded(form: str, quality: int, scale: float = 1.0) -> Callable[[Image.Image], Image.Image]:
    def change(picture: Image.Image) -> Image.Image:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        buffer = BytesIO()
        picture.resize(size, Image.Resampling.BICUBIC).save(buffer, form, quality=quality)
        return Image.open(buffer).convert("RGB")

    return change


def _cropped(picture: Image.Image) -> Image.Image:
    left, top = round(picture.width * 0.03), round(picture.height * 0.03)
    return picture.crop((left, top, picture.width - left, picture.height - top))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG, quality 75": _encoded("JPEG", 75),
    "JPEG, quality 30": _encoded("JPEG", 30),
    "half the size, JPEG, quality 75": _encoded("JPEG", 75, 0.5),
    "a third of the size, WebP, 50": _encoded("WEBP", 50, 1 / 3),
    "twice the size, JPEG, quality 85": _encoded("JPEG", 85, 2),
    "3 % cut off each side": _cropped,
}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2000)
