"""What each runtime makes of the active model and of `paper` on the CPU, beside eager float32: speed and change.

Eager float32 is torch as it comes: no other memory layout, no fusion. `paper` has random weights (see `paper_seeing`); a trained
one is measured as the active model (DFSCAN_MODEL, DFSCAN_DATA_DIR, DFSCAN_CLIP_WEIGHTS).
Scores are of the development set's `val` where it is at hand, else of synthetic pictures.
"""

import copy
import os
import random
import sys
from collections.abc import Iterator
from time import process_time

import numpy as np
import torch
from numpy.typing import NDArray

from scanner.base.settings import config_file, load_settings
from training.data.manifest import read_manifest
from worker.detector.checkpoints.card import CheckpointCard
from worker.detector.checkpoints.checkpoint import load_checkpoint
from worker.detector.image.normalise import normalise
from worker.detector.inference.device import choose_device, has_int8_products
from worker.detector.inference.onnx_export import exported
from worker.detector.inference.onnx_runtime import network_of
from worker.detector.inference.predictor import Predictor
from worker.detector.inference.runtimes import BY_ONNX_RUNTIME, RUNTIMES
from worker.detector.inference.scorer import Scorer
from worker.detector.model.network import FusionDetector
from worker.service.model_loading import has_int8_backbone
from worker.service.public_weights import chosen_checkpoint, named_backbones

from ...files.shared_faces import VARIABLE, shared_faces_folder
from ..bare import prepared
from ..measure import Figure, Limit, Sizes, in_turn, medians
from ..pictures import face_sized
from ..random_weights import paper_seeing

SEED, BATCH, TIMED = 2026, 16, 64
EAGER = "eager float32"


def measure(sizes: Sizes) -> Iterator[Figure]:
    """The active model on as many pictures as asked for, `paper` on a few: it is ten times as slow as `lite`."""
    settings = load_settings(
        {}, os.environ, config_file()
    )  # the user's own: `fusion` needs CLIP's weights, which are in the data folder
    active, card = load_checkpoint(chosen_checkpoint(settings).path, named_backbones(settings))
    yield from _of(card.name, active, card, _inputs(card.recipe.preprocessing.size, sizes.images), sizes.runs)
    inputs_BHWC = _inputs(224, 2 * TIMED)
    detector, card = paper_seeing(inputs_BHWC[:TIMED])
    yield from _of("paper", detector, card, inputs_BHWC[TIMED:], max(2, sizes.runs // 2), best=Limit(">=", 2.0, of_ratio=True))


def _of(
    name: str,
    detector: FusionDetector,
    card: CheckpointCard,
    images_BHWC: NDArray[np.uint8],
    runs: int,
    *,
    best: Limit | None = None,
) -> Iterator[Figure]:
    """`best` is what the quickest runtime must reach; its scores must then stay within 0.01."""
    in_int16 = has_int8_backbone(card) and has_int8_products()
    runtimes = [runtime for runtime in RUNTIMES if runtime != "onnxruntime-int16" or in_int16]
    scorers = {EAGER: _Eager(detector, card), **{runtime: _scorer(runtime, detector, card) for runtime in runtimes}}
    timed_BHWC = images_BHWC[:TIMED]
    took = medians(in_turn(runs, **{each: lambda each=each: scorers[each].scores(timed_BHWC) for each in scorers}))
    quickest = min(took, key=lambda each: took[each])
    exact_B = scorers[EAGER].scores(images_BHWC)
    for runtime, seconds in took.items():
        limited = runtime == quickest and best is not None
        rate = len(timed_BHWC) / seconds
        yield Figure(f"{name}: {runtime}", rate, "images/s", took[EAGER] / seconds, EAGER, best if limited else None)
        found_B, core_seconds = _on_one_core(scorers[runtime], images_BHWC)
        yield Figure(f"{name}: {runtime}, one core", 1000 * core_seconds / len(images_BHWC), "ms CPU an image")
        labels = int((_labels(exact_B, card) != _labels(found_B, card)).sum())
        what = f"{name}: {runtime}, largest change of {len(exact_B)} scores; {labels} labels"
        yield Figure(what, float(np.abs(found_B - exact_B).max()), "", limit=Limit("<=", 0.01) if limited else None)


def _on_one_core(scorer: Scorer, images_BHWC: NDArray[np.uint8]) -> tuple[NDArray[np.float64], float]:
    """The scores, and their CPU time, which other programs change little; threads that wait for each other would count, too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        began = process_time()
        return scorer.scores(images_BHWC), process_time() - began
    finally:
        torch.set_num_threads(threads)


class _Eager(Scorer):
    """Torch as it comes."""

    def __init__(self, detector: FusionDetector, card: CheckpointCard) -> None:
        plain = copy.deepcopy(detector).to(memory_format=torch.contiguous_format)

        @torch.inference_mode()
        def forward(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
            images_BCHW = normalise(torch.from_numpy(images_BHWC), card.recipe.preprocessing)
            return plain(images_BCHW.contiguous()).double().numpy()[:, None]

        super().__init__(forward, (), card, choose_device("cpu"), runtime="torch", micro_batch=BATCH)


def _scorer(runtime: str, detector: FusionDetector, card: CheckpointCard) -> Scorer:
    device = choose_device("cpu")
    if runtime not in BY_ONNX_RUNTIME:
        return Predictor(copy.deepcopy(detector), card, device, BATCH, runtime)
    network = network_of(exported(detector, card.recipe.preprocessing, in_int16=runtime == "onnxruntime-int16"))
    return Scorer(network.forward, network.branches, card, device, runtime=runtime, micro_batch=BATCH)


def _labels(scores_B: NDArray[np.float64], card: CheckpointCard) -> NDArray[np.int64]:
    return (scores_B >= card.threshold).astype(np.int64) + (scores_B >= card.band_low)


def _inputs(size: int, count: int) -> NDArray[np.uint8]:
    manifest = shared_faces_folder() / "manifest.csv"
    if manifest.exists():
        rows = list(read_manifest(manifest).all_of_split("val"))
        chosen = random.Random(SEED).sample(rows, min(count, len(rows)))
        return np.stack([prepared(size, row.path.read_bytes()) for row in chosen])
    print(f"  of synthetic pictures: {manifest} is not there ({VARIABLE})", file=sys.stderr)
    return np.stack([prepared(size, face_sized(number)) for number in range(count)])
