"""A worker's loop in trouble: what is given back uncharged, what is tried again alone, and what is given up."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from files.in_hand import BATCH, leased
from numpy.typing import NDArray
from sqlalchemy import update

from scanner.database.models import File
from scanner.domain.claims import SUSPECT_AFTER
from scanner.domain.outcomes import ActiveModel
from scanner.services.scan import take_in_paths
from worker.decoding.inputs import Ready
from worker.decoding.troubles import DecoderTrouble
from worker.detector.inference.scorer import Scorer
from worker.pipeline.aggregation import judge
from worker.pipeline.in_hand import IN_HAND
from worker.pipeline.judged import Judged
from worker.pipeline.pipeline import drain
from worker.pipeline.scoring import NetworkFails, OutOfMemory
from worker.pipeline.types import Worker

Network = Callable[[NDArray[np.uint8]], NDArray[np.float64]]

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("error", "seen_as"), [(MemoryError("no room"), OutOfMemory), (RuntimeError("the device is gone"), NetworkFails)]
)
def test_what_fails_on_every_picture_charges_no_file(
    worker: Worker,
    row,
    pictures: Callable[[int], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    seen_as: type[Exception],
) -> None:
    paths = pictures(5)

    def fails(_: NDArray[np.uint8]) -> NDArray[np.float64]:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(worker.predictor, "answers", fails)
        for _ in range(worker.settings.max_attempts + 1):
            with pytest.raises(seen_as, match=str(error)):
                drain(worker, lambda: False)
    found = [row(path) for path in paths]
    assert {(file.state, file.attempts, file.lease_owner) for file in found} == {("pending", 0, None)}
    assert drain(worker, lambda: False) == 5
    assert {row(path).state for path in paths} == {"scored"}


def test_a_file_that_meets_a_bug_of_ours_is_given_up_and_stops_no_other(
    worker: Worker, row, pictures: Callable[[int], list[str]], make_picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now
) -> None:
    poison = str(make_picture(tmp_path / "poison.png", size=(99, 99)))
    take_in_paths(worker.settings, worker.database, [poison], lambda: now)
    others = pictures(3 * BATCH)

    def buggy(predictor: Scorer, model: ActiveModel, contents: Sequence[Ready]) -> list[Judged | str]:
        if any(ready.width == 99 for ready in contents):
            raise ZeroDivisionError
        return judge(predictor, model, contents)

    monkeypatch.setattr("worker.pipeline.pipeline.judge", buggy)
    for _ in range(worker.settings.max_attempts):
        with pytest.raises(ZeroDivisionError):
            drain(worker, lambda: False)
    drain(worker, lambda: False)
    assert (row(poison).state, row(poison).error_kind) == ("failed", "gave-up")
    assert {row(path).state for path in others} == {"scored"}


def test_a_stop_finishes_what_the_network_has_and_gives_the_rest_back_uncharged(
    worker: Worker, row, pictures: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = pictures(3 * IN_HAND * BATCH)
    network, stopped = worker.predictor.answers, threading.Event()

    def stopping(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        stopped.set()
        return network(images_BHWC)

    monkeypatch.setattr(worker.predictor, "answers", stopping)

    concluded = drain(worker, stopped.is_set)

    assert BATCH <= concluded <= IN_HAND * BATCH
    files = [row(path) for path in paths]
    assert sum(file.state == "scored" for file in files) == concluded
    assert {(file.attempts, file.lease_owner) for file in files if file.state == "pending"} == {(0, None)}
    assert drain(worker, lambda: False) == len(paths) - concluded


def test_a_worker_that_is_to_end_finishes_what_it_has_and_always_gets_on(
    worker: Worker, row, pictures: Callable[[int], list[str]]
) -> None:
    paths = pictures(3 * IN_HAND * BATCH)
    left = len(paths)
    while left:
        concluded = drain(worker, lambda: False, lambda: True)
        assert BATCH <= concluded <= IN_HAND * BATCH
        left -= concluded
        assert leased(worker.database) == 0
        assert {row(path).attempts for path in paths} <= {0, 1}


def test_one_that_may_have_ended_a_worker_is_alone_in_its_hands(
    worker: Worker, pictures: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = pictures(2 * BATCH + 2)
    with worker.database.write() as session:
        session.execute(update(File).where(File.path.in_(paths[:2])).values(attempts=SUSPECT_AFTER))
    in_hand: list[int] = []
    network = worker.predictor.answers

    def counting(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        if len(images_BHWC) == 1:
            in_hand.append(leased(worker.database))
        return network(images_BHWC)

    monkeypatch.setattr(worker.predictor, "answers", counting)

    assert drain(worker, lambda: False) == len(paths)
    assert in_hand == [1, 1]


@pytest.mark.parametrize(
    ("times", "max_attempts", "expected"),
    [(1, 5, ("scored", None)), (2, 5, ("failed", "undecodable")), (1, 2, ("scored", None)), (1, 1, ("failed", "undecodable"))],
)
def test_a_file_whose_decoder_ran_out_of_time_is_tried_again_alone(
    worker: Worker,
    row,
    pictures: Callable[[int], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    times: int,
    max_attempts: int,
    expected: tuple[str, str | None],
) -> None:
    worker = replace(worker, settings=replace(worker.settings, max_attempts=max_attempts))
    paths = pictures(2 * BATCH)
    slow = Path(paths[0]).read_bytes()
    begin, in_hand = worker.decoders.begin, list[int]()

    def out_of_time(content, size, shown, **more):
        if content != slow or len(in_hand) == times:
            return begin(content, size, shown, **more)
        in_hand.append(leased(worker.database))
        future: Future[DecoderTrouble] = Future()
        future.set_result(DecoderTrouble("its decoding took longer than 60 s of CPU time"))
        return future

    monkeypatch.setattr(worker.decoders, "begin", out_of_time)
    drain(worker, lambda: False)

    assert (row(paths[0]).state, row(paths[0]).error_kind) == expected
    assert in_hand[0] > 1
    assert in_hand[1:] == [1] * (times - 1)
    assert {row(path).state for path in paths[1:]} == {"scored"}
