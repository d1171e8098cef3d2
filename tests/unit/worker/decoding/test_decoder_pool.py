"""Decoder processes, real ones: whatever a picture does to its decoder, it costs that one picture."""

import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from signing import TRAINED, signed

from worker.decoding.decoder_pool import DecoderPool, DecodersFail, DecoderTrouble, Limits, PoolBroke
from worker.decoding.inputs import Ready
from worker.detector.image.picture import PictureError
from worker.detector.image.preprocess import to_square
from worker.evidence.gathering import gather_signed

LIMITS = Limits(pixels=50_000_000, seconds=120, megabytes=3072)
LARGE = replace(LIMITS, pixels=200_000_000)
SIZE = 64
MakePicture = Callable[..., Path]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds and limits the processes as Linux does")


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool(2, LIMITS) as decoders:
        decoders.warm_up()
        yield decoders


@pytest.fixture
def content(tmp_path: Path, make_picture: MakePicture) -> bytes:
    return make_picture(tmp_path / "good.jpg").read_bytes()


@pytest.fixture(scope="module")
def slow() -> bytes:
    """A black picture of 10,000 x 10,000 pixels: small as a file, 400 MB in memory, a second or so to decode."""
    return plain_png(10_000)


def decode(pool: DecoderPool, content: bytes) -> Ready | PictureError | PoolBroke:
    return pool.begin(content, SIZE).result()


def plain_png(side: int) -> bytes:
    """A black picture of `side` x `side` pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(side * 3 + 1)) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def decoder_processes(before: set[int]) -> list[psutil.Process]:
    """The decoders started since `before`: children of a child, the server that forks them."""
    here = psutil.Process()
    return [p for p in here.children(recursive=True) if p.pid not in before and p.ppid() != here.pid]


def is_dead(process: psutil.Process) -> bool:
    """Whether it has ended; the server that forked it may not have asked how, yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def before() -> set[int]:
    """The processes there are already."""
    return {process.pid for process in psutil.Process().children(recursive=True)}


def begin_and_catch(pool: DecoderPool, before: set[int], slow: bytes, sent: signal.Signals) -> "Future[Ready]":
    """Begin a picture that takes a while, and send its decoder a signal once it is at work."""
    [decoder] = decoder_processes(before)
    used = decoder.cpu_times().user
    future = pool.begin(slow, SIZE)
    while decoder.cpu_times().user < used + 0.05 and not future.done():
        time.sleep(0.001)
    decoder.send_signal(sent)
    return future


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


def test_a_decoder_that_hangs_costs_one_picture(before: set[int], content: bytes, slow: bytes) -> None:
    with DecoderPool(1, replace(LARGE, seconds=3)) as decoders:
        decoders.warm_up()
        outcome = begin_and_catch(decoders, before, slow, signal.SIGSTOP).result()
        assert isinstance(outcome, DecoderTrouble)
        assert "took longer than 3 s" in str(outcome)
        assert "decode_seconds" in str(outcome)
        assert isinstance(decode(decoders, content), Ready)


def test_a_picture_that_takes_too_long_costs_itself(slow: bytes) -> None:
    with DecoderPool(1, replace(LARGE, seconds=0.05)) as decoders:  # no decoder is this quick
        decoders.warm_up()
        outcome = decode(decoders, slow)
        assert isinstance(outcome, PictureError)
        assert "took longer than 0.05 s" in str(outcome)
        decoders.warm_up()  # a process is there again


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_setting_the_clock_costs_no_picture(
    before: set[int], content: bytes, slow: bytes, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    with DecoderPool(1, LARGE) as decoders:
        decoders.warm_up()
        future = begin_and_catch(decoders, before, slow, signal.SIGCONT)
        time_of_day = time.time
        monkeypatch.setattr(time, "time", lambda: time_of_day() + jump)
        assert isinstance(future.result(), Ready)
        assert isinstance(decode(decoders, content), Ready)


def test_a_decoder_that_is_killed_costs_one_picture(before: set[int], content: bytes, slow: bytes) -> None:
    with DecoderPool(1, LARGE) as decoders:
        decoders.warm_up()
        killed = begin_and_catch(decoders, before, slow, signal.SIGKILL)
        others = [decoders.begin(content, SIZE) for _ in range(5)]
        outcome = killed.result()
        assert isinstance(outcome, DecoderTrouble)
        assert "its decoder process died (Killed)" in str(outcome)
        assert all(isinstance(other.result(), Ready) for other in others)


def test_killed_idle_decoder(before: set[int], content: bytes, wait_until: Callable[..., None]) -> None:
    """The pool cannot tell what such a process had in hand: it is made anew, and the picture is to be decoded again."""
    with DecoderPool(1, LIMITS) as decoders:
        decoders.warm_up()
        for _ in range(3):
            [idle] = decoder_processes(before)
            idle.kill()
            wait_until(lambda idle=idle: is_dead(idle), 30, "its end")  # type: ignore[misc]
            outcomes = [decode(decoders, content) for _ in range(3)]
            assert isinstance(outcomes[-1], Ready)
            assert all(isinstance(outcome, Ready | PoolBroke) for outcome in outcomes)


def test_killed_fork_server(before: set[int], content: bytes, slow: bytes) -> None:
    """Killing what starts the decoders ends them, and blames no picture."""
    with DecoderPool(1, LARGE) as decoders:
        decoders.warm_up()
        [decoder] = decoder_processes(before)
        at_work = begin_and_catch(decoders, before, slow, signal.SIGCONT)
        waiting = [decoders.begin(content, SIZE) for _ in range(3)]
        psutil.Process(decoder.ppid()).kill()
        assert {type(future.result()) for future in (at_work, *waiting)} <= {Ready, PoolBroke}
        assert isinstance(decode(decoders, content), Ready)


def test_broken_pool_is_retried(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures that wait in a pool that breaks are to be decoded again, but not for ever."""
    with DecoderPool(1, LIMITS) as decoders:
        monkeypatch.setattr("worker.decoding.decoder_pool.BREAKS_IN_A_ROW", 2)
        broken: Future[Ready] = Future()
        broken.set_exception(BrokenProcessPool())
        monkeypatch.setattr(decoders, "_schedule", lambda *_: broken)
        assert [decode(decoders, content), decode(decoders, content)] == [PoolBroke(), PoolBroke()]
        with pytest.raises(DecodersFail):
            decode(decoders, content)


def test_more_memory_than_allowed_costs_one_picture(content: bytes, slow: bytes) -> None:
    with DecoderPool(1, replace(LARGE, megabytes=400)) as decoders:
        outcome = decode(decoders, slow)
        assert isinstance(outcome, PictureError)
        assert "memory" in str(outcome)
        assert isinstance(decode(decoders, content), Ready)


def test_file_larger_than_decoder_memory(content: bytes) -> None:
    """A file larger than a decoders memory costs itself."""
    with DecoderPool(1, replace(LIMITS, megabytes=400)) as decoders:
        outcome = decode(decoders, b"\xff\xd8\xff\xe0" + bytes(400 << 20))
        assert isinstance(outcome, PictureError)
        assert isinstance(decode(decoders, content), Ready)


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


def test_leaving_the_pool_ends_its_processes(before: set[int], content: bytes) -> None:
    with DecoderPool(2, LIMITS) as decoders:
        decode(decoders, content)
        children = decoder_processes(before)
        assert children
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive


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
