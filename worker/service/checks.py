"""What `dfscan doctor` asks of the worker: is there a model that loads, a device, and what decodes pictures and finds faces."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.base.errors import KnownError
from scanner.base.settings import Settings
from scanner.ops.doctor import Finding, Health

if TYPE_CHECKING:
    from ..detector.inference.device import ChosenDevice


def checks(settings: Settings) -> Iterator[Finding]:
    """Model, device, decoders and face finder. Imports torch, which takes seconds."""
    from ..detector.inference.device import choose_device
    from .public_weights import chosen_checkpoint

    model: Path | None = None
    try:
        chosen = chosen_checkpoint(settings)
        model = chosen.path
        yield _model(chosen.path, chosen.notice)
    except KnownError as error:
        yield Finding("model", Health.BAD, str(error), "choose one of `dfscan model list` with DFSCAN_MODEL")
    try:
        device = choose_device(settings.device)
        yield Finding("device", Health.GOOD, f"{device.name} ({device.reason}), torch {version('torch')}")
        yield _runtime(settings, device, model)
    except KnownError as error:
        yield Finding("device", Health.BAD, str(error), "choose another with DFSCAN_DEVICE, or `auto`")
    yield from _decoders()
    yield _confinement(settings)
    yield _face_finder(settings)


def _model(path: Path, notice: str | None) -> Finding:
    if notice is None:
        return Finding("model", Health.GOOD, f"{path.stem}, {path}")
    return Finding("model", Health.POOR, f"{path.stem}, {path}; {notice}", "run the command that it names, once")


def _runtime(settings: Settings, device: "ChosenDevice", model: Path | None) -> Finding:
    from ..detector.checkpoints.card import read_card
    from ..detector.inference.runtimes import choose_runtime
    from .model_loading import has_int8_backbone

    try:
        is_int8 = model is not None and has_int8_backbone(read_card(model))
        return Finding("runtime", Health.GOOD, choose_runtime(settings.runtime, device, is_int8=is_int8))
    except KnownError as error:
        return Finding("runtime", Health.BAD, str(error), "choose another with DFSCAN_RUNTIME, or `auto`")


def _decoders() -> Iterator[Finding]:
    from PIL import features

    missing = [name for name in ("jpg", "zlib", "webp", "avif", "littlecms2") if not features.check(name)]
    health = Health.POOR if missing else Health.GOOD
    without = f", without {', '.join(missing)}" if missing else ""
    yield Finding(
        "decoders",
        health,
        f"Pillow {version('pillow')}{without}",
        "install Pillow's own wheel: pip install --force-reinstall pillow",
    )


def _confinement(settings: Settings) -> Finding:
    """What confines a decoder process, as one that is started says; and whether it decodes a picture within its limits."""
    from concurrent.futures.process import BrokenProcessPool

    from ..decoding.decoder_pool import DecoderPool
    from ..decoding.inputs import Ready
    from ..decoding.limits import Limits
    from ..decoding.troubles import DecodersFail

    try:
        with DecoderPool(1, Limits.of(settings)) as decoders:
            confined = decoders.warm_up()
            decoded = decoders.begin(_small_picture(), 192).result()
    except (BrokenProcessPool, DecodersFail) as error:
        return Finding("confinement", Health.BAD, f"no decoder process can be started: {error}", "raise DFSCAN_DECODE_MEGABYTES")
    if not isinstance(decoded, Ready):  # one without memory lives as long as it asks for none
        what = f"decoders cannot decode a small picture: {decoded}"
        return Finding("confinement", Health.BAD, what, "raise DFSCAN_DECODE_MEGABYTES")
    if not confined.missing:
        return Finding("confinement", Health.GOOD, f"decoders have {confined}")
    what = f"decoders have {confined}; without {'; '.join(confined.missing)}"
    return Finding("confinement", Health.POOR, what, "a hostile file could do more than it should: see docs/reliability.md")


def _small_picture() -> bytes:
    from io import BytesIO

    from PIL import Image

    written = BytesIO()
    Image.new("RGB", (1024, 768), "grey").save(written, "JPEG")
    return written.getvalue()


def _face_finder(settings: Settings) -> Finding:
    from ..detector.faces.face_finder import FaceFinder, FaceFinderMissing

    try:
        FaceFinder()
    except FaceFinderMissing as error:
        return Finding("faces", Health.BAD if settings.faces else Health.POOR, str(error), "pip install 'dfscan[worker]'")
    used = "" if settings.faces else "; not used (setting faces)"
    return Finding("faces", Health.GOOD, f"CenterFace, ONNX Runtime {version('onnxruntime')}{used}")
