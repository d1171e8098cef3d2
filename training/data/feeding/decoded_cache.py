"""Decoded and resized pictures of a training set, kept in one file: each is decoded once, by whichever process needs it first.

The file has a place for each picture of the set, as large as the largest may be (uint8, memory-mapped). Beside it lies an index
of what each picture's file was like, how large the kept picture is, and a check sum of its pixels. A place counts once its line
in the index says so, which is written last: after a kill at any moment the others are decoded anew, and nothing else.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from worker.detector.image.picture import decode_rgb
from worker.detector.image.preprocess import to_square

from ..cache_files import CacheUnusable, size_text, with_room
from ..manifest import MAX_PIXELS, ManifestError, Row

# Goes up when the same pictures would be kept in another way.
_FORMAT = 1
_LINE = np.dtype([("file", "<u8"), ("checksum", "<u4"), ("side", "<u2")])
_ADVICE = "free some, name another --decoded-cache, or bound it by --decoded-limit"


class DecodedCache:
    """Square RGB pictures of up to `side` pixels, by the number of their row among the first `places` of a set.

    With `exact` each is the input of a network of `side` pixels itself; without, the middle square of the picture as it is, or
    shrunk to `side` where it is larger. Each process maps the files by itself.
    """

    def __init__(self, path: Path, places: int, side: int, *, exact: bool) -> None:
        self.path, self.places, self.side, self.exact = path, places, side, exact
        self._maps: tuple[NDArray[np.uint8], NDArray[Any]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_maps": None}  # a mapped file is copied whole when it is pickled

    @property
    def size(self) -> int:
        """Bytes of all places."""
        return self.places * self._place

    @property
    def _place(self) -> int:
        return self.side * self.side * 3

    @property
    def index_path(self) -> Path:
        """What is known of each place."""
        return self.path.with_suffix(".index")

    @property
    def known(self) -> int:
        """How many pictures are there already."""
        return int(np.count_nonzero(self._mapped()[1]["side"]))

    def picture(self, number: int, row: Row) -> Image.Image:
        """The kept picture of row `number`, decoded now if it is not there. Raises OSError and PictureError."""
        kept = self._kept(number) if number < self.places else None
        if kept is None:
            kept = self._decoded(row)
            if number < self.places:
                self._keep(number, kept)
        return Image.fromarray(kept)

    def refresh(self, rows: Sequence[Row]) -> None:
        """Forget the pictures whose files are others than when they were decoded. Raises ManifestError for one that is gone."""
        index = self._mapped()[1]
        found = np.fromiter((_file_of(row) for row in rows[: self.places]), np.uint64, self.places)
        changed = index["file"] != found
        index["side"][changed] = 0
        index["file"][changed] = found[changed]

    def _decoded(self, row: Row) -> NDArray[np.uint8]:
        picture = decode_rgb(row.read(), max_pixels=MAX_PIXELS, short_side=self.side).picture
        side = min(picture.size)
        if self.exact or side > self.side:
            return to_square(picture, self.side)
        left, top = ((length - side) // 2 for length in picture.size)
        return np.asarray(picture.crop((left, top, left + side, top + side)))

    def _kept(self, number: int) -> NDArray[np.uint8] | None:
        pixels, index = self._mapped()
        side = int(index["side"][number])
        if not 0 < side <= self.side:
            return None
        found = np.array(pixels[number, : side * side * 3])
        # A machine that lost its power may have written the index, and not the pixels.
        return found.reshape(side, side, 3) if zlib.crc32(found.data) == index["checksum"][number] else None

    def _keep(self, number: int, picture: NDArray[np.uint8]) -> None:
        pixels, index = self._mapped()
        flat = np.ascontiguousarray(picture).reshape(-1)
        index["side"][number] = 0
        pixels[number, : len(flat)] = flat
        index["checksum"][number] = zlib.crc32(flat.data)
        index["side"][number] = len(picture)

    def _mapped(self) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        if self._maps is None:
            pixels = np.memmap(self.path, np.uint8, "r+", shape=(self.places, self._place))
            self._maps = pixels, np.memmap(self.index_path, _LINE, "r+", shape=(self.places,))
        return self._maps


@dataclass(frozen=True)
class DecodedRows:
    """The kept pictures of some rows of the set that `cache` is of: `numbers` are their numbers there."""

    cache: DecodedCache
    numbers: NDArray[np.int64]

    def picture(self, index: int, row: Row) -> Image.Image:
        """The picture of `row`, the one at `index`. Raises OSError and PictureError."""
        return self.cache.picture(int(self.numbers[index]), row)


def decoded_rows(cache: DecodedCache, of: Sequence[Row], rows: Sequence[Row]) -> DecodedRows:
    """Those of `rows`, which are among those that `cache` was made `of`."""
    numbers = {str(row.path): number for number, row in enumerate(of)}
    return DecodedRows(cache, np.fromiter((numbers[str(row.path)] for row in rows), np.int64, len(rows)))


def decoded_cache(rows: Sequence[Row], side: int, folder: Path, *, exact: bool, limit: float | None = None) -> DecodedCache:
    """The kept pictures of `rows` in `folder`, in files that are made if need be; of as many as go into `limit` bytes.

    Pictures whose files have changed are forgotten. Raises CacheUnusable, and ManifestError for a file that is not there.
    """
    place = side * side * 3
    places = len(rows) if limit is None else min(len(rows), int(limit / place))
    if places < 1:
        raise CacheUnusable(f"not one picture of {size_text(place)} goes into --decoded-limit; make it larger")
    path = folder / f"{_key(rows, side, exact=exact)}-{places}.u8"
    cache = DecodedCache(path, places, side, exact=exact)
    with_room(cache.index_path, places * _LINE.itemsize, "the index of decoded pictures", _ADVICE)
    with_room(path, cache.size, "decoded pictures", _ADVICE)
    cache.refresh(rows)
    return cache


def announced(cache: DecodedCache, rows: int) -> str:
    """What a run says of its kept pictures before it begins."""
    known = cache.known
    there = "all of them are there" if known == cache.places else f"{known:,} are there, the others come with the first epoch"
    which = f"{cache.places:,} decoded pictures" + (f" of {rows:,}" if cache.places < rows else "")
    return f"{which}, {cache.side} x {cache.side} pixels, {size_text(cache.size)} in {cache.path}: {there}"


def _key(rows: Sequence[Row], side: int, *, exact: bool) -> str:
    digest = hashlib.sha256(json.dumps([_FORMAT, side, exact, PIL.__version__]).encode())
    for row in rows:
        digest.update(json.dumps(os.path.abspath(row.path)).encode())
    return digest.hexdigest()[:32]


def _file_of(row: Row) -> int:
    """What tells that the file of a row is another one: its size and when it was changed. Never 0, which is nothing."""
    try:
        found = row.path.stat()
    except OSError as error:
        raise ManifestError(f"{row.path}: {error.strerror}. Mend it, or take its line out of the manifest") from None
    return (found.st_size * 0x9E3779B97F4A7C15 ^ found.st_mtime_ns) % (1 << 63) + 1
