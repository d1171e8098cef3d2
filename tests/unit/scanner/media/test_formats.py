"""Which files are images, by their first bytes."""

import os
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from scanner.media.formats import has_image_suffix, image_format, is_announced

WRITTEN_BY_PILLOW = [
    ("JPEG", "RGB", {}, "JPEG"),
    ("JPEG", "CMYK", {}, "JPEG"),
    ("JPEG", "L", {"progressive": True}, "JPEG"),
    ("MPO", "RGB", {}, "JPEG"),
    ("PNG", "RGBA", {}, "PNG"),
    ("WEBP", "RGB", {}, "WEBP"),
    ("WEBP", "RGBA", {"lossless": True}, "WEBP"),
    ("GIF", "P", {}, "GIF"),
    ("BMP", "RGB", {}, "BMP"),
    ("BMP", "RGBA", {}, "BMP"),
    ("TIFF", "RGB", {}, "TIFF"),
    ("TIFF", "I;16B", {}, "TIFF"),  # big-endian
    ("TIFF", "L", {"big_tiff": True}, "TIFF"),
    ("AVIF", "RGB", {}, "AVIF"),
]


@pytest.mark.parametrize(("written_as", "mode", "options", "recognised"), WRITTEN_BY_PILLOW)
def test_what_pillow_writes_is_recognised(written_as: str, mode: str, options: dict[str, object], recognised: str) -> None:
    buffer = BytesIO()
    Image.new(mode, (20, 20)).save(buffer, written_as, **options)
    assert image_format(buffer.getvalue()[:32]) == recognised


def test_both_byte_orders_of_tiff_were_tried() -> None:
    heads = set()
    for mode in ("I;16", "I;16B"):
        buffer = BytesIO()
        Image.new(mode, (4, 4)).save(buffer, "TIFF")
        heads.add(buffer.getvalue()[:2])
    assert heads == {b"II", b"MM"}


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"hevc"])
def test_heif_is_recognised(brand: bytes) -> None:
    assert image_format(b"\0\0\0\x24ftyp" + brand + b"\0\0\0\0mif1heic" + bytes(8)) == "HEIF"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff",
        b"\xff\xd8",
        b"BM",
        b"II*",
        b"Just some text, long enough to fill the head.",
        b"BMW is a maker of cars in Munich, Germany",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"\x7fELF\x02\x01\x01" + bytes(25),
        b"RIFF\x24\0\0\0WAVEfmt " + bytes(16),
        b"\0\0\0\x20ftypisom" + bytes(20),  # a film
        b"PK\x03\x04" + bytes(28),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        bytes(32),
    ],
)
def test_other_content_is_none(head: bytes) -> None:
    assert image_format(head[:32]) is None


@pytest.mark.parametrize("name", ["a.jpg", "B.JPEG", "/x/c.Tiff", "ü.webp", "two.dots.heic", "\udcff.png"])
def test_a_name_may_promise_an_image(name: str) -> None:
    assert has_image_suffix(name)


@pytest.mark.parametrize("name", ["a.txt", "jpg", ".jpg", "a.jpg.part", "a.jpg~", "folder.jpg/notes"])
def test_other_names_promise_nothing(name: str) -> None:
    assert not has_image_suffix(name)


def test_content_decides_for_files_of_any_name(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "no suffix", "PNG")
    (tmp_path / "text").write_text("no image")
    (tmp_path / "empty").touch()
    assert is_announced(str(tmp_path / "no suffix"), videos=True)
    for name in ("text", "empty", "absent", ""):
        assert not is_announced(str(tmp_path / name), videos=True)


@pytest.mark.usefixtures("soon")
def test_a_fifo_without_a_writer_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert not is_announced(str(tmp_path / "fifo"), videos=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_announces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "locked"
    Image.new("RGB", (4, 4)).save(path, "PNG")
    path.chmod(0)
    assert not is_announced(str(path), videos=True)
