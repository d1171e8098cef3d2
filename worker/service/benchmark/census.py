"""What a scan would find in a folder: how much of each kind and size, with a random sample of each."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from scanner.base.escape import printable
from scanner.base.settings import Settings
from scanner.discovery.walk import Found, walk
from scanner.media.formats import has_video_suffix, is_announced

# What a picture costs beside what grows with its bytes, and what a video costs, whatever its size: in bytes of a picture.
_PICTURE, _VIDEO = 200_000, 20_000_000
_SEED = 1


@dataclass
class Stratum:
    """Files of one kind whose sizes differ by a factor below two; `sample` is in random order."""

    is_video: bool
    files: int = 0
    bytes: int = 0
    sample: list[Found] = field(default_factory=list)

    @property
    def weight(self) -> float:
        """What all of them may cost, roughly: who takes more time is looked at more often."""
        return self.files * _VIDEO if self.is_video else self.bytes + self.files * _PICTURE


@dataclass(frozen=True)
class Census:
    """What lies in a folder. `left_out` counts what no scan with these settings scores, by the reason; `unread` are folders."""

    strata: tuple[Stratum, ...]
    left_out: dict[str, int]
    unread: tuple[str, ...]
    seconds: float

    @property
    def files(self) -> int:
        """How many would be scored."""
        return sum(stratum.files for stratum in self.strata)

    @property
    def videos(self) -> int:
        """How many of them are videos."""
        return sum(stratum.files for stratum in self.strata if stratum.is_video)

    @property
    def bytes(self) -> int:
        """All their bytes."""
        return sum(stratum.bytes for stratum in self.strata)

    def shares(self, count: int) -> list[int]:
        """How many of each stratum are taken to look at `count` files: one, and more of what costs more (Neyman 1934)."""
        sizes = [min(stratum.files, len(stratum.sample)) for stratum in self.strata]
        taken = [0] * len(sizes)
        for _ in range(min(count, sum(sizes))):
            free = [place for place, size in enumerate(sizes) if taken[place] < size]
            best = max(free, key=lambda place: (taken[place] == 0, self.strata[place].weight / (taken[place] + 1)))
            taken[best] += 1
        return taken


def take_census(folder: Path, settings: Settings, most: int) -> Census:
    """Walk through the folder as a scan does, and keep at most `most` files of each stratum."""
    began, rng = perf_counter(), random.Random(_SEED)  # noqa: S311  (not for secrets)
    strata: dict[tuple[bool, int], Stratum] = {}
    left_out, unread = Counter[str](), list[str]()
    for entry in walk(str(folder), root=str(folder), ignore=settings.ignore, videos=True):
        if not isinstance(entry, Found):
            if entry.is_error:
                unread.append(f"{printable(entry.path)}: {entry.reason}")
            else:
                left_out["other than files"] += 1
            continue
        is_video = has_video_suffix(entry.path)
        if is_video and not settings.videos:
            if not is_announced(entry.path, videos=False):
                left_out["videos"] += 1
                continue
            is_video = False  # a picture that is called a video
        stratum = strata.setdefault((is_video, entry.size.bit_length()), Stratum(is_video))
        stratum.files, stratum.bytes = stratum.files + 1, stratum.bytes + entry.size
        # Vitter 1985, algorithm R: each has the same chance, and only the sample is in memory.
        if len(stratum.sample) < most:
            stratum.sample.append(entry)
        elif (place := rng.randrange(stratum.files)) < most:
            stratum.sample[place] = entry
    ordered = tuple(strata[key] for key in sorted(strata))
    for stratum in ordered:
        rng.shuffle(stratum.sample)
    return Census(ordered, dict(left_out), tuple(unread), perf_counter() - began)


def files_text(count: int) -> str:
    """So many files, as it is said."""
    return "1 file" if count == 1 else f"{count:,} files"


def first_of_each(census: Census, shares: Sequence[int]) -> list[list[Found]]:
    """So many of each stratum."""
    return [stratum.sample[:share] for stratum, share in zip(census.strata, shares, strict=True)]
