"""Decoded pictures that are kept: the same as decoded anew, whatever happened to the files."""

import os
import pickle
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from training.data.augmentation import Augmentation
from training.data.cache_files import CacheUnusable
from training.data.dataset import Pictures
from training.data.feeding import decoded_cache as module
from training.data.feeding.decoded_cache import DecodedCache, DecodedRows, announced, decoded_cache, decoded_rows
from training.data.manifest import ManifestError, Row


def kept(rows: Sequence[Row], folder: Path, side: int = 16, *, exact: bool = True, limit: float | None = None) -> DecodedRows:
    return decoded_rows(decoded_cache(rows, side, folder, exact=exact, limit=limit), rows, rows)


def shown(rows: Sequence[Row], decoded: DecodedRows | None, size: int = 16) -> list[bytes]:
    pictures = Pictures(rows, size, decoded=decoded)
    return [pictures[index][0].tobytes() for index in range(len(rows))]


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is decoded by the cache."""
    found: list[bytes] = []
    known = module.decode_rgb

    def decode(content: bytes, *, max_pixels: int, short_side: int) -> object:
        found.append(content)
        return known(content, max_pixels=max_pixels, short_side=short_side)

    monkeypatch.setattr(module, "decode_rgb", decode)
    return found


def test_each_picture_is_decoded_once(rows: Sequence[Row], tmp_path: Path, decodings: list[bytes]) -> None:
    """What the network is shown is the same byte for byte, in this run and in the next."""
    plain = shown(rows, None)
    cache = kept(rows, tmp_path)
    assert "20 decoded pictures, 16 x 16 pixels" in announced(cache.cache, len(rows))
    assert "0 are there" in announced(cache.cache, len(rows))

    assert shown(rows, cache) == plain
    assert shown(rows, cache) == plain
    assert shown(rows, kept(rows, tmp_path)) == plain

    assert len(decodings) == len(rows) == cache.cache.known
    assert "all of them are there" in announced(cache.cache, len(rows))
    assert cache.cache.path.stat().st_size == cache.cache.size == len(rows) * 16 * 16 * 3


def test_a_changed_file_is_decoded_anew(rows: Sequence[Row], tmp_path: Path, decodings: list[bytes]) -> None:
    """One of another size, and one of the same size that was written later."""
    shown(rows, kept(rows, tmp_path))
    decodings.clear()
    Image.new("RGB", (30, 40), "red").save(rows[3].path)
    later = rows[5].path.stat().st_mtime + 10
    os.utime(rows[5].path, (later, later))

    assert shown(rows, kept(rows, tmp_path)) == shown(rows, None)
    assert decodings == [rows[number].path.read_bytes() for number in (3, 5)]


@pytest.mark.parametrize("damage", ["pixels", "index", "unwritten"])
def test_a_damaged_place_is_decoded_anew(rows: Sequence[Row], tmp_path: Path, decodings: list[bytes], damage: str) -> None:
    """After a power failure the index may say of pixels that are not there that they are."""
    cache = kept(rows, tmp_path).cache
    shown(rows, kept(rows, tmp_path))
    decodings.clear()
    if damage == "index":
        index = np.memmap(cache.index_path, module._LINE, "r+")
        index["side"][4] = 60_000
        index.flush()
    else:
        pixels = np.memmap(cache.path, np.uint8, "r+", shape=(len(rows), 16 * 16 * 3))
        pixels[4] = 0 if damage == "unwritten" else pixels[4] ^ 1
        pixels.flush()

    assert shown(rows, kept(rows, tmp_path)) == shown(rows, None)
    assert decodings == [rows[4].path.read_bytes()]


def test_a_bounded_cache_keeps_the_first(rows: Sequence[Row], tmp_path: Path, decodings: list[bytes]) -> None:
    cache = kept(rows, tmp_path, limit=5.5 * 16 * 16 * 3)

    assert [shown(rows, cache) for _ in range(2)] == [shown(rows, None)] * 2
    assert cache.cache.path.stat().st_size == 5 * 16 * 16 * 3
    assert len(decodings) == 5 + 2 * 15
    assert announced(cache.cache, len(rows)).startswith("5 decoded pictures of 20")
    with pytest.raises(CacheUnusable, match="not one picture"):
        kept(rows, tmp_path, limit=100)


def test_with_augmentation_pictures_keep_their_own_size(rows: Sequence[Row], tmp_path: Path) -> None:
    """Where they are no larger than what is kept: the middle of a picture of 24 x 20 pixels, unchanged."""
    cache = kept(rows, tmp_path, 22, exact=False)
    shrunk = kept(rows, tmp_path, 18, exact=False)

    for index, row in enumerate(rows):
        middle = np.asarray(Image.open(row.path))[:, 2:22]
        for _ in range(2):
            assert np.array_equal(np.asarray(cache.picture(index, row)), middle)
            assert shrunk.picture(index, row).size == (18, 18)


def test_augmented_pictures_of_the_cache_repeat(rows: Sequence[Row], tmp_path: Path) -> None:
    """Also forgeries with a donor, of rows that are some of the set."""
    cache = decoded_cache(rows, 24, tmp_path, exact=False)
    some = rows[3:17]
    how = {"augmentation": Augmentation(forge=0.9), "seed": "1/0"}
    before, after = (Pictures(some, 16, decoded=decoded_rows(cache, rows, some), **how) for _ in range(2))

    first = [before[index] for index in range(3 * len(some))]

    assert cache.known == len(some)
    for index, (image, label) in enumerate(first):
        assert np.array_equal(after[index][0], image)
        assert after[index][1] == label == after.label(index)
    assert {before.label(index) for index in range(100 * len(some)) if some[index % len(some)].label == 0} == {0, 1}


def test_other_processes_map_the_file_themselves(rows: Sequence[Row], tmp_path: Path) -> None:
    """A mapped file is pickled whole: 40 GB of a large set, where loading processes are not forked."""
    cache = kept(rows, tmp_path)
    shown(rows, cache)
    empty = len(pickle.dumps(DecodedCache(cache.cache.path, 20, 16, exact=True)))

    other = pickle.loads(pickle.dumps(cache.cache))

    assert len(pickle.dumps(cache.cache)) <= empty + 10
    assert other.known == len(rows)


def test_other_sets_and_sizes_have_files_of_their_own(rows: Sequence[Row], tmp_path: Path) -> None:
    paths = {
        kept(rows, tmp_path).cache.path,
        kept(rows[1:], tmp_path).cache.path,
        kept(rows, tmp_path, 17).cache.path,
        kept(rows, tmp_path, exact=False).cache.path,
        kept(rows, tmp_path, limit=5000).cache.path,
    }
    assert len(paths) == 5


def test_what_cannot_be_kept_is_said_beforehand(rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = replace(rows[0], path=tmp_path / "gone.png")
    with pytest.raises(ManifestError, match=r"gone\.png"):
        kept([*rows, gone], tmp_path / "cache")
    (tmp_path / "file").touch()
    with pytest.raises(CacheUnusable, match="cannot be written"):
        kept(rows, tmp_path / "file" / "cache")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(CacheUnusable, match=r"left: free some, .*--decoded-limit"):
        kept(rows, tmp_path / "full")
    assert list((tmp_path / "full").glob("*.u8")) == []
