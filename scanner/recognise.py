"""Which files are images: by content, with the suffix only as a hint."""

import os
import stat

# A file with one of these is expected to be an image: when its content is none, that is said, not passed over.
_NAMES = ("jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "bmp", "dib", "tif", "tiff", "heic", "heif", "avif")
IMAGE_SUFFIXES = frozenset("." + name for name in _NAMES)
_HEAD = 32
_FTYP_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"}


def has_image_suffix(path: str) -> bool:
    """Whether the name alone promises an image."""
    dot = path.rfind(".")
    # A name that is all suffix is a hidden file's.
    return dot > 0 and path[dot:].lower() in IMAGE_SUFFIXES and path[dot - 1] not in (os.sep, os.altsep)


def image_format(head: bytes) -> str | None:
    """The image format that the first 32 bytes of a file announce, or None."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if head[:2] == b"BM" and head[14:18] in (
        b"\x0c\0\0\0",
        b"\x28\0\0\0",
        b"\x34\0\0\0",
        b"\x38\0\0\0",
        b"\x6c\0\0\0",
        b"\x7c\0\0\0",
    ):
        return "BMP"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if head[4:8] == b"ftyp" and head[8:12] in _FTYP_BRANDS:
        return "AVIF" if head[8:12] in (b"avif", b"avis") else "HEIF"
    return None


def announces_image(path: str) -> bool:
    """Whether the first bytes of a regular file are those of an image. Unreadable files announce nothing."""
    try:
        # O_NONBLOCK: should the name have become a FIFO meanwhile, opening it must not wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and image_format(os.read(descriptor, _HEAD)) is not None
    except OSError:
        return False
    finally:
        os.close(descriptor)
