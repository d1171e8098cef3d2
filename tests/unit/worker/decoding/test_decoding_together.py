"""Small pictures that a decoder is asked for together: each as if it were asked for alone, whatever the others are."""

import sys
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from signing import TRAINED, signed

from scanner.processes import together as groups
from scanner.processes.work import Work
from worker.decoding.decoder_pool import MODULES, DecoderPool
from worker.decoding.inputs import Ready
from worker.decoding.limits import Limits
from worker.decoding.troubles import DecodersFail, DecoderTrouble, PoolBroke
from worker.detector.image.picture import NeedsMemory, PictureError

LIMITS = Limits(pixels=50_000_000, seconds=60, megabytes=3072)
SIZE = 64

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds the processes as Linux does")


@pytest.fixture
def contents(tmp_path: Path, make_picture: Callable[..., Path]) -> list[bytes]:
    """A batch, of which a few are no pictures."""
    found = [make_picture(tmp_path / f"{seed}.jpg", seed).read_bytes() for seed in range(16)]
    return [b"no picture" * 1000 if number % 5 == 3 else content for number, content in enumerate(found)]


def asked(pool: DecoderPool, monkeypatch: pytest.MonkeyPatch) -> list[Work]:
    """The works that the pool is asked from now on."""
    works: list[Work] = []
    schedule = pool._pool.schedule
    monkeypatch.setattr(pool._pool, "schedule", lambda work: (works.append(work), schedule(work))[1])
    return works


def same(one: object, other: object) -> bool:
    if isinstance(one, Ready) and isinstance(other, Ready):
        pixels = zip(one.inputs, other.inputs, strict=True)
        equal = all(np.array_equal(mine, its) for a, b in pixels for mine, its in zip(a.views, b.views, strict=True))
        return equal and replace(one, inputs=()) == replace(other, inputs=())
    return (type(one), str(one)) == (type(other), str(other))


def test_they_come_back_as_if_asked_for_alone(pool: DecoderPool, contents: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    alone = [pool.begin(content, SIZE).result() for content in contents]
    works = asked(pool, monkeypatch)
    together = [future.result() for future in pool.begin_all(contents, SIZE)]
    assert sum(isinstance(one, Ready) for one in together) == 13
    assert all(same(one, other) for one, other in zip(together, alone, strict=True))
    assert [work.count for work in works] == [8, 8]  # one for each process


def test_a_few_are_spread_over_the_processes(pool: DecoderPool, contents: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    works = asked(pool, monkeypatch)
    assert pool.begin_all([], SIZE) == []
    assert len([future.result() for future in pool.begin_all(contents[:3], SIZE)]) == 3
    assert [work.count for work in works] == [1, 1, 1]


def test_a_signed_record_among_them(pool: DecoderPool, contents: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(contents[0])
    record = signed(tmp_path / "a.jpg", actions=[{"action": "c2pa.created", "digitalSourceType": TRAINED}])
    _, ready, *_ = [future.result() for future in pool.begin_all([contents[1], record, *contents[4:8]], SIZE)]
    assert isinstance(ready, Ready)
    assert not ready.is_signed
    assert "c2pa" in {one.kind for one in ready.evidence or ()}


def hangs(content: bytes, *_: object) -> Ready:
    while b"hang" in content:
        pass
    return Ready((), "JPEG", 1, 1)


def dies(content: bytes, *_: object) -> Ready:
    if b"hang" in content:
        psutil.Process().kill()
    return Ready((), "JPEG", 1, 1)


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Processes that know this module, as they know what decodes; gives how many works each of their answers was for."""
    told: list[int] = []
    monkeypatch.setattr("worker.decoding.decoder_pool.MODULES", (*MODULES, __name__))
    monkeypatch.setattr("worker.decoding.decoder_pool.read_ready", lambda answer, **_: answer.document["format"])
    read_each = groups._read_each
    monkeypatch.setattr(groups, "_read_each", lambda answer, **more: told.append(more["count"]) or read_each(answer, **more))
    return told


@pytest.mark.parametrize(("work", "why"), [(hangs, "took longer than 2 s"), (dies, "died (Killed)")])
def test_what_one_does_to_its_decoder_costs_that_one(
    monkeypatch: pytest.MonkeyPatch, prepared: list[int], work: Callable[..., Ready], why: str
) -> None:
    """Those that it was asked for with are decoded again, each alone."""
    monkeypatch.setattr("worker.decoding.decoder_pool._decode", work)
    with DecoderPool(1, replace(LIMITS, seconds=2)) as decoders:
        decoders.warm_up()
        outcomes = [future.result() for future in decoders.begin_all([b"a", b"b", b"hang", b"d"], SIZE)]
        assert [future.result() for future in decoders.begin_all([b"a", b"b"], SIZE)] == ["JPEG"] * 2
    assert prepared == [2]  # the first four were given up together
    assert outcomes[:2] + outcomes[3:] == ["JPEG"] * 3
    assert isinstance(outcomes[2], DecoderTrouble)
    assert why in str(outcomes[2])


def needs_memory(content: bytes, *_: object) -> Ready:
    """As a picture that has enough alone, and not beside what is made of others."""
    if b"large" in content and _done:
        raise NeedsMemory
    _done.append(content)
    return Ready((), "JPEG", 1, 1)


_done: list[bytes] = []


def test_one_that_lacks_memory_beside_others_is_decoded_alone(monkeypatch: pytest.MonkeyPatch, prepared: list[int]) -> None:
    monkeypatch.setattr("worker.decoding.decoder_pool._decode", needs_memory)
    monkeypatch.setattr("worker.decoding.decoder_pool.PICTURES_PER_PROCESS", 2)  # alone it has a process of its own
    with DecoderPool(1, LIMITS) as decoders:
        decoders.warm_up()
        assert [future.result() for future in decoders.begin_all([b"a", b"large"], SIZE)] == ["JPEG"] * 2
    assert prepared == [2]


def test_a_pool_that_breaks(contents: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """They are to be decoded again, but not for ever."""
    with DecoderPool(1, LIMITS) as decoders:
        monkeypatch.setattr("worker.decoding.decoder_pool.BREAKS_IN_A_ROW", 3)
        broken: Future[Any] = Future()
        broken.set_exception(BrokenProcessPool())
        monkeypatch.setattr(decoders._pool, "schedule", lambda _: broken)
        outcomes = [future.result() for future in decoders.begin_all(contents[:2], SIZE)]
        assert outcomes == [PoolBroke(), PoolBroke()]
        with pytest.raises(DecodersFail):
            [future.result() for future in decoders.begin_all(contents[:2], SIZE)]


def test_a_pool_that_ends_leaves_no_picture_without_an_answer(contents: list[bytes]) -> None:
    with DecoderPool(1, LIMITS) as decoders:
        futures = decoders.begin_all(contents, SIZE)
    assert {type(future.result()) for future in futures} <= {Ready, PoolBroke, PictureError}


def test_processes_are_replaced_after_so_many_pictures(contents: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """However many were asked for at once."""
    monkeypatch.setattr("worker.decoding.decoder_pool.PICTURES_PER_PROCESS", 8)
    seen = set[int]()
    with DecoderPool(1, LIMITS) as decoders:
        for _ in range(3):
            [future.result() for future in decoders.begin_all(contents[:8], SIZE)]
            decoders.warm_up()  # another is there, and counts this as a picture
            seen |= {child.pid for child in psutil.Process().children(recursive=True)}
    assert len(seen) >= 4  # the server, and its processes
