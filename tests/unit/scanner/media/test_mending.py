"""Damaged and overladen files, as viewers show them."""

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from files.pictures import written
from PIL import Image, ImageCms
from PIL.PngImagePlugin import MAX_TEXT_CHUNK

from scanner.media.mending import BAD_PART, CUT_OFF, mended
from scanner.media.shown_share import shown_share
from worker.detector.image.picture import Decoded, PictureError, decode_rgb

Y, X = np.mgrid[0:120, 0:160]
PICTURE = Image.fromarray(np.stack([X, Y, (X * Y) % 251], axis=-1).astype(np.uint8))
PNG = written(PICTURE, "PNG")
PIXELS = PNG.index(b"IDAT") - 4
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def chunk(kind: bytes, body: bytes, *, crc: int | None = None, length: int | None = None) -> bytes:
    right = zlib.crc32(kind + body)
    return (
        struct.pack(">I", len(body) if length is None else length)
        + kind
        + body
        + struct.pack(">I", right if crc is None else crc)
    )


def before_the_pixels(*chunks: bytes) -> bytes:
    return PNG[:PIXELS] + b"".join(chunks) + PNG[PIXELS:]


def behind_the_pixels(*chunks: bytes) -> bytes:
    return PNG[:-12] + b"".join(chunks) + PNG[-12:]


def decoded(content: bytes) -> Decoded:
    return decode_rgb(content, max_pixels=10**6, short_side=64, scaled=False)


TEXT = b"Comment\0made by hand"
LARGE = b"workflow\0" + b"{}" * MAX_TEXT_CHUNK
PACKED_PROFILE = b"large\0\0" + zlib.compress(PROFILE.ljust(3 << 20, b"\0"))
LADEN: dict[str, bytes] = {
    "a text of megabytes": before_the_pixels(chunk(b"tEXt", LARGE)),
    "one behind the pixels": behind_the_pixels(chunk(b"tEXt", LARGE)),
    "a packed one": before_the_pixels(chunk(b"zTXt", b"workflow\0\0" + zlib.compress(LARGE))),
    "many": behind_the_pixels(*(chunk(b"tEXt", LARGE) for _ in range(40))),
    "a profile of megabytes": before_the_pixels(chunk(b"iCCP", PACKED_PROFILE)),
    "a profile packed as nobody does": before_the_pixels(chunk(b"iCCP", b"odd\0\7" + zlib.compress(PROFILE))),
    "numbers that are too short": before_the_pixels(chunk(b"pHYs", b"\0"), chunk(b"gAMA", b""), chunk(b"cHRM", b"x")),
    "EXIF of megabytes": before_the_pixels(chunk(b"eXIf", b"MM\0*" + bytes(3 << 20))),
}
DAMAGED: dict[str, bytes] = {
    "checksum of a text": before_the_pixels(chunk(b"tEXt", TEXT, crc=1)),
    "checksum of a text behind": behind_the_pixels(chunk(b"iTXt", TEXT, crc=1)),
    "checksum of a profile": before_the_pixels(chunk(b"iCCP", PACKED_PROFILE, crc=1)),
    "checksum of the pixels": PNG[: PNG.index(b"IEND") - 8] + bytes(4) + PNG[PNG.index(b"IEND") - 4 :],
    "a text longer than the file": before_the_pixels(chunk(b"tEXt", TEXT, length=1 << 30)),
    "one behind": behind_the_pixels(chunk(b"tEXt", TEXT, length=1 << 30)),
    "a text with a wrong length": before_the_pixels(chunk(b"tEXt", TEXT, length=7)),
    "no end": PNG[:-12],
    "cut in its end": PNG[:-5],
}


@pytest.mark.parametrize("name", [*LADEN, *DAMAGED])
def test_pixels_of_a_png_decide(name: str) -> None:
    got = decoded((LADEN | DAMAGED)[name])
    assert np.abs(np.asarray(got.picture, int) - np.asarray(PICTURE)).max() <= 1
    assert bool(got.damage) == (name in DAMAGED)


def test_what_needs_nothing_is_left_as_it_is() -> None:
    for content in (PNG, written(PICTURE, "JPEG"), written(PICTURE, "GIF"), b"", b"\xff\xd8\xff", PNG[:8]):
        assert mended(content).content.startswith(content)


