"""A scan for trial: the worker's own pipeline on a sample, with a database that is thrown away. Nobody is told of it."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from sqlalchemy import func, select

from scanner.base.addresses.sqlite_urls import sqlite_url
from scanner.base.settings import Settings
from scanner.database.engine import open_database
from scanner.database.models import File
from scanner.database.schema import prepare_schema
from scanner.discovery.intake import BATCH, take_in
from scanner.discovery.walk import Found
from scanner.domain.states import State

from ...decoding.decoder_pool import DecoderPool
from ...decoding.limits import Limits
from ...pipeline.pipeline import drain
from ...pipeline.types import Worker
from ..process import load_worker

NAME = "benchmark"


@dataclass(frozen=True)
class Trial:
    """Seconds for taking the files in and for all else; how many files, and of how many contents their verdicts are."""

    intake: float
    seconds: float
    files: int
    scored: int
    contents: int


@contextmanager
def decoders_of(settings: Settings, processes: int) -> Iterator[DecoderPool]:
    """So many decoders, ready, as a worker has them."""
    with DecoderPool(processes, Limits.of(settings), faces=settings.faces, scaled=settings.scaled_decode) as decoders:
        decoders.warm_up()
        yield decoders


@contextmanager
def trial_worker(settings: Settings, checkpoint: Path) -> Iterator[Worker]:
    """A worker in this process, on a database of its own that ends with it. Raises what loading a model raises."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dfscan-benchmark-")))
        database = open_database(sqlite_url(folder / "trial.sqlite"))
        stack.callback(database.close)
        prepare_schema(database)
        decoders = stack.enter_context(decoders_of(settings, settings.decoders))
        yield load_worker(settings, checkpoint, NAME, database, decoders)


def try_out(worker: Worker, found: Sequence[Found]) -> Trial:
    """Scan these files, of which the database knows none yet."""
    began = perf_counter()
    for start in range(0, len(found), BATCH):
        take_in(worker.database, found[start : start + BATCH], root_id=None, now=worker.now())
    taken = perf_counter()
    drain(worker, lambda: False)
    ended = perf_counter()
    with worker.database.read() as session:
        scored, contents = session.execute(
            select(func.count(), func.count(File.content_id.distinct())).where(File.state == State.SCORED)
        ).one()
    return Trial(taken - began, ended - taken, len(found), scored, contents)
