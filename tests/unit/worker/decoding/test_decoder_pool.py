"""Decoder processes, real ones: what comes back of pictures and signed records."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from signing import TRAINED, signed

from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.inputs import Ready
from worker.detector.image.picture import PictureError
from worker.detector.image.preprocess import to_square
from worker.evidence.gathering import gather_signed

from .conftest import LIMITS, SIZE, decode, decoder_processes, plain_png

MakePicture = Callable[..., Path]


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds and limits the processes as Linux does")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_a_picture_comes_back_as_the_network_wants_it(pool: DecoderPool, form: str) -> None:
    buffer = BytesIO()
    Image.new("RGB", (200, 100), (250, 120, 10)).save(buffer, form)
    ready = decode(pool, buffer.getvalue())
    assert isinstance(ready, Ready)
    assert (ready.format, ready.width, ready.height) == (form, 200, 100)
    assert ready.inputs[0].image_HWC.shape == (SIZE, SIZE, 3)
    assert ready.inputs[0].image_HWC.dtype == np.uint8
    assert np.abs(ready.inputs[0].image_HWC.mean((0, 1)) - (250, 120, 10)).max() < 8


def test_pool_finds_faces() -> None:
    """A pool that looks for faces brings them and says where they are."""
    content = (Path(__file__).parents[4] / "samples" / "real-astronaut.jpg").read_bytes()
    with DecoderPool(1, LIMITS, faces=True) as pool:
        ready = decode(pool, content)
        empty = decode(pool, plain_png(300))
    assert isinstance(ready, Ready)
    assert isinstance(empty, Ready)
    assert ready.looked_for_faces
    [face] = ready.inputs
    assert face.image_HWC.shape == (SIZE, SIZE, 3)
    assert face.face is not None
    left, top, width, height = face.face.box
    assert left < 226 < left + width
    assert top < 130 < top + height
    assert empty.looked_for_faces
    assert [shown.face for shown in empty.inputs] == [None]


def test_pool_decodes_in_full() -> None:
    """A pool that decodes in full gives what the whole picture gives."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    picture, buffer = Image.fromarray(pixels).resize((1600, 1200)), BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    with DecoderPool(1, LIMITS, scaled=False) as exact, DecoderPool(1, LIMITS) as scaled:
        [in_full], [smaller] = (ready.inputs for ready in (decode(exact, buffer.getvalue()), decode(scaled, buffer.getvalue())))
    whole = to_square(Image.open(BytesIO(buffer.getvalue())).convert("RGB"), SIZE)
    assert np.array_equal(in_full.image_HWC, whole)
    assert not np.array_equal(smaller.image_HWC, whole), "nothing was decoded at a smaller scale, so this shows nothing"
    assert np.abs(smaller.image_HWC.astype(int) - whole).max() < 16


def test_evidence_and_fingerprint_come_along(pool: DecoderPool, content: bytes) -> None:
    text = PngInfo()
    text.add_text("parameters", "a portrait\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 64x64")
    buffer = BytesIO()
    Image.open(BytesIO(content)).save(buffer, "PNG", pnginfo=text)
    ready, other = decode(pool, buffer.getvalue()), decode(pool, content)
    assert isinstance(ready, Ready)
    assert isinstance(other, Ready)
    assert [(one.kind, one.finding) for one in ready.evidence or ()] == [("generator", "stable-diffusion"), ("camera", "missing")]
    assert [(one.kind, one.finding) for one in other.evidence or ()] == [("camera", "missing")]
    assert ready.fingerprint == other.fingerprint is not None


def test_many_pictures_come_back_to_those_who_asked(pool: DecoderPool) -> None:
    futures = []
    for shade in range(0, 250, 5):
        buffer = BytesIO()
        Image.new("RGB", (80 + shade, 80), (shade, shade, shade)).save(buffer, "PNG")
        futures.append((shade, pool.begin(buffer.getvalue(), SIZE)))
    for shade, future in futures:
        ready = future.result()
        assert isinstance(ready, Ready)
        assert ready.width == 80 + shade
        assert (ready.inputs[0].image_HWC == shade).all()


