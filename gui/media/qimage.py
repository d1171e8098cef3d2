"""Between Pillow, which decodes, and Qt, which shows."""

from PIL import Image
from PySide6.QtGui import QImage


def as_qimage(picture: Image.Image) -> QImage:
    """A copy that needs neither Pillow nor its memory. May be called from any thread."""
    pixels = picture.convert("RGBX").tobytes()
    return QImage(pixels, picture.width, picture.height, 4 * picture.width, QImage.Format.Format_RGBX8888).copy()
