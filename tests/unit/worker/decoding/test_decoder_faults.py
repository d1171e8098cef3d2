"""What goes wrong in decoder processes, real ones: whatever a picture does to its decoder, it costs that one picture."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.inputs import Ready
from worker.decoding.troubles import DecodersFail, DecoderTrouble, PoolBroke
from worker.detector.image.picture import PictureError

from .conftest import LIMITS, SIZE, decode, decoder_processes, plain_png

LARGE = replace(LIMITS, pixels=200_000_000)


MakePicture = Callable[..., Path]


@pytest.fixture(scope="module")
def slow() -> bytes:
    """A black picture of 10,000 x 10,000 pixels: small as a file, 400 MB in memory, a second or so to decode."""
    return plain_png(10_000)


def is_dead(process: psutil.Process) -> bool:
    """Whether it has ended; the server that forked it may not have asked how, yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def begin_and_catch(pool: DecoderPool, before: set[int], slow: bytes, sent: signal.Signals) -> "Future[Ready]":
    """Begin a picture that takes a while, and send its decoder a signal once it is at work."""
    [decoder] = decoder_processes(before)
    used = decoder.cpu_times().user
    future = pool.begin(slow, SIZE)
    while decoder.cpu_times().user < used + 0.05 and not future.done():
        time.sleep(0.001)
    decoder.send_signal(sent)
    return future


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
        assert "more than 400 MB (setting decode_megabytes)" in str(outcome)
        assert isinstance(decode(decoders, content), Ready)


def test_file_larger_than_decoder_memory(content: bytes) -> None:
    """A file larger than a decoders memory costs itself."""
    with DecoderPool(1, replace(LIMITS, megabytes=400)) as decoders:
        outcome = decode(decoders, b"\xff\xd8\xff\xe0" + bytes(400 << 20))
        assert isinstance(outcome, PictureError)
        assert isinstance(decode(decoders, content), Ready)


def test_leaving_the_pool_ends_its_processes(before: set[int], content: bytes) -> None:
    with DecoderPool(2, LIMITS) as decoders:
        decode(decoders, content)
        children = decoder_processes(before)
        assert children
    _, alive = psutil.wait_procs(children, timeout=120)
    assert not alive
