"""Colours as the file means them: embedded ICC profiles, and what is no profile that fits."""

import struct

import numpy as np
import pytest
from files.pictures import written
from PIL import Image, ImageCms

from scanner.media.colour import MAX_PROFILE_BYTES, over_white
from worker.detector.image.picture import decode_rgb

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def cmyk_profile(lab: tuple[int, int, int]) -> bytes:
    """A printer's profile (ICC.1:2001-04, 6.1 and 6.5.8) of a machine that prints one colour, whatever it is told to."""
    identity = struct.pack(">9i", *(65536 if place % 4 == 0 else 0 for place in range(9)))
    ramp = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + identity + 4 * ramp + bytes(lab) * 16 + 3 * ramp
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061),
        b"A2B0": table,
    }
    at, entries, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        entries += name + struct.pack(">II", at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = at + len(body)
    white = struct.pack(">3i", 63190, 65536, 54061)
    header = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ") + bytes(12) + b"acsp"
    header = (header.ljust(68, b"\0") + white).ljust(128, b"\0")
    return header + struct.pack(">I", len(tags)) + entries + body


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_goes_through_its_profile(form: str) -> None:
    ink = Image.new("CMYK", (20, 20), (200, 10, 30, 0))
    content = written(ink, form, icc_profile=cmyk_profile((128, 128, 128)))  # L* = 50, neutral
    got = np.asarray(decode_rgb(content, max_pixels=1000, short_side=64).picture)
    assert np.abs(got.astype(int) - 119).max() <= 4


def test_profiles_that_do_not_fit_are_ignored() -> None:
    picture = Image.new("RGB", (4, 4), (200, 100, 50))
    broken = (b"", b"x", SRGB[:200], SRGB.ljust(MAX_PROFILE_BYTES + 1, b"\0"), cmyk_profile((0, 0, 0)))
    for profile in broken:
        picture.info["icc_profile"] = profile
        assert over_white(picture).getpixel((0, 0)) == (200, 100, 50)


def test_srgb_is_left_as_it_is() -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    picture.info["icc_profile"] = SRGB
    assert over_white(picture).tobytes() == picture.tobytes()


def test_grey_with_a_profile_of_colours_stays_grey() -> None:
    picture = Image.new("L", (4, 4), 77)
    picture.info["icc_profile"] = SRGB.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    red, green, blue = over_white(picture).getpixel((0, 0))
    assert max(abs(value - 77) for value in (red, green, blue)) <= 1


@pytest.mark.parametrize("mode", ["RGBA", "CMYK", "I;16", "P", "LA"])
def test_a_large_picture_is_converted_band_by_band(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 70, 4), np.uint8)
    picture = Image.fromarray(noise[..., :2].copy().view(np.uint16)[..., 0]) if mode == "I;16" else Image.fromarray(noise, "RGBA")
    picture = picture if picture.mode == mode else picture.convert("RGB").convert(mode) if mode != "LA" else picture.convert(mode)
    picture.info["transparency" if mode in ("I;16", "P") else "icc_profile"] = 7 if mode in ("I;16", "P") else SRGB
    whole = over_white(picture).tobytes()
    monkeypatch.setattr("scanner.media.bands.AT_ONCE", 70 * 13)
    assert over_white(picture).tobytes() == whole
