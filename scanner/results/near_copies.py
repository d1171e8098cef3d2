"""Near copies: contents that show the same picture, resized or encoded anew, told by their perceptual hashes.

How near is near was measured (`tests/benchmarks/near_copies.py`, 2,000 of the development faces, 2026-11-25). Within 4 of 64
bits lie at least 99.9 % of copies encoded anew as JPEG (quality 30 or 75) or at half or twice the size, and 99.2 % of those at a
third of the size as WebP of quality 50. A picture of something else lies within 4 of 0.4 % of the pictures, within 6 of 0.9 %,
within 8 of 2.1 %. Crops of one person from one clip may be near copies by this measure: 3.0 % of DFDC's have one of the same
group within 4. Cutting 3 % off each side leaves only 18 % of copies within 4.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from ..database.engine import Database
from ..database.hamming import BitsApart, bits_apart
from ..database.models import Content, Detection, File, Review
from ..database.queries import unindexed
from ..domain.states import Decision, State

# Bits of 64 in which the fingerprints of near copies may differ.
DISTANCE = 4
_BITS = 64
# What waits to be scanned again keeps its verdict until then.
_WITH_VERDICT = (State.SCORED, State.PENDING)
# Of `distance` + this many bands of bits, this many are equal in two near fingerprints: each differing bit spoils one at most.
_EQUAL_BANDS = 2
_GROUP_DIGITS = 12


@dataclass(frozen=True)
class NearCopy:
    """A content near another: `distance` is in bits of 64, `path` one of its files that are there, with its verdict.

    `decision` is what a person has decided on it, None where no one has.
    """

    content_id: int
    sha256: str
    distance: int
    file_id: int
    path: str
    label: str
    score: float
    decision: str | None = None


def near_copies(database: Database, content_id: int, *, distance: int = DISTANCE, limit: int = 20) -> tuple[NearCopy, ...]:
    """Other contents within `distance` of one that have a scored file, the nearest first; () where the content is flat.

    At most `limit` of them. Every fingerprint in the database is compared, in one pass over their index.
    """
    me, other, first = aliased(Content), aliased(Content), aliased(File)
    mine = select(me.fingerprint).where(me.id == content_id).scalar_subquery()
    # Each differing bit spoils one band of more: only where one is equal are bits counted, which SQLite asks Python for.
    equal = (other.fingerprint.bitwise_and(band) == mine.bitwise_and(band) for band in map(_signed, _bands(distance + 1)))
    near = select(other.id, BitsApart(other.fingerprint, mine).label("distance")).where(
        other.id != content_id, or_(*equal), BitsApart(other.fingerprint, mine) <= distance
    )
    found = near.offset(0).cte("near")  # by itself: joined with files, it would be asked of each of them
    # One file for each content: the first by path.
    earlier = select(first.id).where(first.content_id == File.content_id, first.state.in_(_WITH_VERDICT), first.path < File.path)
    latest = select(Review.decision).where(Review.content_id == found.c.id).order_by(Review.id.desc()).limit(1)
    decided = func.nullif(latest.scalar_subquery(), Decision.WITHDRAWN.value)
    query = (
        select(found.c.id, Content.sha256, found.c.distance, File.id, File.path, Detection.label, Detection.score, decided)
        .select_from(found)
        .join(Content, Content.id == found.c.id)
        .join(File, File.content_id == found.c.id)
        .join(Detection, Detection.id == File.detection_id)
        .where(unindexed(File.state).in_(_WITH_VERDICT), ~earlier.exists())
        .order_by(found.c.distance, File.path)
        .limit(limit)
    )
    with database.read() as session:
        return tuple(NearCopy(*row) for row in session.execute(query))


def grouped(contents: Sequence[tuple[str, int]], *, distance: int = DISTANCE) -> dict[str, str]:
    """The ids of the groups of those of `contents` (pairs of sha256 and fingerprint, of one file each) that are not alone.

    A group holds what is connected by near copies of near copies; its id is made of the smallest sha256 in it, so that it stays
    the same as long as that does. Two files of the same content are a group. Only pairs that agree in some bands of bits are
    compared (Norouzi et al., Fast Search in Hamming Space with Multi-Index Hashing, 2012): the work grows with the number of
    contents and the sizes of their groups.
    """
    by_value: dict[int, list[str]] = {}
    for sha256, value in contents:
        by_value.setdefault(value, []).append(sha256)
    parents = {value: value for value in by_value}
    for one, other in _near_pairs(list(by_value), distance):
        parents[_top(parents, one)] = _top(parents, other)
    members: dict[int, list[str]] = {}
    for value, alike in by_value.items():
        members.setdefault(_top(parents, value), []).extend(alike)
    return {sha256: min(group)[:_GROUP_DIGITS] for group in members.values() if len(group) > 1 for sha256 in group}


def _near_pairs(values: Sequence[int], distance: int) -> Iterator[tuple[int, int]]:
    for pick in combinations(_bands(distance + _EQUAL_BANDS), _EQUAL_BANDS):
        mask = sum(pick)
        shared = Counter(map(mask.__and__, values))
        alike: dict[int, list[int]] = {}
        for value in values:
            if shared[value & mask] == 1:
                continue
            others = alike.setdefault(value & mask, [])
            yield from ((value, other) for other in others if bits_apart(value, other) <= distance)
            others.append(value)


def _bands(count: int) -> list[int]:
    """The masks of `count` bands that share out the bits."""
    edges = [_BITS * number // count for number in range(count + 1)]
    return [(1 << end) - (1 << start) for start, end in pairwise(edges)]


def _signed(mask: int) -> int:
    """As the databases have numbers of 64 bits."""
    return mask - (1 << _BITS) if mask >> (_BITS - 1) else mask


def _top(parents: dict[int, int], value: int) -> int:
    while parents[value] != value:
        parents[value] = parents[parents[value]]
        value = parents[value]
    return value
