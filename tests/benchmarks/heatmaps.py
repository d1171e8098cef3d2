"""Does the bundled model's heatmap show where a picture was forged?

    python tests/benchmarks/heatmaps.py FACES      (a folder with manifest.csv, as `dfscan manifest` writes it)

Real pictures of the split `val` are forged in one region (training/data/self_blending.py; lite was trained on other forgeries
by the same code), those that lite then calls fake are explained. For each map: its energy inside the changed region over the
region's share of the picture (1 is chance), how often the strongest place lies inside (beside that share), and how much of the
rise of the logit is undone when the hottest fifth of the picture is put back to the real pixels (beside a random fifth, in
tiles of 16 pixels).
"""

import random
import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from training.data.manifest import read_manifest
from training.data.self_blending import forged
from worker.detector.image.picture import decode_rgb
from worker.detector.image.preprocess import to_square
from worker.detector.inference.device import choose_device
from worker.detector.inference.heatmap import heatmap
from worker.detector.inference.predictor import Predictor, load_predictor
from worker.detector.inference.registry import bundled_folder
from worker.detector.weights.public_weights import BackboneFiles

WANTED, TILE, SHARE = 100, 16, 0.2


def main(folder: Path) -> None:
    """Print one line per measure."""
    torch.manual_seed(0)
    rng = random.Random(0)
    path = bundled_folder() / "lite.safetensors"
    predictor = load_predictor(path, choose_device("cpu"), files=BackboneFiles(), micro_batch=16)
    reals = [row for row in read_manifest(folder / "manifest.csv").of_split("val") if row.label == 0]
    rng.shuffle(reals)
    found: list[tuple[float, ...]] = []
    seconds: list[float] = []
    for row in reals:
        before, after = pair(row.path, predictor.card.recipe.preprocessing.size, rng)
        if predictor.scores(after[None])[0] < predictor.card.threshold or predictor.scores(before[None])[0] > 0.5:
            continue
        began = time.perf_counter()
        hot = heatmap(predictor, after)
        seconds.append(time.perf_counter() - began)
        found.append(measures(predictor, before, after, hot, rng))
        if len(found) == WANTED:
            break
    energy, area, pointed, undone, by_chance = np.median(found, axis=0)[:2].tolist() + np.mean(found, axis=0)[2:].tolist()
    print(f"{len(found)} forged pictures that lite calls fake")
    print(f"energy inside the changed region over its share of the picture, median: {energy:.2f} (share {area:.2f})")
    print(f"strongest place inside: {pointed:.2f} of pictures (share of the region, mean: {np.mean([m[1] for m in found]):.2f})")
    print(f"rise of the logit undone by the hottest fifth: {undone:.2f}; by a random fifth: {by_chance:.2f}")
    print(f"seconds per map, median: {np.median(seconds):.3f}")


def pair(path: Path, size: int, rng: random.Random) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A real picture and its forgery, as inputs."""
    picture = decode_rgb(path.read_bytes(), max_pixels=10**9, short_side=size).picture
    square = Image.fromarray(to_square(picture, size))
    return np.asarray(square), np.asarray(forged(square, None, rng))


def measures(
    predictor: Predictor, before: NDArray[np.uint8], after: NDArray[np.uint8], hot: NDArray[np.float32], rng: random.Random
) -> tuple[float, ...]:
    """Energy ratio, share of the region, whether the strongest place is in it, rise undone by the hottest and by random tiles."""
    changed = np.abs(after.astype(int) - before).max(axis=2) > 4
    area = float(changed.mean())
    energy = float(hot[changed].sum() / hot.sum() / area)
    pointed = float(changed.flat[int(hot.argmax())])
    side = len(hot) // TILE
    warmth = hot[: side * TILE, : side * TILE].reshape(side, TILE, side, TILE).mean(axis=(1, 3))
    hottest = warmth >= np.quantile(warmth, 1 - SHARE)
    shuffled = hottest.flatten()
    rng.shuffle(shuffled)
    variants = [before, after, restored(before, after, hottest), restored(before, after, shuffled.reshape(hottest.shape))]
    real, fake, *put_back = predictor.logits(np.stack(variants))
    return energy, area, pointed, *((fake - value) / (fake - real) for value in put_back)


def restored(before: NDArray[np.uint8], after: NDArray[np.uint8], tiles: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """`after`, with the pixels of `before` in these tiles."""
    mask = np.zeros(after.shape[:2], bool)
    pixels = np.kron(tiles, np.ones((TILE, TILE), bool)).astype(bool)
    mask[: len(pixels), : len(pixels)] = pixels
    return np.where(mask[..., None], before, after)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
