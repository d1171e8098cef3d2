"""Pictures as they are shown to people: also those that Qt does not know."""

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from files.pictures import FORMATS, written
from files.raw import tiff_like
from PIL import Image, ImageCms

from scanner.media.pictures import decode_image, opened_picture, small_picture
from scanner.reports.html_page import thumbnail_of
from worker.detector.image.picture import decode_rgb

GREY = np.linspace(0, 65535, 32 * 20).astype(np.uint16).reshape(20, 32)
NAN = np.where(GREY % 7 == 0, np.nan, GREY / 65535).astype(np.float32)
COLOURS = Image.merge("RGB", [Image.fromarray((GREY >> shift).astype(np.uint8)) for shift in (8, 4, 2)])
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
NAMELESS = SRGB.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
ODD = {
    "16-bit grey": (Image.fromarray(GREY), "PNG", {}),
    "16-bit grey TIFF": (Image.fromarray(GREY), "TIFF", {}),
    "floats": (Image.fromarray((GREY / 65535).astype(np.float32)), "TIFF", {}),
    "floats with gaps": (Image.fromarray(NAN), "TIFF", {}),
    "integers": (Image.fromarray(GREY.astype(np.int32)), "TIFF", {}),
    "grey with transparency": (Image.merge("LA", [Image.fromarray((GREY >> 8).astype(np.uint8))] * 2), "PNG", {}),
    "transparent colour": (COLOURS.quantize(9), "PNG", {"transparency": 3}),
    "half transparent": (Image.merge("RGBA", [*COLOURS.split(), COLOURS.getchannel(0)]), "PNG", {}),
    "printer's colours": (COLOURS.convert("CMYK"), "TIFF", {}),
    "a profile": (COLOURS, "PNG", {"icc_profile": NAMELESS}),
}


@pytest.mark.parametrize("name", ODD)
def test_same_pixels_for_people_and_network(tmp_path: Path, name: str) -> None:
    picture, form, options = ODD[name]
    content = written(picture, form, **options)
    (tmp_path / "a").write_bytes(content)
    seen = decode_rgb(content, max_pixels=10_000, short_side=20, scaled=False).picture
    small = small_picture(str(tmp_path / "a"), 64)
    assert (small.size, small.tobytes()) == (seen.size, seen.tobytes())
    with opened_picture(str(tmp_path / "a")) as opened:
        assert decode_image(opened, (40, 40)).tobytes() == seen.tobytes()


@pytest.mark.parametrize("name", ["16-bit grey", "16-bit grey TIFF", "floats", "floats with gaps", "integers"])
def test_deep_grey_is_not_white(tmp_path: Path, name: str) -> None:
    """As thumbnail and in a report; a gap counts as black."""
    picture, form, _ = ODD[name]
    (tmp_path / "a").write_bytes(written(picture, form))
    small = np.asarray(small_picture(str(tmp_path / "a"), 16))
    assert 90 < small.mean() < 140
    assert small.min() < 30
    url = thumbnail_of(str(tmp_path / "a")) or ""
    shown = np.asarray(Image.open(BytesIO(base64.b64decode(url.partition(",")[2]))))
    assert 90 < shown.mean() < 140


def test_scaled_within_a_turned_frame(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for mode in ("RGB", "P"):
        Image.new(mode, (400, 200)).save(tmp_path / "a.png", exif=exif)
        with opened_picture(str(tmp_path / "a.png")) as picture:
            assert decode_image(picture, (100, 50)).size == (50, 100)


@pytest.mark.parametrize("name", ["HEIC", "AVIF", "RAW"])
def test_a_small_picture_of_what_cameras_write(tmp_path: Path, name: str) -> None:
    file = next(FORMATS[name](Image.new("RGB", (640, 480), (200, 40, 30))))
    (tmp_path / file.name).write_bytes(file.content)
    small = small_picture(str(tmp_path / file.name), 64)
    assert small.size == (64, 48)
    assert all(abs(got - wanted) < 9 for got, wanted in zip(small.getpixel((9, 9)), (200, 40, 30), strict=True))


def test_a_raw_preview_is_shown_upright(tmp_path: Path) -> None:
    preview = tmp_path / "preview.jpg"
    Image.new("RGB", (640, 480)).save(preview)
    (tmp_path / "turned.dng").write_bytes(tiff_like(preview.read_bytes(), "Google", dng=True, orientation=6))
    assert small_picture(str(tmp_path / "turned.dng"), 64).size == (48, 64)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP"])
def test_a_damaged_picture_is_shown(tmp_path: Path, form: str) -> None:
    content = written(COLOURS, form)
    (tmp_path / "a").write_bytes(content[:-3])
    assert small_picture(str(tmp_path / "a"), 64).size == COLOURS.size
    assert thumbnail_of(str(tmp_path / "a"))