def test_a_large_profile_still_colours() -> None:
    swapped = PROFILE.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    swapped = swapped.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    packed = zlib.compress(swapped.ljust(3 << 20, b"\0"))
    got = np.asarray(decoded(before_the_pixels(chunk(b"iCCP", b"large\0\0" + packed))).picture, int)
    assert np.abs(got - np.asarray(PICTURE)[..., ::-1]).max() <= 2


ENCODE: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: written(PICTURE, "JPEG", quality=95),
    "progressive": lambda: written(PICTURE, "JPEG", quality=95, progressive=True),
    "JPEG in grey": lambda: written(PICTURE.convert("L"), "JPEG", quality=95),
    "printer's JPEG": lambda: written(PICTURE.convert("CMYK"), "JPEG", quality=95),
    "PNG": lambda: PNG,
    "PNG in palette": lambda: written(PICTURE.quantize(64), "PNG"),
}


@pytest.mark.parametrize("name", ENCODE)
@pytest.mark.parametrize("lost", ["two bytes", "1 %", "10 %", "40 %"])
def test_a_lost_end_keeps_nothing_from_being_judged(name: str, lost: str) -> None:
    whole = ENCODE[name]()
    kept = len(whole) - (2 if lost == "two bytes" else len(whole) * int(lost.split()[0]) // 100)
    before, got = decoded(whole), decoded(whole[:kept])
    assert got.damage == CUT_OFF
    assert got.picture.size == before.picture.size
    top = slice(0, 48)
    off = np.abs(np.asarray(got.picture, int)[top] - np.asarray(before.picture, int)[top]).mean()
    assert off < (9 if name == "progressive" else 0.01)


@pytest.mark.parametrize("kept", [0.99, 0.7])
def test_a_bmp_that_is_cut_off_shows_its_lower_part(kept: float) -> None:
    """Its rows go upwards."""
    whole = written(PICTURE, "BMP")
    got = decoded(whole[: int(len(whole) * kept)])
    assert got.damage == CUT_OFF
    rows = int(120 * kept) - 1
    assert np.array_equal(np.asarray(got.picture)[-rows:], np.asarray(PICTURE)[-rows:])
    with pytest.raises(PictureError, match="truncated"):
        decoded(whole[: len(whole) * 3 // 10])


def test_pixels_of_a_png_that_are_damaged_themselves() -> None:
    """What is before the damage is shown."""
    noise = np.random.default_rng(0).integers(0, 255, (240, 320), np.uint8)
    content = bytearray(written(Image.fromarray(noise), "PNG"))
    place = int(len(content) * 0.8)
    content[place : place + 40] = bytes(40)
    got = decoded(bytes(content))
    assert got.damage == BAD_PART
    assert np.array_equal(np.asarray(got.picture)[:180, :, 0], noise[:180])


@pytest.mark.parametrize("name", ["JPEG", "PNG"])
def test_too_little_is_refused_with_its_share(name: str) -> None:
    whole = written(Image.fromarray(np.random.default_rng(0).integers(0, 255, (120, 160), np.uint8)), name)
    with pytest.raises(PictureError, match=r"the file ends before its picture does, and [123]\d% of its rows are left"):
        decoded(whole[: len(whole) * 3 // 10])
    for kept in range(0, len(whole) // 3, 97):
        with pytest.raises(PictureError):
            decoded(whole[:kept])


@pytest.mark.parametrize("kept", range(60, 100, 3))
def test_progressive_cut_anywhere(kept: int) -> None:
    """Also where a table or the head of a scan begins."""
    whole = ENCODE["progressive"]()
    assert decoded(whole[: len(whole) * kept // 100]).damage == CUT_OFF


def test_a_picture_of_one_colour_without_its_end_is_whole() -> None:
    for form in ("JPEG", "PNG"):
        content = written(Image.new("RGB", (64, 64), "red"), form)
        assert shown_share(mended(content[:-2]).content) == 1
        assert decoded(content[:-2]).damage


def test_texts_of_a_jpeg_are_left_on() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = written(PICTURE, "JPEG", quality=95, exif=exif)
    comments = b"".join(b"\xff\xfe\xff\xff" + bytes(65533) for _ in range(40))
    at = content.index(b"\xff\xdb")
    laden = content[:at] + comments + content[at:]
    assert len(mended(laden).content) < 100_000
    got = decoded(laden)
    assert (got.damage, got.picture.size) == ("", (120, 160))


def test_what_is_wrong_is_told() -> None:
    assert mended(DAMAGED["checksum of a text"]).damage == BAD_PART
    assert mended(DAMAGED["no end"]).damage == CUT_OFF
