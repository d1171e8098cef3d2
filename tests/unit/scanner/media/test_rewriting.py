"""Rare forms of BMP and TIFF: recognised, decoded to their pixels, and no way to eat memory."""

import struct
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from files.pictures import BITMAPS, written
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scanner.media.formats import HEAD, image_format
from scanner.media.pictures import small_picture
from scanner.media.rewriting import plain_bmp, plain_tiff
from worker.detector.image.picture import PictureError, decode_frames, decode_rgb
from worker.evidence.gathering import gather

PIXELS = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
PICTURE = Image.fromarray(PIXELS)


def shown(content: bytes) -> np.ndarray:
    return np.asarray(decode_rgb(content, max_pixels=10**6, short_side=64, scaled=False).picture)


@pytest.mark.parametrize("name", BITMAPS)
def test_bitmaps_of_os_2_and_without_a_file_header(tmp_path: Path, name: str) -> None:
    content = BITMAPS[name](PICTURE)
    assert image_format(content[:HEAD]) == "BMP"
    assert np.array_equal(shown(content), PIXELS)
    (tmp_path / "a.bmp").write_bytes(content)
    assert small_picture(str(tmp_path / "a.bmp"), 64).tobytes() == PIXELS.tobytes()


def test_a_bitmap_in_palette_without_a_file_header() -> None:
    palette = PICTURE.quantize(200)
    assert np.array_equal(shown(written(palette, "BMP")[14:]), np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize(
    "head",
    [
        b"(\0\0\0" + bytes(28),
        b"\x0c\0\0\0" + bytes(28),
        b"BM" + bytes(30),
        b"BA" + bytes(30),
        b"(\0\0\0" + b"text" * 7,
        b"@\0\0\0\1\0\0\0\1\0\0\0\2\0\x18\0",
        b"BMW is a make of cars, and no bitmap",
        b"",
        b"BM",
    ],
)
def test_what_only_begins_like_a_bitmap(head: bytes) -> None:
    assert image_format(head) is None


def big(pixels: np.ndarray, **options: object) -> bytes:
    buffer = BytesIO()
    photometric = "rgb" if pixels.ndim == 3 else "minisblack"
    tifffile.imwrite(buffer, pixels, bigtiff=True, byteorder=">", photometric=photometric, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"rowsperstrip": 1}, {"tile": (16, 16)}, {"planarconfig": 2}])
def test_a_big_endian_bigtiff(options: dict[str, object]) -> None:
    pixels = PIXELS.transpose(2, 0, 1) if "planarconfig" in options else PIXELS
    content = big(np.ascontiguousarray(pixels), **options)
    assert content.startswith(b"MM\0+")
    assert np.array_equal(shown(content), PIXELS)


def test_its_grey_its_pages_and_its_texts() -> None:
    assert np.abs(shown(big(PIXELS[..., 0].astype(np.uint16) * 257))[..., 0].astype(int) - PIXELS[..., 0]).max() <= 1
    buffer = BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=True, byteorder=">") as writer:
        for page in (PIXELS, PIXELS[::-1]):
            writer.write(page, photometric="rgb", software="Adobe Firefly 1.0")
    pages = [np.asarray(page.picture) for page in decode_frames(buffer.getvalue(), max_pixels=10**6, short_side=64)]
    assert [np.array_equal(*pair) for pair in zip(pages, (PIXELS, PIXELS[::-1]), strict=True)] == [True, True]
    assert {(one.kind, one.finding) for one in gather(buffer.getvalue(), "TIFF")} == {
        ("generator", "firefly"),
        ("camera", "missing"),
    }


def test_values_that_are_listed_again_and_again_take_no_memory() -> None:
    entries = [(256, 3, 1, 8), (257, 3, 1, 8), *((60000 + number, 16, 4000, 16) for number in range(4000))]
    table = b"".join(struct.pack(">HHQ", *entry[:3]) + struct.pack(">Q", entry[3]) for entry in entries)
    content = b"MM\0+" + struct.pack(">HHQ", 8, 0, 40_000) + bytes(40_000 - 16)
    content += struct.pack(">Q", len(entries)) + table + bytes(8)
    assert len(plain_tiff(content)) < 4 * len(content)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([big(PIXELS), *(make(PICTURE) for make in BITMAPS.values())]), st.data())
def test_damaged_ones_give_a_picture_or_a_picture_error(whole: bytes, data: st.DataObject) -> None:
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 200))] = data.draw(st.integers(0, 255))
    with suppress(PictureError):
        assert decode_rgb(bytes(content), max_pixels=10**6, short_side=64).picture.mode == "RGB"


def test_others_are_left_as_they_are() -> None:
    for content in (written(PICTURE, "BMP"), b"BM", b"BM" + bytes(60)):
        assert plain_bmp(content) == content
