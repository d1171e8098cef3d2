"""Which frames of a file are looked at, and what that may cost."""

import struct
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from files.raw import RAW_FILES, mosaic_dng, tiff_like
from PIL import Image, ImageFile

from scanner.media.raw import is_raw
from worker.detector.image.frames import PAGES, WALKED_FRAMES
from worker.detector.image.picture import PictureError, decode_frames, decode_rgb, prepare_pillow

Encode = Callable[..., bytes]


@pytest.fixture(autouse=True)
def _decoder_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", ImageFile.LOAD_TRUNCATED_IMAGES)
    prepare_pillow()


def shades(content: bytes, *, max_pixels: int = 10_000_000) -> list[tuple[int, int]]:
    """Number and grey value of each frame that is given."""
    frames = decode_frames(content, max_pixels=max_pixels, short_side=64)
    return [(frame.frame, frame.picture.getpixel((1, 1))[0]) for frame in frames]


def animation(encoded: Encode, form: str, count: int) -> bytes:
    frames = [Image.new("L", (20, 10), number) for number in range(count)]
    lossless = {"lossless": True} if form == "WEBP" else {}
    return encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=40, **lossless)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize(("count", "looked_at"), [(1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (10, [0, 4, 9]), (201, [0, 100, 200])])
def test_first_middle_and_last(encoded: Encode, form: str, count: int, looked_at: list[int]) -> None:
    assert shades(animation(encoded, form, count)) == [(number, number) for number in looked_at]


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_no_more_is_decoded_than_a_picture_may_hold(encoded: Encode, form: str) -> None:
    assert shades(animation(encoded, form, 100), max_pixels=20 * 200) == [(0, 0), (9, 9), (19, 19)]


def test_huge_animation_is_cheap(encoded: Encode, monkeypatch: pytest.MonkeyPatch) -> None:
    """An animation of a hundred thousand frames costs what a short one does."""
    content = animation(encoded, "GIF", 100)
    start = content.index(b"!\xf9\x04")
    content = content[:start] + content[start:-1] * 1000 + b";"
    loads: list[int] = []
    load = ImageFile.ImageFile.load
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: loads.append(self.tell()) or load(self))

    assert shades(content) == [(0, 0), (499, 99), (999, 99)]
    assert max(loads) == WALKED_FRAMES - 1
    assert len(set(loads)) <= WALKED_FRAMES


def test_a_damaged_end_takes_nothing_from_the_beginning(encoded: Encode) -> None:
    content = animation(encoded, "GIF", 10)
    assert shades(content[: len(content) // 2])[0] == (0, 0)


def test_the_first_pages_of_a_tiff(encoded: Encode) -> None:
    assert shades(animation(encoded, "TIFF", 20)) == [(number, number) for number in range(PAGES)]
    assert shades(animation(encoded, "TIFF", 20), max_pixels=500) == [(0, 0), (1, 1)]


def test_scaled_down_copies_in_a_tiff_are_no_pages(encoded: Encode) -> None:
    small = BytesIO()
    with Image.new("L", (20, 10), 7) as whole, Image.new("L", (10, 5), 9) as reduced:
        reduced.encoderinfo = {"tiffinfo": {254: 1}}
        whole.save(small, "TIFF", save_all=True, append_images=[reduced])
    assert shades(small.getvalue()) == [(0, 7)]


@pytest.fixture
def preview(encoded: Encode) -> bytes:
    return encoded(Image.fromarray(np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)), "JPEG")


@pytest.mark.parametrize("suffix", RAW_FILES)
def test_raw_is_told_from_tiff_by_content(encoded: Encode, preview: bytes, suffix: str) -> None:
    assert is_raw(BytesIO(RAW_FILES[suffix](preview)))
    for plain in (
        encoded(Image.new("RGB", (9, 9)), "TIFF"),
        encoded(Image.new("L", (9, 9)), "TIFF", big_tiff=True),
        preview,
        b"",
    ):
        assert not is_raw(BytesIO(plain))


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_preview_is_turned_as_its_raw_file_says(preview: bytes, orientation: int) -> None:
    got = decode_rgb(tiff_like(preview, "SONY", orientation=orientation), max_pixels=10**6, short_side=224)
    assert got.picture.size == ((480, 640) if orientation == 6 else (640, 480))


def test_largest_preview_counts(encoded: Encode, preview: bytes) -> None:
    """The largest preview counts and lossless raw values are none."""
    thumbnail = encoded(Image.new("RGB", (160, 120)), "JPEG")
    larger_but_lossless = (
        b"\xff\xd8\xff\xc3\0\x11\x08" + struct.pack(">HH", 4000, 6000) + bytes(12) + b"\xff\xda\0\x08" + bytes(99)
    )
    got = decode_rgb(tiff_like(thumbnail + larger_but_lossless + preview, "NIKON"), max_pixels=10**8, short_side=224)
    assert (got.format, got.width, got.height) == ("RAW", 640, 480)


def test_raw_values_are_developed() -> None:
    """Where there is no preview."""
    content = mosaic_dng(Image.new("RGB", (64, 48), (200, 40, 40)))
    assert decode_rgb(content, max_pixels=10**6, short_side=64).picture.size == (64, 48)
    with pytest.raises(PictureError, match="too large: 64 x 48"):
        decode_rgb(content, max_pixels=3000, short_side=64)


def test_preview_of_the_makers_tables(encoded: Encode) -> None:
    """Not a larger JPEG that lies elsewhere in the file; and not one that is too small."""
    sensor = Image.new("RGB", (700, 500), (200, 40, 40))
    preview, other = (
        encoded(Image.new("RGB", size, colour), "JPEG") for size, colour in (((700, 500), "lime"), ((900, 700), "blue"))
    )
    got = decode_rgb(mosaic_dng(sensor, preview, (700, 500)) + other, max_pixels=10**7, short_side=224)
    assert (got.format, got.width, got.height) == ("RAW", 700, 500)
    assert got.picture.getpixel((9, 9))[1] > 200
    tiny = encoded(Image.new("RGB", (160, 120), "lime"), "JPEG")
    got = decode_rgb(mosaic_dng(sensor, tiny, (160, 120)), max_pixels=10**7, short_side=224)
    assert got.picture.size == (700, 500)
    assert got.picture.getpixel((9, 9))[0] > 150


def test_a_raw_file_that_is_cut_off_is_refused(preview: bytes) -> None:
    with pytest.raises(PictureError):
        decode_rgb(RAW_FILES["nef"](preview)[:300], max_pixels=10**6, short_side=64)
