"""Tags: all of them, with names and readable values; what is broken or hostile spoils nothing."""

from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

from scanner.media.forensic.tags import Tag, read_tags


def full_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "Maker <b>bold</b>"
    exif[0x0112] = 6
    exif[0xC4A5] = b"\x01\x02"
    below = exif.get_ifd(0x8769)
    below[0x829A] = IFDRational(1, 200)
    below[0x829D] = IFDRational(28, 10)
    below[0x9000] = b"0232"
    below[0x9209] = 1
    below[0x9286] = b"UNICODE\0" + "f\u00fcr".encode("utf-16")
    below[0x927C] = b"ASCII but of the maker"
    below[0x9003] = "2024:05:06 07:08:09"
    places = exif.get_ifd(0x8825)
    places[1] = "N"
    places[2] = (48.0, 51.0, 30.0)
    return exif


def test_all_tags_with_names_and_meanings(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "a.jpg", exif=full_exif(), comment=b"said\nin two lines")
    tags = read_tags(str(tmp_path / "a.jpg"))
    for expected in (
        Tag("EXIF", "Make", "Maker <b>bold</b>"),
        Tag("EXIF", "Orientation", "6", "to be turned a quarter to the right"),
        Tag("EXIF", "ExposureTime", "0.005", "1/200 s"),
        Tag("EXIF", "FNumber", "2.8", "f/2.8"),
        Tag("EXIF", "ExifVersion", "0232"),
        Tag("EXIF", "Flash", "1", "fired"),
        Tag("EXIF", "UserComment", "f\u00fcr"),
        Tag("EXIF", "MakerNote", "22 bytes"),
        Tag("EXIF", "DateTimeOriginal", "2024:05:06 07:08:09"),
        Tag("GPS", "GPSLatitude", "48.0, 51.0, 30.0", "48.858333\N{DEGREE SIGN}"),
        Tag("Text", "comment", "said\\nin two lines"),
    ):
        assert expected in tags


def test_texts_of_a_png(tmp_path: Path) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("parameters", "a cat\x1b[2J, steps 20")
    texts.add_text("long", "x" * 5_000)
    texts.add_text("bomb", "y" * 5_000_000, zip=True)
    texts.add_itxt("Description", "\u00fcber", zip=True)
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png", pnginfo=texts)
    told = {tag.name: tag.value for tag in read_tags(str(tmp_path / "a.png"))}
    assert told["parameters"] == "a cat\\x1b[2J, steps 20"  # nothing of it steers anything
    assert len(told["long"]) == len(told["bomb"]) == 2_001
    assert told["Description"] == "\u00fcber"


@pytest.mark.parametrize("tag", [0x829A, 0x829D, 0x9209, 0x0112, 0x9204, 0x920A, 0xA405])
@pytest.mark.parametrize("value", [IFDRational(1, 0), IFDRational(0, 1), b"", b"\xff\xfe", "words", (1, 2), 2**31])
def test_absurd_values_are_told_as_they_are(tmp_path: Path, tag: int, value: object) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    try:
        exif.get_ifd(0x8769)[tag] = value
        Image.new("RGB", (20, 10)).save(tmp_path / "a.jpg", exif=exif)
    except Exception as error:
        pytest.skip(f"Pillow does not write it: {error}")
    assert Tag("EXIF", "Make", "Maker") in read_tags(str(tmp_path / "a.jpg"))


def test_broken_exif_and_no_picture(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert [tag for tag in read_tags(str(tmp_path / "a.jpg")) if tag.part == "EXIF"] == []
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    with pytest.raises(OSError, match="cannot identify"):
        read_tags(str(tmp_path / "b.jpg"))


def test_many_tags_are_cut(tmp_path: Path) -> None:
    exif = Image.Exif()
    for tag in range(3_000):
        exif[0xC800 + tag] = 1
    Image.new("RGB", (20, 10)).save(tmp_path / "a.jpg", exif=exif)
    assert len(read_tags(str(tmp_path / "a.jpg"))) == 2_000