def test_more_pixels_than_allowed(pool: DecoderPool) -> None:
    outcome = decode(pool, plain_png(7_072))  # 50,013,184 pixels
    assert isinstance(outcome, PictureError)
    assert "7,072 x 7,072" in str(outcome)
    assert "50 megapixels" in str(outcome)
    assert "max_megapixels" in str(outcome)


def test_a_truncated_picture(pool: DecoderPool, content: bytes) -> None:
    outcome = decode(pool, content[: len(content) // 2])
    assert isinstance(outcome, PictureError)
    assert "truncated" in str(outcome)


@pytest.mark.parametrize(
    "broken", [b"", b"\xff\xd8\xff\xe0", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(100), b"%!PS-Adobe-3.0 EPSF"]
)
def test_what_is_no_picture(pool: DecoderPool, broken: bytes) -> None:
    assert isinstance(decode(pool, broken), PictureError)


def test_decoders_are_small(
    before: set[int], content: bytes, wait_until: Callable[[Callable[[], bool], float, str], None]
) -> None:
    """Decoders are small and know nothing of this process."""
    with DecoderPool(2, LIMITS) as decoders:
        decoders.warm_up()
        decode(decoders, content)
        children = decoder_processes(before)
        assert children
        for child in children:
            # One that has not been given anything yet may still be preparing itself.
            wait_until(lambda child=child: child.rlimit(psutil.RLIMIT_AS) == (3072 << 20, 3072 << 20), 60, "its limits")
            assert child.ppid() != os.getpid()
            assert not [mapped.path for mapped in child.memory_maps() if "torch" in mapped.path or "PySide" in mapped.path]
            assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)


def test_the_decoders_module_imports_no_torch() -> None:
    program = (
        "import sys, worker.decoding.decoder_pool\n"
        "print([name for name in ('torch', 'celery', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def dies(_content: bytes, _form: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hangs(_content: bytes, _form: str) -> None:
    time.sleep(600)


def runs_out(_content: bytes, _form: str) -> None:
    raise MemoryError


def test_a_signed_record_whose_decoder_ends_is_read_again(
    pool: DecoderPool, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    record = signed(tmp_path / "a.jpg", actions=[{"action": "c2pa.created", "digitalSourceType": TRAINED}])
    schedule, read = pool._schedule, [dies]

    def first_dies(work: Callable[..., object], *more: Any) -> "Future[object]":
        return schedule(read.pop() if work is gather_signed and read else work, *more)

    monkeypatch.setattr(pool, "_schedule", first_dies)
    ready = decode(pool, record)
    assert isinstance(ready, Ready)
    assert not read
    assert "c2pa" in {one.kind for one in ready.evidence or ()}


@pytest.mark.parametrize(("read", "why"), [(dies, "died"), (hangs, "took longer"), (runs_out, "needs more"), (None, "")])
def test_a_signed_record_costs_no_picture_its_verdict(
    pool: DecoderPool, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[..., None] | None, why: str
) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    record = signed(tmp_path / "a.jpg", actions=[{"action": "c2pa.created", "digitalSourceType": TRAINED}])
    if read:
        monkeypatch.setattr("worker.decoding.decoder_pool.RECORD_SECONDS", 2.0)
        monkeypatch.setattr("worker.decoding.decoder_pool.gather_signed", read)
    ready = decode(pool, record)
    assert isinstance(ready, Ready)
    assert not ready.is_signed
    kinds = {(one.kind, one.finding): one.text for one in ready.evidence or ()}
    assert ("c2pa" in {kind for kind, _ in kinds}) == (read is None)
    assert (("file", "unread") in kinds) == (read is not None)
    assert why in kinds.get(("file", "unread"), "")
    assert isinstance(decode(pool, content), Ready)
