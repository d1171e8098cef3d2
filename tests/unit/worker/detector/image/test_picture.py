import os
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import EpsImagePlugin, Image, ImageFile

from worker.detector.image.picture import PictureError, decode_rgb, prepare_pillow
from worker.detector.image.preprocess import to_square

Encode = Callable[..., bytes]


@pytest.fixture(autouse=True)
def _decoder_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a decoder process sets once; put back after the test."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", ImageFile.LOAD_TRUNCATED_IMAGES)
    prepare_pillow()


def decoded(content: bytes, *, max_pixels: int = 10_000_000, short_side: int = 224) -> Image.Image:
    return decode_rgb(content, max_pixels=max_pixels, short_side=short_side).picture


def gradient(width: int, height: int) -> Image.Image:
    """A smooth picture, so that lossy formats stay close to it."""
    y, x = np.mgrid[0:height, 0:width]
    channels = (x * 255 / max(1, width - 1), y * 255 / max(1, height - 1), (x + y) * 255 / max(1, width + height - 2))
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


@pytest.mark.parametrize(
    ("image_format", "tolerance"), [("PNG", 0), ("BMP", 0), ("TIFF", 0), ("JPEG", 4), ("WEBP", 4), ("AVIF", 4), ("GIF", 12)]
)
def test_each_format_decodes_to_its_pixels(encoded: Encode, image_format: str, tolerance: int) -> None:
    picture = gradient(60, 40)

    got = decoded(encoded(picture, image_format))

    assert (got.mode, got.size) == ("RGB", (60, 40))
    assert np.abs(np.asarray(got, np.int16) - np.asarray(picture)).mean() <= tolerance


@pytest.mark.parametrize("image_format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_an_animation_gives_its_first_frame(encoded: Encode, image_format: str) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    lossless = {"lossless": True} if image_format == "WEBP" else {}

    got = decoded(encoded(frames[0], image_format, save_all=True, append_images=frames[1:], **lossless))

    assert got.getpixel((10, 10)) == (255, 0, 0)


# Where the upper left pixel of the stored picture belongs, by orientation (EXIF 2.32, tag 0x0112), as (right, lower).
CORNERS = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", CORNERS)
def test_exif_orientation_is_applied(encoded: Encode, image_format: str, orientation: int) -> None:
    stored = Image.new("RGB", (48, 32), "black")
    stored.paste("white", (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation

    got = decoded(encoded(stored, image_format, exif=exif))

    assert got.size == ((32, 48) if orientation >= 5 else (48, 32))
    right, lower = CORNERS[orientation]
    assert got.getpixel((got.width - 5 if right else 4, got.height - 5 if lower else 4))[0] > 240
    assert np.asarray(got).mean() < 0.25 * 255


@pytest.mark.parametrize(
    "image_format",
    [
        "JPEG",
        "PNG",
        "WEBP",
    ],
)
def test_broken_exif_does_not_spoil_a_readable_picture(encoded: Encode, image_format: str) -> None:
    content = encoded(Image.new("RGB", (20, 20), "red"), image_format, exif=b"Exif\0\0this is no TIFF header")

    assert decoded(content).size == (20, 20)


@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "WEBP"])
def test_transparency_is_laid_over_white(encoded: Encode, image_format: str) -> None:
    picture = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (0, 0, 10, 20))
    lossless = {"lossless": True} if image_format == "WEBP" else {}

    got = decoded(encoded(picture, image_format, **lossless))

    assert (got.getpixel((2, 2)), got.getpixel((17, 2))) == ((0, 0, 255), (255, 255, 255))


def test_half_transparency_blends_with_white(encoded: Encode) -> None:
    got = decoded(encoded(Image.new("LA", (4, 4), (0, 128)), "PNG"))

    assert got.getpixel((0, 0)) == (127, 127, 127)


@pytest.mark.parametrize("image_format", ["PNG", "GIF"])
def test_a_transparent_palette_colour_becomes_white(encoded: Encode, image_format: str) -> None:
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, 200, 0, 0])

    assert decoded(encoded(picture, image_format)).getpixel((0, 0)) == (200, 0, 0)
    assert decoded(encoded(picture, image_format, transparency=1)).getpixel((0, 0)) == (255, 255, 255)


def test_16_bit_grey_png_is_scaled_not_clipped(encoded: Encode) -> None:
    grey = np.linspace(0, 65535, 16 * 16).astype(np.uint16).reshape(16, 16)

    got = np.asarray(decoded(encoded(Image.fromarray(grey), "PNG")))

    np.testing.assert_allclose(got, np.repeat(grey[..., None] / 257, 3, axis=-1), atol=1)


@pytest.mark.parametrize(
    ("mode", "dtype"),
    [("I;16", "<u2"), ("I;16B", ">u2")],
)
def test_16_bit_grey_tiff_is_scaled_not_clipped(encoded: Encode, mode: str, dtype: str) -> None:
    grey = np.linspace(0, 65535, 16 * 16).astype(dtype)

    got = np.asarray(decoded(encoded(Image.frombytes(mode, (16, 16), grey.tobytes()), "TIFF")))

    np.testing.assert_allclose(got[..., 0].ravel(), np.linspace(0, 255, 16 * 16), atol=2)


