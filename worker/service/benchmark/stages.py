"""What each file of a sample costs, stage by stage: one after the other, each stage alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from scanner.discovery.walk import Found
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import Failed, Unreachable

from ...decoding.decoder_pool import DecoderPool
from ...decoding.inputs import Ready
from ...pipeline.aggregation import judge
from ...pipeline.read import read
from ...pipeline.types import Item, Worker


@dataclass(frozen=True)
class Cost:
    """Seconds that one file takes in each stage; `failed` is why it has no score. `sha256` is of what was read."""

    reading: float
    decoding: float = 0.0
    faces: float = 0.0
    network: float = 0.0
    inputs: int = 0
    failed: str | None = None
    sha256: str | None = None

    @property
    def work(self) -> float:
        """Of decoders and network together."""
        return self.decoding + self.faces + self.network


def measured(worker: Worker, one: DecoderPool, found: Sequence[Found]) -> list[Cost]:
    """The cost of each of `found`, with the decoder process `one`. The first is looked at twice, as beginning takes longer."""
    if found:
        _cost_of(worker, one, found[0])
    return [_cost_of(worker, one, entry) for entry in found]


def _cost_of(worker: Worker, one: DecoderPool, entry: Found) -> Cost:
    file = Claimed(0, entry.path, entry.size, entry.mtime_ns)
    began = perf_counter()
    item = read(worker, file)
    reading = perf_counter() - began
    if not isinstance(item, Item):
        reason = item.reason if isinstance(item, Failed | Unreachable) else "it changed or went while it was read"
        return Cost(reading, failed=reason)
    looks = worker.settings.faces
    plain, decoding = _decoded(worker, one, item, faces=False)
    ready, both = _decoded(worker, one, item, faces=True) if looks else (plain, decoding)
    if not isinstance(ready, Ready):
        return Cost(reading, decoding, failed=str(ready) or "its decoder ended", sha256=item.facts.sha256)
    began = perf_counter()
    judge(worker.predictor, worker.model, [ready])
    network = perf_counter() - began
    inputs = sum(len(shown.views) for part in ready.parts for shown in part.inputs)
    return Cost(reading, decoding, max(0.0, both - decoding), network, inputs, sha256=item.facts.sha256)


def _decoded(worker: Worker, one: DecoderPool, item: Item, *, faces: bool) -> tuple[object, float]:
    first, *others = worker.predictor.wanted
    began = perf_counter()
    decoded = one.begin(item.source, first.size, first.shown, faces=faces, others=others).result()
    return decoded, perf_counter() - began
