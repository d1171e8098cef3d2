"""Pictures that are in two splits, or under two labels: as the same file, or as a copy that was resized or encoded anew.

A detector that was trained on what it is measured on looks better than it is. Groups in two splits are refused when a manifest
is read; this finds what the groups do not know of.

Copies are found by perceptual hash and confirmed by thumbnail. A hash alone is not enough: aligned faces are much alike. Measured
on 29,040 face crops: of 104 million pairs across two splits some 900 have hashes within 8 bits; the thumbnails of 4 correlate
above 0.99, and these 4 are the same photographs; the next, 0.989, are one person in one place. Of copies with JPEG 30, WebP 40,
JPEG 50 at half the size, 1.7 times the size, less contrast, or mirrored all are found; of a quarter of the size, heavy blur, more
brightness 98 %. Crops are not found (2 % on each side is enough), and neither are frames of one scene: those are for groups.
"""

import hashlib
import multiprocessing
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scanner.base.files import open_regular
from worker.detector.image.picture import PictureError, decode_rgb, prepare_pillow

from .manifest import MAX_PIXELS, ManifestError, Row

# Bits of 64 in which the hashes of two copies may differ, and the correlation that their thumbnails must have.
MAX_DISTANCE, MIN_CORRELATION = 8, 0.99
# Grey levels (standard deviation): below it there is nothing in a thumbnail to be recognised by.
_FLAT = 4.0
_SIDE = 32
_PAIRS_AT_ONCE = 4_000_000
# What is measured on later is left alone; what is in an earlier split is what leaks into it.
_EARLIEST_FIRST = ("train", "val", "test")


class LeaksFound(ManifestError):
    """What a detector would be measured on is also in what it is trained on."""


@dataclass(frozen=True)
class Fingerprint:
    """What a file is compared by. `thumbnail`: 32 x 32 bytes of grey; `hashes`: of it, and of its mirror image (64 bits each)."""

    sha256: str
    thumbnail: bytes
    hashes: tuple[int, int]


@dataclass(frozen=True)
class Copies:
    """Rows of the same bytes, in two splits or with two labels."""

    rows: tuple[Row, ...]

    def __str__(self) -> str:
        return " = ".join(_named(row) for row in self.rows)


@dataclass(frozen=True)
class NearCopy:
    """`row` shows the same picture as `other`, of a later split. `distance`: bits of 64 by which their hashes differ."""

    row: Row
    other: Row
    distance: int
    mirrored: bool = False

    def __str__(self) -> str:
        mirrored = ", mirrored" if self.mirrored else ""
        return f"{_named(self.row)} ~ {_named(self.other)}, distance {self.distance}{mirrored}"


@dataclass(frozen=True)
class Unreadable:
    """A row whose file is gone or no whole picture, and why."""

    row: Row
    reason: str

    def __str__(self) -> str:
        return f"{self.row.path}: {self.reason}"


