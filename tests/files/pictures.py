"""One picture in every format that is read, and in the ways of writing each that people meet; and some that are not read."""

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageOps

from .raw import RAW_FILES, mosaic_dng, tiff_like

_ORIENTATION = 0x0112
_UPRIGHT = {Image.Transpose.ROTATE_90: 6, Image.Transpose.ROTATE_180: 3, Image.Transpose.FLIP_LEFT_RIGHT: 2}


@dataclass(frozen=True)
class Written:
    """A file's bytes, and the pictures in it that are to be looked at. `lossy`: its coding has changed them."""

    name: str
    content: bytes
    shown: tuple[Image.Image, ...]
    lossy: bool = False


def written(picture: Image.Image, form: str, **options: Any) -> bytes:
    """The bytes of a picture, as Pillow writes them."""
    buffer = BytesIO()
    picture.save(buffer, form, **({"compress_level": 1} if form == "PNG" else {}), **options)
    return buffer.getvalue()


def sequence(picture: Image.Image, count: int) -> list[Image.Image]:
    """Frames or pages of half the size that differ: mirrored, turned and shifted."""
    picture = picture.reduce(2)
    turns = [picture, ImageOps.mirror(picture), ImageOps.flip(picture), ImageOps.invert(picture)]
    return [
        turns[number % 4].transform(picture.size, Image.Transform.AFFINE, (1, 0, 9 * number, 0, 1, 0)) for number in range(count)
    ]


def _jpeg(picture: Image.Image) -> Iterator[Written]:
    good = {"quality": 95, "subsampling": 0}
    yield Written("plain.jpg", written(picture, "JPEG", **good), (picture,), lossy=True)
    yield Written("progressive.jpeg", written(picture, "JPEG", progressive=True, **good), (picture,), lossy=True)
    yield Written("adobe-cmyk.jpg", written(picture.convert("CMYK"), "JPEG", **good), (picture,), lossy=True)
    yield Written("grey.jfif", written(picture.convert("L"), "JPEG", **good), (picture.convert("L"),), lossy=True)
    yield Written("turned.jpe", _turned(picture, "JPEG", Image.Transpose.ROTATE_90, **good), (picture,), lossy=True)
    yield Written("other-colours.jpg", _swapped(picture, "JPEG", **good), (picture,), lossy=True)


def _mpo(picture: Image.Image) -> Iterator[Written]:
    twin = ImageOps.mirror(picture)
    yield Written("twins.mpo", written(picture, "MPO", save_all=True, append_images=[twin], quality=95), (picture,), lossy=True)


def _png(picture: Image.Image) -> Iterator[Written]:
    palette, grey = picture.quantize(256), picture.convert("L")
    yield Written("plain.png", written(picture, "PNG"), (picture,))
    yield Written("palette.png", written(palette, "PNG"), (palette.convert("RGB"),))
    yield Written("16-bit.png", _png_of_16_bits(picture), (picture,))
    yield Written("16-bit-grey.png", written(Image.fromarray(np.asarray(grey, np.uint16) * 257), "PNG"), (grey,))
    yield Written("alpha.png", written(_with_hole(picture), "PNG"), (_over_white(picture),))
    yield Written("turned.png", _turned(picture, "PNG", Image.Transpose.ROTATE_180), (picture,))
    yield Written("other-colours.png", _swapped(picture, "PNG"), (picture,))
    yield Written("broken-profile.png", written(picture, "PNG", icc_profile=b"no profile" * 50), (picture,))


def _apng(picture: Image.Image) -> Iterator[Written]:
    yield Written("animated.apng", *_animated(picture, "PNG"))


def _gif(picture: Image.Image) -> Iterator[Written]:
    palette = picture.quantize(256)
    yield Written("plain.gif", written(palette, "GIF"), (palette.convert("RGB"),))
    frames = [frame.quantize(256) for frame in sequence(picture, 7)]
    content = written(frames[0], "GIF", save_all=True, append_images=frames[1:], optimize=False, duration=40)
    yield Written("animated.gif", content, tuple(frames[number].convert("RGB") for number in (0, 3, 6)))


