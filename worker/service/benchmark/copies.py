"""How much of a folder is copies: files of the same content, which a scan scores once."""

import random
from collections.abc import Sequence
from pathlib import Path

from scanner.base.files import open_regular
from scanner.base.settings import Settings
from scanner.discovery.walk import Found, walk

# Files of the same size that each file of the sample is compared with: enough to tell few copies from many.
MOST = 4
_PIECE = 1 << 18
# Of larger files, videos, only the beginning is compared.
_PIECES = 256
_SEED = 2


def copies_of(folder: Path, settings: Settings, sample: Sequence[Found]) -> list[float]:
    """For each file of the sample, in how many files of the folder its content is: itself, and the others as far as is told.

    Only files of its size can hold the same; where they are many, some are compared, and stand for all.
    """
    rng = random.Random(_SEED)  # noqa: S311  (not for secrets)
    sizes = {entry.size for entry in sample if entry.size}
    seen = dict.fromkeys(sizes, 0)
    kept: dict[int, list[str]] = {size: [] for size in sizes}
    for entry in walk(str(folder), root=str(folder), ignore=settings.ignore, videos=settings.videos):
        if isinstance(entry, Found) and entry.size in sizes:
            seen[entry.size] += 1
            if len(kept[entry.size]) <= MOST:  # one of them may be the file itself
                kept[entry.size].append(entry.path)
            elif (place := rng.randrange(seen[entry.size])) <= MOST:
                kept[entry.size][place] = entry.path
    return [_times(entry, seen.get(entry.size, 1), kept.get(entry.size, [])) for entry in sample]


def _times(entry: Found, of_its_size: int, kept: Sequence[str]) -> float:
    others = [path for path in kept if path != entry.path][:MOST]
    if not others:
        return 1.0
    same = sum(_is_same(entry.path, path) for path in others)
    return 1.0 + (of_its_size - 1) * same / len(others)


def _is_same(one: str, other: str) -> bool:
    try:
        with open_regular(one) as first, open_regular(other) as second:
            return all(first.read(_PIECE) == second.read(_PIECE) for _ in range(_PIECES))
    except OSError:
        return False