@dataclass(frozen=True)
class Leaks:
    """What was found among `pictures` pictures; those that are unreadable are compared with nothing."""

    pictures: int
    copies: tuple[Copies, ...] = ()
    near_copies: tuple[NearCopy, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.copies or self.near_copies or self.unreadable)

    def without(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        """`rows` less what leaks or cannot be read: of copies the last split keeps its own, of a picture with two labels none."""
        dropped = {found.row for found in self.near_copies} | {found.row for found in self.unreadable}
        for found in self.copies:
            last = max((row.split for row in found.rows), key=_order)
            one_label = len({row.label for row in found.rows}) == 1
            dropped.update(row for row in found.rows if not one_label or row.split != last)
        return tuple(row for row in rows if row not in dropped)

    def apart_from(self, rows: Collection[Row]) -> "Leaks":
        """What is left of the findings when `rows` are taken out."""
        copies = (Copies(tuple(row for row in found.rows if row not in rows)) for found in self.copies)
        return Leaks(
            self.pictures - len(rows),
            tuple(found for found in copies if len({(row.split, row.label) for row in found.rows}) > 1),
            tuple(found for found in self.near_copies if found.row not in rows and found.other not in rows),
            tuple(found for found in self.unreadable if found.row not in rows),
        )

    def text(self, most: int = 5) -> str:
        """What was found, the first of each kind, and what to do."""
        if not self:
            return f"no leaks among {self.pictures:,} pictures"
        lines = []
        for kind, found in (
            ("of pictures that cannot be read", self.unreadable),
            ("of the same bytes in two splits or with two labels", self.copies),
            ("of the same picture in two splits, resized or encoded anew", self.near_copies),
        ):
            if found:
                lines += [f"{len(found):,} case(s) {kind}:", *(f"  {one}" for one in found[:most])]
            if len(found) > most:
                lines.append(f"  ... and {len(found) - most:,} more (--json shows all)")
        mend = ["Mend these files"] if self.unreadable else []
        mend += ["Give copies one group and one split"] if self.copies or self.near_copies else []
        return "\n".join([*lines, f"{'. '.join(mend)}, or leave them out: dfscan manifest check MANIFEST --without-leaks FILE"])


def find_leaks(
    rows: Sequence[Row], *, processes: int = 0, progress: Callable[[int, int], None] = lambda _done, _of: None
) -> Leaks:
    """Compare all pictures of `rows`. `processes` (0: in this one) read them; `progress` is told how many were, of how many."""
    readable, fingerprints, unreadable = [], [], []
    for done, (row, made) in enumerate(zip(rows, _made([row.path for row in rows], processes), strict=True), start=1):
        progress(done, len(rows))
        if isinstance(made, str):
            unreadable.append(Unreadable(row, made))
        else:
            readable.append(row)
            fingerprints.append(made)
    same: defaultdict[str, list[Row]] = defaultdict(list)
    for row, found in zip(readable, fingerprints, strict=True):
        same[found.sha256].append(row)
    copies = tuple(Copies(tuple(alike)) for alike in same.values() if len({(row.split, row.label) for row in alike}) > 1)
    return Leaks(len(rows), copies, tuple(_near_copies(readable, fingerprints)), tuple(unreadable))


def refuse_leaks(leaks: Leaks) -> None:
    """Raises LeaksFound if there are any, ManifestError if only pictures that cannot be read were found."""
    if leaks.copies or leaks.near_copies:
        raise LeaksFound(f"the manifest leaks: what is measured is also trained on\n{leaks.text()}")
    if leaks:
        raise ManifestError(f"the manifest cannot be used as it is:\n{leaks.text()}")


def fingerprint(path: Path) -> Fingerprint | str:
    """The fingerprint of a picture, or why it has none."""
    try:
        with open_regular(path) as opened:
            content = opened.read()
        picture = decode_rgb(content, max_pixels=MAX_PIXELS, short_side=2 * _SIDE).picture
    except (OSError, PictureError) as error:
        return str(error.strerror if isinstance(error, OSError) else error)
    grey = picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    mirrored = grey.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    hashes = (_bits(imagehash.phash(grey)), _bits(imagehash.phash(mirrored)))
    return Fingerprint(hashlib.sha256(content).hexdigest(), grey.tobytes(), hashes)


def _made(paths: Sequence[Path], processes: int) -> Iterator[Fingerprint | str]:
    if not processes:
        prepare_pillow()
        yield from map(fingerprint, paths)
        return
    # Spawned: a fork of a process with threads (torch, OpenMP) may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=prepare_pillow) as pool:
        yield from pool.map(fingerprint, paths, chunksize=32)


def _near_copies(rows: Sequence[Row], fingerprints: Sequence[Fingerprint]) -> Iterator[NearCopy]:
    """For each picture that has copies in a later split the nearest of them; copies of the same bytes are not told again."""
    hashes = np.array([found.hashes for found in fingerprints], np.uint64).reshape(-1, 2)
    thumbnails, flat = _standardised(fingerprints)
    splits = sorted({row.split for row in rows}, key=_order)
    of_split = {split: np.array([i for i, row in enumerate(rows) if row.split == split and not flat[i]], int) for split in splits}
    for early, late in combinations(splits, 2):
        best: dict[int, tuple[float, NearCopy]] = {}
        for ones, others, distances, mirror in _candidates(hashes, of_split[early], of_split[late]):
            shown = thumbnails[ones][:, :, ::-1] if mirror else thumbnails[ones]
            correlations = np.einsum("nhw,nhw->n", shown, thumbnails[others])
            for k in np.flatnonzero(correlations >= MIN_CORRELATION):
                one, other, correlation = int(ones[k]), int(others[k]), float(correlations[k])
                if fingerprints[one].sha256 != fingerprints[other].sha256 and correlation > best.get(one, (0.0,))[0]:
                    best[one] = correlation, NearCopy(rows[one], rows[other], int(distances[k]), mirror)
        yield from (found for _, (_, found) in sorted(best.items()))


def _candidates(
    hashes: NDArray[np.uint64], ones: NDArray[np.int_], others: NDArray[np.int_]
) -> Iterator[tuple[NDArray[np.int_], NDArray[np.int_], NDArray[np.uint8], bool]]:
    """Pairs (index, index, distance) of close hashes, in blocks that bound the memory; and whether the first is mirrored."""
    block = max(1, _PAIRS_AT_ONCE // max(1, len(others)))
    for start in range(0, len(ones), block):
        some = ones[start : start + block]
        for mirror in (False, True):
            distances = np.bitwise_count(hashes[some, int(mirror), None] ^ hashes[None, others, 0])
            row, column = np.nonzero(distances <= MAX_DISTANCE)
            # Where very many are close (frames of one still scene) the thumbnails are compared in parts.
            for part in range(0, len(row), 100_000):
                r, c = row[part : part + 100_000], column[part : part + 100_000]
                yield some[r], others[c], distances[r, c], mirror


def _standardised(fingerprints: Sequence[Fingerprint]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Thumbnails_NHW whose scalar product is their correlation, and which_N are flat."""
    raw = np.frombuffer(b"".join(found.thumbnail for found in fingerprints), np.uint8).reshape(-1, _SIDE, _SIDE)
    thumbnails = raw.astype(np.float32)
    thumbnails -= thumbnails.mean(axis=(1, 2), keepdims=True)
    deviations = thumbnails.std(axis=(1, 2))
    thumbnails /= np.maximum(deviations, 1e-3)[:, None, None] * _SIDE
    return thumbnails, deviations < _FLAT


def _bits(found: imagehash.ImageHash) -> int:
    return int.from_bytes(np.packbits(found.hash).tobytes(), "big")


def _order(split: str) -> tuple[int, str]:
    return (_EARLIEST_FIRST.index(split) if split in _EARLIEST_FIRST else len(_EARLIEST_FIRST), split)


def _named(row: Row) -> str:
    return f"{row.path} ({row.split}, {'fake' if row.label else 'real'})"
