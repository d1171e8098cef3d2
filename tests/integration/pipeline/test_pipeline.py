"""A worker's loop: what goes on side by side, what is done once, and what is told."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from files.in_hand import BATCH, leased
from numpy.typing import NDArray
from sqlalchemy import select, update

from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.database.models import Detection, File
from scanner.discovery.intake import note_restless
from scanner.domain.asked import Asked
from scanner.domain.recorded import Listener, Recorded
from scanner.jobs.leases import claim
from scanner.services.scan import take_in_paths
from worker.detector.inference.registry import find_checkpoint
from worker.pipeline.in_hand import FIRST_FILES, IN_HAND
from worker.pipeline.pipeline import drain
from worker.pipeline.read import read
from worker.pipeline.types import Worker
from worker.service.listeners import all_listeners
from worker.service.model_loading import load_scorer

Network = Callable[[NDArray[np.uint8]], NDArray[np.float64]]

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


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
    wait_until(lambda: leased(worker.database) == IN_HAND * BATCH, 60, "as many batches as may be in hand")
    time.sleep(0.3)  # time in which more would be claimed
    assert leased(worker.database) == IN_HAND * BATCH
    go_on.set()
    thread.join(60)
    assert drained == [3 * IN_HAND * BATCH]
    assert leased(worker.database) == 0


@pytest.mark.parametrize(
    ("stage", "seconds_each", "expected"), [("network", 0.5, (8, 10)), ("reading", 0.5, (8, 10)), ("network", 0.001, (40, 64))]
)
def test_batches_follow_the_slowest_stage(
    worker: Worker,
    pictures: Callable[[int], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    seconds_each: float,
    expected: tuple[int, int],
) -> None:
    """By a clock that only that stage moves on."""
    worker = replace(worker, settings=replace(worker.settings, batch_size=64, faces=False))
    seconds, claims = [0.0], list[int]()
    network = worker.predictor.answers

    def take(images: int) -> None:
        seconds[0] += images * seconds_each

    def claimed(*arguments, **more):
        claims.append(arguments[2])
        return claim(*arguments, **more)

    def reading(*arguments):
        take(1)
        return read(*arguments)

    def judging(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        take(len(images_BHWC))
        return np.repeat(network(images_BHWC[:1]), len(images_BHWC), axis=0)

    monkeypatch.setattr("worker.pipeline.in_hand.IN_HAND", 1)  # what follows is told by fewer pictures
    monkeypatch.setattr("worker.pipeline.pipeline.monotonic", lambda: seconds[0])
    monkeypatch.setattr("worker.pipeline.pipeline.claim", claimed)
    if stage == "network":
        monkeypatch.setattr(worker.predictor, "answers", judging)
    else:
        monkeypatch.setattr("worker.pipeline.pipeline.read", reading)
    pictures(FIRST_FILES + 1)

    assert drain(worker, lambda: False) == FIRST_FILES + 1
    first, second, *_ = claims
    assert first == FIRST_FILES
    assert expected[0] <= second <= expected[1]


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
