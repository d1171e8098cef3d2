"""What becomes of the files in hand when work on them ends with an error, and whether the attempt counts."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from scanner.base.errors import KnownError
from scanner.database.engine import DatabaseUnavailable
from scanner.jobs.leases import release

from ..decoding.troubles import DecodersFail
from .scoring import NetworkFails, OutOfMemory
from .types import Worker

# What goes wrong around the work, whatever the files are.
SURROUNDINGS = (KnownError, OutOfMemory, NetworkFails, DecodersFail, MemoryError, OSError)


@contextmanager
def leases(worker: Worker) -> Iterator[None]:
    """The leases of a worker: when anything but a file goes wrong, everything in hand is given back and the error is raised.

    Files are charged only where it is a bug of ours: one of them may have met it, and would meet it for ever; charged, they are
    soon taken one by one.
    """
    try:
        # What an earlier drain held when the database went away is ours still, and would be as long as we live.
        release(worker.database, worker.name, charge=False)
        yield
    except BaseException as error:
        is_bug = isinstance(error, Exception) and not isinstance(error, SURROUNDINGS)
        # Without a database the leases run out by themselves.
        with suppress(DatabaseUnavailable):
            release(worker.database, worker.name, charge=is_bug)
        raise
