"""The formats that pictures are opened in, the same for scoring, for training and for showing. Imports no more than Pillow."""

from contextlib import suppress

from PIL import Image

# Named, so that no other plugin (EPS would start an external program) sees a foreign file.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")


def openable_formats() -> tuple[str, ...]:
    """Those of FORMATS that can be opened here; HEIF needs pillow-heif."""
    Image.init()
    if "HEIF" not in Image.OPEN:
        with suppress(ModuleNotFoundError):
            from pillow_heif import register_heif_opener

            register_heif_opener(thumbnails=False)
    return tuple(name for name in FORMATS if name in Image.OPEN)