@pytest.mark.parametrize(("mode", "dtype", "top"), [("I", "<i4", 65535), ("F", "<f4", 1)])
def test_deeper_grey_keeps_its_shades_or_is_refused(encoded: Encode, mode: str, dtype: str, top: float) -> None:
    grey = np.linspace(0, top, 16 * 16).astype(dtype)
    try:
        got = np.asarray(decoded(encoded(Image.frombytes(mode, (16, 16), grey.tobytes()), "TIFF")))
    except PictureError:
        return

    np.testing.assert_allclose(got[..., 0].ravel(), np.linspace(0, 255, 16 * 16), atol=2)


def test_cmyk_jpeg_keeps_its_colours(encoded: Encode) -> None:
    got = decoded(encoded(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG", quality=95))

    assert np.abs(np.subtract(got.getpixel((16, 16)), (255, 0, 0))).max() <= 6


@settings(max_examples=40, deadline=None)
@given(st.integers(16, 700), st.integers(16, 700), st.integers(4, 64))
def test_scaled_jpeg_keeps_twice_the_side(encoded: Encode, width: int, height: int, short_side: int) -> None:
    """A scaled jpeg never falls below twice the short side."""
    got = decoded(encoded(Image.new("RGB", (width, height)), "JPEG"), short_side=short_side)

    assert min(got.size) >= min(width, height, 2 * short_side)
    assert max(got.size) <= max(width, height)


def test_large_jpeg_is_scaled(encoded: Encode) -> None:
    """A large jpeg is scaled while decoding and still looks the same."""
    picture = gradient(1600, 1200)

    got = decoded(encoded(picture, "JPEG", quality=95), short_side=70)

    assert got.size == (200, 150)
    difference = np.abs(to_square(got, 70).astype(np.int16) - to_square(picture, 70))
    assert difference.mean() < 1.5
    assert difference.max() < 16


def test_jpeg_decoded_in_full(encoded: Encode) -> None:
    """A jpeg is decoded in full where that is asked for."""
    content = encoded(gradient(1600, 1200), "JPEG", quality=95)

    got = decode_rgb(content, max_pixels=10_000_000, short_side=70, scaled=False).picture

    assert got.size == (1600, 1200)
    assert np.array_equal(np.asarray(got), np.asarray(Image.open(BytesIO(content)).convert("RGB")))


def test_format_and_size_are_told_as_stored(encoded: Encode) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(Image.new("RGB", (1600, 1200)), "JPEG", exif=exif)

    got = decode_rgb(content, max_pixels=10_000_000, short_side=70)

    assert (got.format, got.width, got.height, got.picture.size) == ("JPEG", 1600, 1200, (150, 200))


def test_the_pixel_limit_is_inclusive(encoded: Encode) -> None:
    content = encoded(Image.new("RGB", (100, 50)), "PNG")

    assert decoded(content, max_pixels=5000).size == (100, 50)
    with pytest.raises(PictureError, match="too large: 100 x 50 pixels"):
        decoded(content, max_pixels=4999)


def test_a_decompression_bomb_is_refused_from_its_header() -> None:
    side = 30_000
    lines = zlib.compress(bytes(64 * (1 + side // 8)), 9)  # the first 64 of 30,000 lines: decoding would find it truncated
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in ((b"IHDR", header), (b"IDAT", lines), (b"IEND", b"")))
    assert len(content) < 1000

    with pytest.raises(PictureError, match=r"too large: 30,000 x 30,000 pixels, the limit is 100 megapixels"):
        decoded(content, max_pixels=100_000_000)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_truncated_file_is_refused_with_a_reason(encoded: Encode, image_format: str, kept: float) -> None:
    """Unless viewers show most of it."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    content = encoded(noise, image_format)
    if image_format in ("JPEG", "PNG", "BMP") and kept == 0.9:
        assert decoded(content[: int(len(content) * kept)]).size == (64, 64)
        return

    with pytest.raises(PictureError) as caught:
        decoded(content[: int(len(content) * kept)])

    assert len(str(caught.value)) > 10


@pytest.mark.parametrize("content", [b"", b"just a text\n" * 100, b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"\0" * 1000])
def test_what_is_no_picture_is_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises(PictureError, match=r"no readable picture|cannot be decoded"):
        decoded(content)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"]), st.data())
def test_damaged_files_give_a_picture_or_a_picture_error(encoded: Encode, image_format: str, data: st.DataObject) -> None:
    content = bytearray(encoded(gradient(24, 24), image_format))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    with suppress(PictureError):
        assert decoded(bytes(content), max_pixels=1_000_000).mode == "RGB"


def test_eps_is_refused_without_starting_ghostscript(encoded: Encode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = tmp_path / "started"
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {started}\nexit 1\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    content = encoded(Image.new("RGB", (8, 8)), "EPS")

    with pytest.raises(PictureError, match="no readable picture"):
        decoded(content)

    assert not started.exists()


def test_strict_decoding_undoes_a_lenient_setting(encoded: Encode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    content = encoded(gradient(64, 64), "TIFF")[:-500]
    assert decoded(content).size == (64, 64)

    prepare_pillow()

    with pytest.raises(PictureError, match="truncated"):
        decoded(content)
