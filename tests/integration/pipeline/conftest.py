"""A worker with real decoders on a real database, without a process of its own."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from files.in_hand import BATCH

from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.domain.outcomes import ActiveModel
from scanner.services.scan import take_in_paths
from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.limits import Limits
from worker.detector.inference.registry import find_checkpoint
from worker.detector.inference.scorer import Scorer
from worker.pipeline.deadline import Deadline
from worker.pipeline.types import Worker
from worker.service.model_loading import load_scorer


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    """The bundled small detector, loaded once."""
    settings = Settings(tmp_path_factory.mktemp("data"), device="cpu", runtime="torch")
    return load_scorer(find_checkpoint("lite", settings.data_dir), settings)


@pytest.fixture(scope="module")
def decoders() -> Iterator[DecoderPool]:
    """One decoder for all tests: whatever a picture does to it, it is there for the next."""
    with DecoderPool(1, Limits(1_000_000, 60.0, 2048)) as pool:
        yield pool


@pytest.fixture
def worker(
    database: Database, tmp_path: Path, model: ActiveModel, predictor: Scorer, decoders: DecoderPool, now: datetime
) -> Worker:
    settings = Settings(tmp_path / "data", settle_seconds=0.1, batch_size=BATCH, decoders=1)
    deadline = Deadline(60.0, 60.0, lambda file, seconds: None)
    return Worker("worker", settings, database, predictor, model, decoders, lambda: now, deadline)


@pytest.fixture
def pictures(worker: Worker, tmp_path: Path, make_picture: Callable[..., Path], now) -> Callable[[int], list[str]]:
    """`pictures(count)`: so many files of their own content, taken in."""

    def make(count: int) -> list[str]:
        paths = [str(make_picture(tmp_path / f"{number}.jpg", number)) for number in range(count)]
        take_in_paths(worker.settings, worker.database, paths, lambda: now)
        return paths

    return make
