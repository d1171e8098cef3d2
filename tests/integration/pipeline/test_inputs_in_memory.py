"""What is decoded waits for the network in memory: crowds that come after simple pictures do not take all of it."""

from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import replace

import pytest
from sqlalchemy import select

from scanner.database.models import File
from scanner.domain.claims import Claimed
from scanner.jobs.leases import claim
from worker.pipeline.in_hand import InHand
from worker.pipeline.pipeline import drain
from worker.pipeline.read import read
from worker.pipeline.types import Worker

Seen = Callable[[InHand], None]

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Callable[[Seen], None]:
    """`look(seen)`: call it with what is in hand before each file is read; each is with the decoders before the next is read."""

    def begin(seen: Seen) -> None:
        in_hand = InHand()

        def reading(worker: Worker, file: Claimed):
            seen(in_hand)
            return read(worker, file)

        monkeypatch.setattr("worker.pipeline.pipeline.InHand", lambda: in_hand)
        monkeypatch.setattr("worker.pipeline.pipeline.read", reading)
        monkeypatch.setattr("worker.pipeline.pipeline.READ_AT_ONCE", 0)

    return begin


def test_the_rest_of_a_batch_is_given_back_while_inputs_fill_the_memory(
    worker: Worker, pictures: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch, look: Callable[[Seen], None]
) -> None:
    worker = replace(worker, settings=replace(worker.settings, batch_size=64, faces=False))
    size = worker.predictor.wanted[0].size
    most, claims = list[int](), list[int]()

    def all_decoded(in_hand: InHand) -> None:
        wait([item.decoding for item in in_hand.contents.values() if item.decoding])
        most.append(len(in_hand.contents))

    def claimed(*arguments, **more):
        files = claim(*arguments, **more)
        claims.append(len(files))
        return files

    monkeypatch.setattr("worker.pipeline.in_hand.INPUT_BYTES", 3 * size * size * 3)
    monkeypatch.setattr("worker.pipeline.pipeline.claim", claimed)
    look(all_decoded)
    pictures(12)

    assert drain(worker, lambda: False) == 12
    first, second, *_ = claims
    assert first == 12
    assert second in (7, 8)  # the fourth may be decoded before the fifth is begun
    assert max(most) == 4
    with worker.database.read() as session:
        assert set(session.execute(select(File.state, File.attempts, File.lease_owner))) == {("scored", 1, None)}


def test_few_pictures_with_faces_wait_for_decoders(
    worker: Worker, pictures: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch, look: Callable[[Seen], None]
) -> None:
    waiting = list[int]()

    def undecoded(in_hand: InHand) -> None:
        decodings = [item.decoding for item in in_hand.contents.values() if item.decoding]
        waiting.append(sum(not one.done() for one in decodings))

    monkeypatch.setattr("worker.pipeline.pipeline.CROWDS", 2)
    monkeypatch.setattr("worker.pipeline.pipeline.CROWDS_EACH", 1)
    worker = replace(worker, settings=replace(worker.settings, batch_size=64))
    look(undecoded)
    pictures(12)

    assert drain(worker, lambda: False) == 12
    assert max(waiting) <= 2
