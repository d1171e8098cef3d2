"""The forward pass and JPEG decoding on one device, in the ways there are: what `auto` should choose is read off these figures.

Shapes: B images, H = W = preprocessing size, C = 3.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .bare import decoding_pool
from .measure import Figure, in_turn, medians

if TYPE_CHECKING:
    from scanner.base.settings import Settings
    from worker.detector.inference.predictor import Predictor

BATCHES = (1, 16, 64, 256)
RUNS = 3
TORCH, BFLOAT16 = "torch", "torch-bf16"
GRAPH = "CUDA graph"


def forward(settings: "Settings", most: int) -> Iterator[Figure]:
    """Each runtime that the device has, at several batch sizes, from uint8 pictures in memory to scores in memory.

    Medians, after a first pass that does not count; then how far bfloat16 moves scores (pictures are noise, so of `paper` with
    random weights it says nothing).
    """
    from worker.detector.inference.device import choose_device
    from worker.detector.inference.predictor import load_predictor
    from worker.service.public_weights import chosen_checkpoint, named_backbones

    checkpoint, device = chosen_checkpoint(settings).path, choose_device(settings.device)
    load = partial(load_predictor, checkpoint, device, files=named_backbones(settings), micro_batch=BATCHES[-1])
    scorers = {runtime: load(runtime=runtime) for runtime in (TORCH, BFLOAT16)}
    size = scorers[TORCH].card.recipe.preprocessing.size
    images_BHWC = np.random.default_rng(0).integers(0, 256, (max(1, min(most, 8 * BATCHES[-1])), size, size, 3), np.uint8)
    for batch in BATCHES:
        some_BHWC = images_BHWC[: max(8 * batch, 64)]
        ways = {name: partial(_in_batches, scorer.scores, some_BHWC, batch) for name, scorer in scorers.items()}
        if settings.device.startswith("cuda"):
            ways[GRAPH] = partial(_in_batches, graphed(scorers[TORCH], some_BHWC[:batch]), some_BHWC, batch)
        for way in ways.values():
            way()
        took = medians(in_turn(RUNS, **ways))
        for name, seconds in took.items():
            what = f"forward pass by {name}, batches of {batch}"
            yield Figure(what, len(some_BHWC) / seconds, "images/s", took[TORCH] / seconds, TORCH)
    moved_B = np.abs(scorers[BFLOAT16].scores(images_BHWC) - scorers[TORCH].scores(images_BHWC))
    yield Figure(f"{BFLOAT16}, largest change of {len(moved_B)} scores", float(moved_B.max()), "")


def graphed(predictor: "Predictor", example_BHWC: NDArray[np.uint8]) -> Callable[[NDArray[np.uint8]], NDArray[np.float64]]:
    """The network as one CUDA graph for batches like `example_BHWC`: launching its kernels one by one is not paid again.

    Logits, not scores; smaller batches fill a part of it. Needs CUDA.
    """
    import torch

    from worker.detector.model.answers import Answers

    place = torch.device(predictor.device.name)
    answers = Answers(predictor.detector, predictor.card.recipe.preprocessing)
    input_BHWC = torch.from_numpy(example_BHWC).to(place)
    with torch.inference_mode():
        aside = torch.cuda.Stream(place)
        aside.wait_stream(torch.cuda.current_stream(place))
        with torch.cuda.stream(aside):  # capturing wants a warm network: cuDNN has chosen its algorithms
            for _ in range(3):
                answers(input_BHWC)
        torch.cuda.current_stream(place).wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            output_BK = answers(input_BHWC)

    @torch.inference_mode()
    def replay(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        input_BHWC[: len(images_BHWC)].copy_(torch.from_numpy(images_BHWC))
        graph.replay()
        logits_BK: NDArray[np.float64] = output_BK[: len(images_BHWC)].double().cpu().numpy()
        return logits_BK

    return replay


def decoding(name: str, paths: Sequence[Path], device: str, size: int) -> Iterator[Figure]:
    """Decoding and resizing by the decoders' code on all cores, beside torchvision's decoder on the device (nvJPEG on CUDA).

    The device decodes in full and resizes there (bilinear, with antialiasing): it is timed, its pictures are not scored.
    """
    with decoding_pool(size) as decode:
        took = medians(in_turn(RUNS, cores=partial(decode, paths), device=partial(_decoded_on, device, paths, size)))
    yield Figure(f"{name}: decoded by all cores", len(paths) / took["cores"], "images/s")
    rate = len(paths) / took["device"]
    yield Figure(f"{name}: decoded by {device}", rate, "images/s", took["cores"] / took["device"], "all cores")


def _decoded_on(device: str, paths: Sequence[Path], size: int, at_once: int = 16) -> None:
    import torch
    from torchvision.io import ImageReadMode, decode_jpeg
    from torchvision.transforms.v2 import functional

    for start in range(0, len(paths), at_once):
        files = [torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8) for path in paths[start : start + at_once]]
        for picture_CHW in decode_jpeg(files, ImageReadMode.RGB, device=device):
            small_CHW = functional.resize(picture_CHW, [size], antialias=True)
    small_CHW.cpu()  # waits until the device has done what it was given


def _in_batches(scores: Callable[[NDArray[np.uint8]], NDArray[np.float64]], images_BHWC: NDArray[np.uint8], batch: int) -> None:
    for start in range(0, len(images_BHWC), batch):
        scores(images_BHWC[start : start + batch])
