"""A worker's loop on real files, a real database and real decoders: what goes on side by side, and what trouble gives back."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import func, select, update

from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.database.models import Detection, File
from scanner.discovery.intake import note_restless
from scanner.domain.asked import Asked
from scanner.domain.claims import SUSPECT_AFTER
from scanner.domain.outcomes import ActiveModel
from scanner.domain.recorded import Listener, Recorded
from scanner.domain.states import State
from scanner.services.scan import take_in_paths
from worker.decoding.decoder_pool import DecoderPool, DecoderTrouble, Limits
from worker.decoding.inputs import Ready
from worker.detector.inference.registry import find_checkpoint
from worker.detector.inference.scorer import Scorer
from worker.pipeline.aggregation import judge
from worker.pipeline.deadline import Deadline
from worker.pipeline.in_hand import IN_HAND
from worker.pipeline.judged import Judged
from worker.pipeline.pipeline import drain
from worker.pipeline.scoring import NetworkFails, OutOfMemory
from worker.pipeline.types import Worker
from worker.service.listeners import all_listeners
from worker.service.model_loading import load_scorer

BATCH = 2
Network = Callable[[NDArray[np.uint8]], NDArray[np.float64]]

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def worker(database: Database, tmp_path: Path, model: ActiveModel, now) -> Iterator[Worker]:
    settings = Settings(tmp_path / "data", settle_seconds=0.1, batch_size=BATCH, decoders=1)
    checkpoint = find_checkpoint("lite", settings.data_dir)
    predictor = load_scorer(checkpoint, replace(settings, device="cpu", runtime="torch"))
    deadline = Deadline(60.0, 60.0, lambda file, seconds: None)
    with DecoderPool(1, Limits(1_000_000, 60.0, 2048)) as decoders:
        yield Worker("worker", settings, database, predictor, model, decoders, lambda: now, deadline)


@pytest.fixture
def pictures(worker: Worker, tmp_path: Path, make_picture: Callable[..., Path], now) -> Callable[[int], list[str]]:
    """`pictures(count)`: so many files of their own content, taken in."""

    def make(count: int) -> list[str]:
        paths = [str(make_picture(tmp_path / f"{number}.jpg", number)) for number in range(count)]
        take_in_paths(worker.settings, worker.database, paths, lambda: now)
        return paths

    return make


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


def test_while_the_network_is_busy_others_are_taken_in_and_decoded_but_not_without_end(
    worker: Worker, pictures: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch, wait_until
) -> None:
    pictures(3 * IN_HAND * BATCH)
    network, begun, go_on = worker.predictor.answers, threading.Event(), threading.Event()

    def slow(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        begun.set()
        assert go_on.wait(60)
        return network(images_BHWC)

    monkeypatch.setattr(worker.predictor, "answers", slow)
    drained: list[int] = []
    thread = threading.Thread(target=lambda: drained.append(drain(worker, lambda: False)))
    thread.start()
    assert begun.wait(60)
    wait_until(lambda: _in_hand(worker.database) == IN_HAND * BATCH, 60, "as many batches as may be in hand")
    time.sleep(0.3)  # time in which more would be claimed
    assert _in_hand(worker.database) == IN_HAND * BATCH
    go_on.set()
    thread.join(60)
    assert drained == [3 * IN_HAND * BATCH]
    assert _in_hand(worker.database) == 0


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
        assert _in_hand(worker.database) == 0
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
            in_hand.append(_in_hand(worker.database))
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
        in_hand.append(_in_hand(worker.database))
        future: Future[DecoderTrouble] = Future()
        future.set_result(DecoderTrouble("its decoding took longer than 60 s of CPU time"))
        return future

    monkeypatch.setattr(worker.decoders, "begin", out_of_time)
    drain(worker, lambda: False)

    assert (row(paths[0]).state, row(paths[0]).error_kind) == expected
    assert in_hand[0] > 1
    assert in_hand[1:] == [1] * (times - 1)
    assert {row(path).state for path in paths[1:]} == {"scored"}


def test_a_content_that_is_only_compared_is_not_decoded_and_nobody_is_told(
    worker: Worker, row, pictures: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch, now
) -> None:
    told: list[Recorded] = []
    worker = replace(worker, tell=told.extend)
    paths = pictures(BATCH)
    drain(worker, lambda: False)
    before = [row(path) for path in paths]
    for path in paths:
        Path(path).chmod(0o640)
    take_in_paths(worker.settings, worker.database, paths, lambda: now)
    told.clear()
    monkeypatch.setattr(worker.decoders, "begin", None)

    assert drain(worker, lambda: False) == BATCH
    after = [row(path) for path in paths]
    assert [(file.state, file.detection_id) for file in after] == [("scored", file.detection_id) for file in before]
    assert told == []


def test_a_picture_that_is_rewritten_again_and_again_is_judged_as_it_is_now(
    worker: Worker, row, pictures: Callable[[int], list[str]], make_picture: Callable[..., Path]
) -> None:
    [camera] = pictures(1)
    make_picture(Path(camera), 99)  # since intake saw it
    note_restless(worker.database, [camera])
    assert drain(worker, lambda: False) == 1
    assert (row(camera).state, row(camera).error) == ("scored", None)


def test_a_content_in_several_batches_is_looked_at_once(
    worker: Worker, row, pictures: Callable[[int], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now
) -> None:
    [path] = pictures(1)
    copies = [tmp_path / f"copy-{number}.jpg" for number in range(3 * BATCH)]
    for copy in copies:
        copy.write_bytes(Path(path).read_bytes())
    take_in_paths(worker.settings, worker.database, [str(copy) for copy in copies], lambda: now)
    looked_at: list[int] = []
    network = worker.predictor.answers

    def counting(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        looked_at.append(len(images_BHWC))
        return network(images_BHWC)

    monkeypatch.setattr(worker.predictor, "answers", counting)

    assert drain(worker, lambda: False) == 1 + len(copies)
    assert looked_at == [1]
    assert {row(str(each)).state for each in [path, *copies]} == {"scored"}


def test_bytes_that_wait_for_a_decoder_are_bounded(
    worker: Worker, pictures: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = pictures(6)
    largest = max(Path(path).stat().st_size for path in paths)
    monkeypatch.setattr("worker.pipeline.in_hand.BYTES_IN_HAND", largest)
    undone: list[int] = []
    futures = []
    begin = worker.decoders.begin

    def counting(content, size, shown, **more):
        undone.append(sum(not future.done() for future in futures))
        futures.append(begin(content, size, shown, **more))
        return futures[-1]

    monkeypatch.setattr(worker.decoders, "begin", counting)

    assert drain(worker, lambda: False) == 6
    assert max(undone) <= 1


@pytest.mark.parametrize("runtime", ["onnxruntime", "torch-bf16"])
def test_the_verdict_says_what_ran_the_network(worker: Worker, pictures: Callable[[int], list[str]], runtime: str) -> None:
    pictures(1)
    settings = replace(worker.settings, device="cpu", runtime=runtime)
    scorer = load_scorer(find_checkpoint("lite", settings.data_dir), settings)

    assert drain(replace(worker, predictor=scorer), lambda: False) == 1
    with worker.database.read() as session:
        assert session.scalars(select(Detection.device)).all() == [f"cpu, {runtime}"]


def _in_hand(database: Database) -> int:
    held = select(func.count()).select_from(File).where(File.lease_owner.is_not(None), File.state == State.PENDING)
    with database.read() as session:
        return session.scalar(held) or 0


def test_listeners_are_told_after_the_commit_and_what_goes_wrong_there_charges_no_file(
    worker: Worker, row, pictures: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = pictures(3 * BATCH)
    seen: list[tuple[str, str]] = []

    @contextmanager
    def listens(_: Settings) -> Iterator[Listener]:
        def tell(recorded: Sequence[Recorded]) -> None:
            seen.extend((one.file.path, row(one.file.path).state) for one in recorded)
            raise RuntimeError("the webhook is down")

        yield tell

    monkeypatch.setattr("worker.service.listeners.on_flagged", listens)
    with all_listeners(worker.settings) as tell:
        assert drain(replace(worker, tell=tell), lambda: False) == len(paths)
    assert sorted(seen) == sorted((path, "scored") for path in paths)
    assert {(row(path).state, row(path).attempts) for path in paths} == {("scored", 1)}


@pytest.mark.parametrize(("faces", "way"), [(False, "whole"), (True, "faces"), (None, "faces")])
def test_faces_are_looked_for_as_the_job_asks(
    worker: Worker, database: Database, pictures: Callable[[int], list[str]], faces: bool | None, way: str
) -> None:
    """Whatever the worker's own setting is, which counts where nothing was asked."""
    pictures(1)
    with database.write() as session:
        session.execute(update(File).values(asked_faces=faces))
    assert drain(worker, lambda: False) == 1
    with database.read() as session:
        found = session.scalars(select(Detection)).one()
    assert (found.made_with, found.faces is None) == (way, way == "whole")


def test_a_job_for_another_model_is_left_alone(worker: Worker, database: Database, pictures: Callable[[int], list[str]]) -> None:
    pictures(2)
    with database.write() as session:
        session.execute(update(File).where(File.path.endswith("1.jpg")).values(asked_model="22" * 32))
    assert drain(worker, lambda: False) == 1
    with database.read() as session:
        assert set(session.scalars(select(File.state))) == {"scored", "pending"}


def test_a_video_waits_for_a_worker_that_reads_videos(
    worker: Worker, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(100))
    take_in_paths(replace(worker.settings, videos=True), database, [str(path)], lambda: now, lambda: Asked(videos=True))
    monkeypatch.setattr("worker.pipeline.read.has_video_reader", lambda: False)
    drain(worker, lambda: False)
    with database.read() as session:
        found = session.scalars(select(File)).one()
    assert (found.state, found.error_kind, found.attempts) == ("pending", "unreachable", 0)
