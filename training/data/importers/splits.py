"""Pictures to manifest rows: names, and a split for every group."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..manifest import Row
from .found import Found, ImportFailed, Picture

# What is in two splits belongs to the one that is measured last.
_STRICTEST_FIRST = ("test", "val", "train")


@dataclass(frozen=True)
class Naming:
    """What the rows are called. `family` and `generator` are of the fakes; empty: what the importer knows."""

    source: str
    family: str = ""
    generator: str = ""


@dataclass(frozen=True)
class Shares:
    """Which share of the groups goes to `val` and `test` where the set has no splits of its own."""

    val: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        if not (self.val >= 0 and self.test >= 0 and self.val + self.test <= 1):
            raise ImportFailed(f"--val-share {self.val} and --test-share {self.test} are no shares of one whole")


@dataclass(frozen=True)
class Imported:
    """Manifest rows, and how many files were left out for which reason."""

    rows: tuple[Row, ...]
    left_out: Mapping[str, int]


def with_splits(found: Found, naming: Naming, shares: Shares, *, official: bool = True) -> Imported:
    """Manifest rows of what an importer found; no group is ever in two splits.

    The set's own splits are kept (unless not `official`). Where it has none, the hash of the group's name decides, so that the
    same group is always in the same split. Where it has training images but none to validate with, `val` is taken from them.
    A group that the set itself puts into several splits stays in the strictest (test, then val); the rest of it is left out.

    Raises ImportFailed when nothing is left.
    """
    left_out = Counter(found.left_out)
    pictures = []
    for picture in found.pictures:
        if _is_utf8(str(picture.path)):
            pictures.append(picture)
        else:
            left_out["with a name that is not UTF-8"] += 1
    split_of = _splits(pictures, naming.source, shares, official=official)
    rows = []
    for picture in pictures:
        group = f"{naming.source}:{picture.group}"
        kept, drawn = split_of[group]
        if official and picture.split not in (None, kept):
            left_out[f"of a person, video or original that is in {kept}, too (--splits group keeps them)"] += 1
            continue
        family = (naming.family or picture.family) if picture.label else "real"
        generator = (naming.generator or picture.generator) if picture.label else picture.generator
        rows.append(Row(picture.path, picture.label, naming.source, family, generator, group, drawn, picture.video))
    if not rows:
        raise ImportFailed(f"no picture can be used: {said(left_out) or 'none was found'}")
    return Imported(tuple(rows), dict(left_out))


def said(left_out: Mapping[str, int]) -> str:
    """How many were left out, and why, in one line."""
    return "; ".join(f"{count:,} {reason}" for reason, count in left_out.items() if count)


def _splits(pictures: Sequence[Picture], source: str, shares: Shares, *, official: bool) -> dict[str, tuple[str | None, str]]:
    """By group: the set's own split (None: it has none), and the one that its rows get."""
    sizes: Counter[str] = Counter()
    own: dict[str, set[str]] = {}
    for picture in pictures:
        group = f"{source}:{picture.group}"
        sizes[group] += 1
        own.setdefault(group, set()).update([picture.split] if official and picture.split else [])
    has_val = any("val" in splits for splits in own.values())
    drawn: dict[str, tuple[str | None, str]] = {}
    for group, splits in own.items():
        kept = next((split for split in _STRICTEST_FIRST if split in splits), None)
        if kept is None:
            drawn[group] = (None, _drawn(group, sizes[group], len(pictures), shares))
        elif kept == "train" and not has_val:
            drawn[group] = (kept, _drawn(group, sizes[group], len(pictures), Shares(shares.val, 0)))
        else:
            drawn[group] = (kept, kept)
    return drawn


def _drawn(group: str, size: int, all_sizes: int, shares: Shares) -> str:
    """The split of a group by the hash of its name. One that is most of the set is for training: else nothing would be left."""
    if 2 * size > all_sizes:
        return "train"
    digest = hashlib.sha256(group.encode("utf-8", "surrogatepass")).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < shares.val:
        return "val"
    return "test" if position < shares.val + shares.test else "train"


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