def _webp(picture: Image.Image) -> Iterator[Written]:
    yield Written("lossless.webp", written(picture, "WEBP", lossless=True, method=0), (picture,))
    yield Written("lossy.webp", written(picture, "WEBP", quality=95), (picture,), lossy=True)
    yield Written("alpha.webp", written(_with_hole(picture), "WEBP", lossless=True, method=0), (_over_white(picture),))
    yield Written("animated.webp", *_animated(picture, "WEBP", lossless=True, method=0))


def _avif(picture: Image.Image) -> Iterator[Written]:
    fine = {"quality": 95, "subsampling": "4:4:4", "speed": 10}
    yield Written("plain.avif", written(picture, "AVIF", **fine), (picture,), lossy=True)
    yield Written("animated.avifs", *_animated(picture, "AVIF", **fine), lossy=True)


def _heic(picture: Image.Image) -> Iterator[Written]:
    buffer = BytesIO()
    pillow_heif.from_pillow(picture).save(buffer, quality=95, chroma=444)
    yield Written("plain.heic", buffer.getvalue(), (picture,), lossy=True)


def _tiff(picture: Image.Image) -> Iterator[Written]:
    grey, pages = picture.convert("L"), sequence(picture, 10)
    lab = ImageCms.profileToProfile(picture, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB")
    yield Written("plain.tif", written(picture, "TIFF", compression="tiff_lzw"), (picture,))
    yield Written("big.tiff", written(picture, "TIFF", big_tiff=True), (picture,))
    yield Written("16-bit.tiff", written(Image.fromarray(np.asarray(grey, np.uint16) * 257), "TIFF"), (grey,))
    yield Written("cmyk.tiff", written(picture.convert("CMYK"), "TIFF"), (picture,))
    yield Written("lab.tiff", written(lab, "TIFF"), (picture,), lossy=True)
    yield Written("turned.tiff", _turned(picture, "TIFF", Image.Transpose.FLIP_LEFT_RIGHT), (picture,))
    content = written(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    yield Written("pages.tiff", content, tuple(pages[:8]))


def _bitmap(header: bytes, picture: Image.Image) -> bytes:
    pixels = written(picture, "BMP")[54:]
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + pixels


def _array(picture: Image.Image) -> bytes:
    """An array of one bitmap, as OS/2 has it (BA): the place of the pixels counts from the beginning of the file."""
    one = _bitmap(struct.pack("<IHHHH", 12, *picture.size, 1, 24), picture)
    return b"BA" + struct.pack("<IIHH", 40, 0, 0, 0) + one[:10] + struct.pack("<I", 14 + 26) + one[14:]


# By the header (https://learn.microsoft.com/windows/win32/gdi/bitmap-header-types; OS/2: BITMAPINFOHEADER2).
BITMAPS: dict[str, Callable[[Image.Image], bytes]] = {
    "OS/2 1": lambda picture: _bitmap(struct.pack("<IHHHH", 12, *picture.size, 1, 24), picture),
    "OS/2 2": lambda picture: _bitmap(struct.pack("<IIIHH", 64, *picture.size, 1, 24).ljust(64, b"\0"), picture),
    "OS/2 2, short": lambda picture: _bitmap(struct.pack("<IIIHH", 16, *picture.size, 1, 24), picture),
    "OS/2 2, of odd length": lambda picture: _bitmap(struct.pack("<IIIHH", 48, *picture.size, 1, 24).ljust(48, b"\0"), picture),
    "OS/2, an array": _array,
    "DIB": lambda picture: written(picture, "BMP")[14:],
    "DIB of OS/2": lambda picture: struct.pack("<IHHHH", 12, *picture.size, 1, 24) + written(picture, "BMP")[54:],
}


def _bmp(picture: Image.Image) -> Iterator[Written]:
    yield Written("plain.bmp", written(picture, "BMP"), (picture,))
    yield Written("os2.bmp", BITMAPS["OS/2 2, short"](picture), (picture,))
    yield Written("raw.dib", BITMAPS["DIB"](picture), (picture,))


def _raw(picture: Image.Image) -> Iterator[Written]:
    preview = written(picture, "JPEG", quality=95)
    shown = (Image.open(BytesIO(preview)).convert("RGB"),)
    for suffix, make in RAW_FILES.items():
        yield Written(f"camera.{suffix}", make(preview), shown)
    for suffix, like in (("sr2", "arw"), ("rwl", "rw2")):
        yield Written(f"camera.{suffix}", RAW_FILES[like](preview), shown)
    stored = written(picture.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95)
    upright = Image.open(BytesIO(stored)).convert("RGB").transpose(Image.Transpose.ROTATE_270)
    yield Written("turned.dng", tiff_like(stored, "Google", dng=True, orientation=6), (upright,))
    yield Written("without-preview.dng", mosaic_dng(picture), (picture,), lossy=True)


# By the name that the table in docs/formats.md has for it.
FORMATS: dict[str, Callable[[Image.Image], Iterator[Written]]] = {
    "JPEG": _jpeg,
    "MPO": _mpo,
    "PNG": _png,
    "APNG": _apng,
    "GIF": _gif,
    "WebP": _webp,
    "AVIF": _avif,
    "HEIC": _heic,
    "TIFF": _tiff,
    "BMP": _bmp,
    "RAW": _raw,
}


def unread_files(picture: Image.Image) -> dict[str, bytes]:
    """Files in formats that are not read, by the name that docs/formats.md has for them."""
    small = picture.resize((64, 64))
    return {
        "JPEG of 12 bits": written(small, "JPEG").replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"),
        "JPEG 2000": written(small, "JPEG2000"),
        "JPEG XL": b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(64),
        "ICO": written(small, "ICO"),
        "TGA": written(small, "TGA"),
        "PSD": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 64, 64, 8, 3) + bytes(64 * 64 * 3),
        "PDF": written(small, "PDF"),
        "EPS": written(small, "EPS"),
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'/>",
    }


def _animated(picture: Image.Image, form: str, **options: Any) -> tuple[bytes, tuple[Image.Image, ...]]:
    """Seven frames, of which the first, the middle and the last count."""
    frames = sequence(picture, 7)
    content = written(frames[0], form, save_all=True, append_images=frames[1:], duration=40, **options)
    return content, (frames[0], frames[3], frames[6])


def _turned(picture: Image.Image, form: str, turn: Image.Transpose, **options: Any) -> bytes:
    """Stored turned, with the EXIF orientation that makes it upright."""
    exif = Image.Exif()
    exif[_ORIENTATION] = _UPRIGHT[turn]
    return written(picture.transpose(turn), form, exif=exif, **options)


def _swapped(picture: Image.Image, form: str, **options: Any) -> bytes:
    """Red and blue swapped, and a profile of a colour space whose primaries are swapped, too: the same colours."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    profile = profile.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    red, green, blue = picture.split()
    return written(Image.merge("RGB", (blue, green, red)), form, icc_profile=profile, **options)


def _with_hole(picture: Image.Image) -> Image.Image:
    holed = picture.convert("RGBA")
    holed.putalpha(_hole(picture.size))
    return holed


def _over_white(picture: Image.Image) -> Image.Image:
    return Image.composite(picture, Image.new("RGB", picture.size, "white"), _hole(picture.size))


def _hole(size: tuple[int, int]) -> Image.Image:
    mask = Image.new("L", size, 255)
    mask.paste(0, (0, 0, size[0] // 3, size[1] // 3))
    return mask


def _png_of_16_bits(picture: Image.Image) -> bytes:
    values = np.asarray(picture, np.uint16) * 257
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", *picture.size, 16, 2, 0, 0, 0)
    parts: Sequence[tuple[bytes, bytes]] = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
