"""Which files are images, or videos where those are asked for: by content, with the suffix only as a hint."""

import os
from contextlib import suppress
from io import BufferedReader

from ..base.files import open_regular

# A file with one of these is expected to be an image: when its content is none, that is said, not passed over.
_PICTURES = "jpg jpeg jpe jfif mpo png apng webp gif bmp dib tif tiff heic heif hif avif avifs"
_RAW = "dng cr2 cr3 nef nrw arw sr2 raf orf rw2 rwl pef srw"
IMAGE_SUFFIXES = frozenset("." + name for name in f"{_PICTURES} {_RAW}".split())
VIDEO_SUFFIXES = frozenset((".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"))
# The containers of videos hold sound alone, too.
_SOUND_SUFFIXES = (".m4a", ".m4b", ".mka", ".weba")
_SOUND_BRANDS = (b"M4A ", b"M4B ", b"M4P ", b"F4A ")
_SEPARATORS = os.sep + (os.altsep or "")
# How many of a file's first bytes tell what it is.
HEAD = 32
_FTYP = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "HEIF"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    b"crx ": "RAW",  # CR3
}
# RAW files that are not TIFF, or say at once what they are: RAF, ORF (three makes), RW2; CR2 is TIFF with a mark.
_RAW_STARTS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0")
# Sizes of the header that describes a bitmap, as they stand in the file; bits of a pixel.
_BMP_HEADERS = tuple(size.to_bytes(4, "little") for size in (12, 16, 40, 52, 56, 64, 108, 124))
_BMP_BITS = tuple(bits.to_bytes(2, "little") for bits in (1, 4, 8, 16, 24, 32))
# What Pillow opens, for scoring, training and showing alike. Named, so that no other plugin (EPS would start an external
# program) sees a foreign file.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "HEIF")


def has_image_suffix(path: str) -> bool:
    """Whether the name alone promises an image."""
    return _suffix(path) in IMAGE_SUFFIXES


def has_video_suffix(path: str) -> bool:
    """Whether the name alone promises a video."""
    return _suffix(path) in VIDEO_SUFFIXES


def _suffix(path: str) -> str:
    dot = path.rfind(".")
    # A name that is all suffix is a hidden file's.
    return path[dot:].lower() if dot > 0 and path[dot - 1] not in _SEPARATORS else ""


def is_promised(path: str, *, videos: bool) -> bool:
    """Whether the name alone promises an image or, with `videos`, a video."""
    suffix = _suffix(path)  # looked for once: this is asked of every name in a tree
    return suffix in IMAGE_SUFFIXES or (videos and suffix in VIDEO_SUFFIXES)


def image_format(head: bytes) -> str | None:
    """The image format that the first HEAD bytes of a file announce, or None.

    RAW is told from TIFF only where the first bytes do; `scanner.media.raw` looks at the whole file.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if _is_bmp(head):
        return "BMP"
    if head.startswith(_RAW_STARTS):
        return "RAW"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "RAW" if head[8:10] == b"CR" else "TIFF"
    if head[4:8] == b"ftyp":
        return _FTYP.get(head[8:12])
    return None


def _is_bmp(head: bytes) -> bool:
    """Also an array of OS/2, and a bitmap without the header of a file (raw DIB), which is known by its first numbers alone."""
    if head[:2] == b"BA" and head[14:16] == b"BM":
        return head[28:32] in _BMP_HEADERS
    if head[:2] == b"BM":
        return head[14:18] in _BMP_HEADERS or (
            b"\x10" <= head[14:15] <= b"\x40" and head[15:18] == bytes(3) and head[26:28] == b"\1\0"
        )
    if head[:4] == _BMP_HEADERS[0]:
        return head[8:10] == b"\1\0" and head[10:12] in _BMP_BITS and head[4:6] != b"\0\0" != head[6:8]
    is_sized = head[4:8] != bytes(4) and head[8:12] != bytes(4) and head[6:8] == b"\0\0"
    return (
        head[:4] in _BMP_HEADERS and is_sized and head[12:14] == b"\1\0" and head[14:16] in _BMP_BITS and head[17:20] == bytes(3)
    )


def video_container(head: bytes) -> str | None:
    """The video container that the first HEAD bytes of a file announce (MP4, which includes MOV; MKV with WebM; AVI), or None."""
    if head[4:8] == b"ftyp":
        return None if head[8:12] in _FTYP or head[8:12] in _SOUND_BRANDS else "MP4"
    if head[4:8] in (b"moov", b"mdat", b"wide"):  # QuickTime before it had ftyp
        return "MP4"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "MKV"
    return "AVI" if head[:4] == b"RIFF" and head[8:12] == b"AVI " else None


def announced_container(path: str, file: BufferedReader | None = None) -> str | None:
    """The video container that a regular file is by its first bytes. Unreadable files, and names of sound, announce nothing.

    `file` is it, where it is open already, at its beginning.
    """
    return _container(path, file.peek(HEAD)[:HEAD] if file else _head(path))


def is_announced(path: str, *, videos: bool) -> bool:
    """Whether a regular file is an image by its first bytes or, with `videos`, a video. Unreadable files announce nothing."""
    head = _head(path)
    return image_format(head) is not None or (videos and _container(path, head) is not None)


def _container(path: str, head: bytes) -> str | None:
    return None if path.lower().endswith(_SOUND_SUFFIXES) else video_container(head)


def _head(path: str) -> bytes:
    try:
        with open_regular(path) as file:
            return os.read(file.fileno(), HEAD)  # no more than that: buffers cost time on network drives
    except OSError:
        return b""


def openable_formats() -> tuple[str, ...]:
    """Those of FORMATS that can be opened here; HEIF needs pillow-heif."""
    from PIL import Image  # slow to import; who only recognises files does without

    Image.init()
    if "HEIF" not in Image.OPEN:
        with suppress(ModuleNotFoundError):
            from pillow_heif import register_heif_opener

            register_heif_opener(thumbnails=False)
    return tuple(name for name in FORMATS if name in Image.OPEN)
