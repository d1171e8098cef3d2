"""The active model, ready to score on the device and by the runtime of the settings."""

import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from scanner.base.errors import KnownError
from scanner.base.settings import Settings

from ..detector.checkpoints.card import read_card
from ..detector.inference.device import choose_device
from ..detector.inference.exports import exported_network
from ..detector.inference.onnx_runtime import network_of
from ..detector.inference.runtimes import choose_runtime
from ..detector.inference.scorer import Scorer


class ExportFailed(KnownError):
    """The network could not be exported here."""


def load_scorer(checkpoint: Path, settings: Settings) -> Scorer:
    """Load `checkpoint`. Torch is imported only where it runs the network.

    Raises CheckpointError, BackboneMissing, DeviceUnavailable, RuntimeUnavailable and ExportFailed.
    """
    device = choose_device(settings.device)
    runtime = choose_runtime(settings.runtime, device)
    if runtime == "onnxruntime":
        network = network_of(exported_network(checkpoint, settings.cache, lambda: _exported(checkpoint, settings)))
        card = read_card(checkpoint)
        return Scorer(
            network.forward,
            network.branches,
            card,
            device,
            runtime=runtime,
            micro_batch=settings.batch_size,
            calls_at_once=2,  # so that no core waits for another to finish the last images of a batch
        )
    from ..detector.inference.predictor import load_predictor
    from .public_weights import named_backbones

    return load_predictor(checkpoint, device, files=named_backbones(settings), micro_batch=settings.batch_size, runtime=runtime)


def _exported(checkpoint: Path, settings: Settings) -> bytes:
    """Exported in a process of its own: what torch takes, some 800 MB, would otherwise be a worker's for as long as it lives."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_leave_interrupts) as process:
        try:
            return process.submit(_export, checkpoint, settings).result()
        except BrokenProcessPool as error:
            raise ExportFailed(
                f"the process that prepares {checkpoint} for ONNX Runtime was killed; there may be too little memory. "
                'It is tried again at the next start; runtime = "torch" does without'
            ) from error


def _leave_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits


def _export(checkpoint: Path, settings: Settings) -> bytes:
    from ..detector.checkpoints.checkpoint import load_checkpoint
    from ..detector.inference.onnx_export import exported
    from .public_weights import named_backbones

    detector, card = load_checkpoint(checkpoint, named_backbones(settings))
    return exported(detector, card.recipe.preprocessing)
