"""Trouble in the middle of a worker's work that is no file's fault: each file is given back, none is charged."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scanner.database.engine import Database
from scanner.foreground import take_in_paths
from scanner.settings import Settings
from scanner.verdicts import ActiveModel
from worker.deadline import Deadline
from worker.decoding import DecoderPool, Limits
from worker.detector.device import choose_device
from worker.detector.predictor import load_predictor
from worker.detector.registry import find_checkpoint
from worker.drain import Worker, drain
from worker.public_weights import named_backbones
from worker.scoring import OutOfMemory


@pytest.fixture
def worker(database: Database, tmp_path: Path, model: ActiveModel, now) -> Iterator[Worker]:
    settings = Settings(tmp_path / "data", settle_seconds=0.1, batch_size=2, decoders=1)
    checkpoint = find_checkpoint("lite", settings.data_dir)
    predictor = load_predictor(checkpoint, choose_device("cpu"), files=named_backbones(settings), micro_batch=2)
    deadline = Deadline(60.0, 60.0, lambda file, seconds: None)
    with DecoderPool(1, Limits(1_000_000, 60.0, 2048)) as decoders:
        yield Worker("worker", settings, database, predictor, model, decoders, lambda: now, deadline)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_without_memory_for_even_one_picture_no_file_is_charged(
    worker: Worker, row, tmp_path: Path, make_picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, now
) -> None:
    paths = [make_picture(tmp_path / f"{number}.jpg", number) for number in range(5)]
    take_in_paths(worker.settings, worker.database, [str(path) for path in paths], lambda: now)

    def full(_: NDArray[np.uint8]) -> NDArray[np.float64]:
        raise MemoryError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(worker.predictor, "scores", full)
        for _ in range(worker.settings.max_attempts + 1):
            with pytest.raises(OutOfMemory):
                drain(worker, lambda: False)
    found = [row(str(path)) for path in paths]
    assert {(file.state, file.attempts, file.lease_owner) for file in found} == {("pending", 0, None)}
    assert drain(worker, lambda: False) == 5
    assert {row(str(path)).state for path in paths} == {"scored"}
