"""The active model, ready to score on the device and by the runtime of the settings."""

import logging
import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from scanner.base.access.private import is_own
from scanner.base.errors import KnownError
from scanner.base.settings import Settings

from ..detector.checkpoints.card import CheckpointCard, read_card
from ..detector.combined.loading import load_with
from ..detector.combined.scorer import AnyScorer
from ..detector.imported.network import load_imported
from ..detector.inference.device import ChosenDevice, choose_device
from ..detector.inference.exports import keep_network, kept_network
from ..detector.inference.onnx_runtime import network_of
from ..detector.inference.runtimes import BY_ONNX_RUNTIME, choose_runtime
from ..detector.inference.scorer import Scorer
from ..detector.weights.public_weights import weights_with_hash

log = logging.getLogger(__name__)

# How often a network is prepared whose process was killed.
TRIES = 2


class ExportFailed(KnownError):
    """The network could not be exported here."""


def load_scorer(checkpoint: Path, settings: Settings) -> AnyScorer:
    """Load `checkpoint`, of a combination all parts. Torch is imported only where it runs a network.

    Raises CheckpointError, BackboneMissing, DeviceUnavailable, RuntimeUnavailable, and ExportFailed where only ONNX Runtime
    is to run it.
    """
    return load_with(checkpoint, lambda each: _load_one(each, settings))


def _load_one(checkpoint: Path, settings: Settings) -> Scorer:
    device = choose_device(settings.device)
    card = read_card(checkpoint)
    if card.imported is not None:
        return load_imported(checkpoint, device, requested=settings.device, micro_batch=settings.batch_size)
    runtime = choose_runtime(settings.runtime, device, is_int8=has_int8_backbone(card))
    if runtime in BY_ONNX_RUNTIME:
        try:
            return _by_onnx_runtime(checkpoint, settings, device, runtime)
        except ExportFailed as error:
            if settings.runtime == runtime:
                raise
            log.warning("%s; torch runs it, which is slower", error)
            runtime = "torch"
    from ..detector.inference.predictor import load_predictor
    from .public_weights import named_backbones

    files = named_backbones(settings)
    return load_predictor(checkpoint, device, files=files, micro_batch=settings.batch_size, runtime=runtime)


def has_int8_backbone(card: CheckpointCard) -> bool:
    """Whether the network has a frozen backbone whose matrices are int8 values."""
    named = (weights_with_hash(sha256) for sha256 in card.backbones.values())
    return any(weights is not None and weights.is_int8 for weights in named)


def _by_onnx_runtime(checkpoint: Path, settings: Settings, device: ChosenDevice, runtime: str) -> Scorer:
    network = network_of(_kept(checkpoint, settings, runtime) or _exported(checkpoint, settings, runtime))
    return Scorer(
        network.forward,
        network.branches,
        read_card(checkpoint),
        device,
        runtime=runtime,
        micro_batch=settings.batch_size,
        calls_at_once=2,  # so that no core waits for another to finish the last images of a batch
    )


def _kept(checkpoint: Path, settings: Settings, runtime: str) -> bytes | None:
    return kept_network(checkpoint, settings.cache, runtime, sums=_sums(settings))


def _sums(settings: Settings) -> Path | None:
    """Where the sums of exported networks are noted if others can write the cache."""
    return None if is_own(settings.cache) or not settings.cache.exists() else settings.data_dir / "networks"


def _exported(checkpoint: Path, settings: Settings, runtime: str) -> bytes:
    """Exported in a process of its own: what torch takes, 1 to 3 GB, would otherwise be a worker's for as long as it lives.

    A process that was killed is tried again: killing one costs time, and no work.
    """
    for _ in range(TRIES):
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_leave_interrupts) as process:
            try:
                network = process.submit(_export, checkpoint, settings, runtime).result() or _kept(checkpoint, settings, runtime)
            except BrokenProcessPool:
                log.warning(
                    "the process that prepares %s for ONNX Runtime was killed; there may be too little memory", checkpoint
                )
                continue
            if network is not None:
                return network
            log.warning("the network of %s was replaced in %s while it was prepared", checkpoint, settings.cache)
    raise ExportFailed(f"{checkpoint} could not be prepared for ONNX Runtime in {TRIES} tries")


def _leave_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits


def _export(checkpoint: Path, settings: Settings, runtime: str) -> bytes | None:
    """Runs in the process of its own. The network, unless it is kept in a file: one of some hundred megabytes need not travel."""
    from ..detector.checkpoints.checkpoint import load_checkpoint
    from ..detector.inference.onnx_export import exported
    from .public_weights import named_backbones

    detector, card = load_checkpoint(checkpoint, named_backbones(settings))
    try:
        network = exported(detector, card.recipe.preprocessing, in_int16=runtime == "onnxruntime-int16")
    except (RuntimeError, ValueError) as error:
        raise ExportFailed(f"{checkpoint} cannot be exported for ONNX Runtime ({str(error).splitlines()[0]})") from None
    return None if keep_network(checkpoint, settings.cache, network, runtime, sums=_sums(settings)) else network
