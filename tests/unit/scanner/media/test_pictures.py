"""Pictures as they are shown to people: also those that Qt does not know."""

from pathlib import Path

import pytest
from files.pictures import FORMATS
from files.raw import tiff_like
from PIL import Image

from scanner.media.pictures import small_picture


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
