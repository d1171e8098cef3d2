"""Workers on a backlog, as a discrete-event simulation: who waits for which core, device or database, and for how long.

python -m tests.benchmarks.simulation [STAGES.json]

The loop is that of worker/pipeline/pipeline.py: batches are claimed and begun while others are in the decoders and before the
network, up to as many as it has in hand. Stage times are recorded by `python -m tests.benchmarks workers` or `.gpu`, which say
them on standard error, or written by hand.
"""

import heapq
import json
import sys
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field, fields
from itertools import count
from pathlib import Path
from typing import Any

IN_HAND = 5  # as in worker/pipeline/in_hand.py
WORKERS = (1, 2, 4, 8, 64)
RECORDED = Path(__file__).with_name("stages.json")


@dataclass(frozen=True)
class Stages:
    """Seconds that each stage takes of what it holds: claim and record for a batch, begin (read, hash, look up) and decode for
    an image, forward for a batch."""

    claim: float
    begin: float
    decode: float
    forward: float
    record: float
    batch: int = 16


@dataclass(frozen=True)
class Site:
    """What the workers share: cores, transactions that write at the same time, and whether each has a device of its own.

    SQLite has one writer; Postgres has as many as it has cores, about. `decoders` are those of one worker.
    """

    cores: int
    writers: int = 1
    own_device: bool = False
    decoders: int = 2


@dataclass
class _Resource:
    free: int
    waiting: deque[tuple["_Process", float | None]] = field(default_factory=deque)
    used: float = 0.0


# A process yields what it wants to hold and for how long, and goes on after that; with None at once, and releases it itself.
_Process = Generator[tuple["_Resource", float | None], None, None]


class _Clock:
    """Holds and queues, in the order of time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = count()
        self._ends: list[tuple[float, int, _Process, _Resource | None]] = []

    def go_on(self, process: _Process) -> None:
        """Let `process` run until it wants something, and give it that or put it in the line."""
        wanted = next(process, None)
        if wanted is not None:
            resource, seconds = wanted
            resource.waiting.append((process, seconds))
            self._serve(resource)

    def run(self) -> None:
        """Until nothing happens any more."""
        while self._ends:
            self.now, _, process, resource = heapq.heappop(self._ends)
            if resource is not None:
                self.release(resource)
            self.go_on(process)

    def release(self, resource: _Resource) -> None:
        """Give it to who waits for it."""
        resource.free += 1
        self._serve(resource)

    def _serve(self, resource: _Resource) -> None:
        while resource.free and resource.waiting:
            process, seconds = resource.waiting.popleft()
            resource.free -= 1
            resource.used += seconds or 0.0
            held = resource if seconds is not None else None
            heapq.heappush(self._ends, (self.now + (seconds or 0.0), next(self._order), process, held))


@dataclass
class _Batch:
    """Images still to be decoded; `done` can be had once there are none, `judged` when the network has seen it."""

    left: int
    done: _Resource = field(default_factory=lambda: _Resource(0))
    judged: _Resource = field(default_factory=lambda: _Resource(0))


@dataclass(frozen=True)
class Outcome:
    """Images a second, and the share of the time that the busiest of each kind was in use."""

    rate: float
    cores: float
    writers: float
    devices: float


def simulate(stages: Stages, site: Site, workers: int, images: int) -> Outcome:
    """`workers` on a backlog of `images`."""
    clock = _Clock()
    cores, writer = _Resource(site.cores), _Resource(site.writers)
    devices = [_Resource(1) for _ in range(workers)] if site.own_device else []
    left = [images // stages.batch]
    for number in range(workers):
        device = devices[number] if devices else cores
        clock.go_on(_worker(clock, stages, left, cores, writer, device, _Resource(site.decoders)))
    clock.run()
    took = clock.now
    busiest = max((device.used for device in devices), default=0.0)
    done = images // stages.batch * stages.batch
    return Outcome(done / took, cores.used / site.cores / took, writer.used / site.writers / took, busiest / took)


def _worker(
    clock: _Clock, stages: Stages, left: list[int], cores: _Resource, writer: _Resource, device: _Resource, decoders: _Resource
) -> _Process:
    """What claims, begins and records; the network is a process of its own for each batch, one at a time."""
    network = _Resource(1)
    decoding: deque[_Batch] = deque()
    while True:
        while left[0] and len(decoding) < IN_HAND:
            left[0] -= 1
            yield writer, stages.claim
            yield cores, stages.begin * stages.batch
            batch = _Batch(stages.batch)
            decoding.append(batch)
            for _ in range(stages.batch):
                clock.go_on(_decode(clock, stages, cores, decoders, batch))
            clock.go_on(_judge(clock, stages, device, network, batch))
        if not decoding:
            return
        yield decoding.popleft().judged, 0.0
        yield writer, stages.record


def _judge(clock: _Clock, stages: Stages, device: _Resource, network: _Resource, batch: _Batch) -> _Process:
    yield batch.done, 0.0
    yield network, None
    yield device, stages.forward
    clock.release(network)
    clock.release(batch.judged)


def _decode(clock: _Clock, stages: Stages, cores: _Resource, decoders: _Resource, batch: _Batch) -> _Process:
    yield decoders, None  # kept while it waits for a core
    yield cores, stages.decode
    clock.release(decoders)
    batch.left -= 1
    if not batch.left:
        clock.release(batch.done)


def read_stages(file: Path) -> dict[str, tuple[Stages, Site]]:
    """The scenes of a file: {name: {stages: {...}, site: {...}}}."""
    scenes: dict[str, Any] = json.loads(file.read_text("utf-8"))
    known = {each.name for each in fields(Stages)}
    return {
        name: (Stages(**{key: value for key, value in scene["stages"].items() if key in known}), Site(**scene["site"]))
        for name, scene in scenes.items()
    }


def main(file: Path) -> None:
    """Print a table of each scene."""
    for name, (stages, site) in read_stages(file).items():
        print(f"\n{name}\n{'workers':>8}{'images/s':>12}{'cores':>8}{'writers':>9}{'device':>8}")
        for workers in WORKERS:
            found = simulate(stages, site, workers, images=200 * workers)
            print(f"{workers:8}{found.rate:12,.0f}{found.cores:8.0%}{found.writers:9.0%}{found.devices:8.0%}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDED)
