"""Between Pillow, which decodes, and Qt, which shows."""

from PIL import Image
from PySide6.QtGui import QImage


def as_qimage(picture: Image.Image) -> QImage:
    """A copy that needs neither Pillow nor its memory, in the format that Qt draws. May be called from any thread."""
    plain = picture if picture.mode == "RGB" else picture.convert("RGB")
    pixels = plain.tobytes()
    packed = QImage(pixels, plain.width, plain.height, 3 * plain.width, QImage.Format.Format_RGB888)
    return packed.convertToFormat(QImage.Format.Format_RGB32)
