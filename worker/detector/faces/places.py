"""Where in a picture an input comes from. Imports no torch."""

from ..image.picture import Decoded
from ..image.preprocess import Resize

Box = tuple[int, int, int, int]


def upright_size(decoded: Decoded) -> tuple[int, int]:
    """Width and height in pixels of the upright picture at full size; it may have been decoded at a smaller scale."""
    width, height = decoded.picture.size
    is_turned = (width > height) != (decoded.width > decoded.height)
    return (decoded.height, decoded.width) if is_turned else (decoded.width, decoded.height)


def shown_part(width: int, height: int, size: int, resize: Resize) -> Box:
    """What `to_input` shows of a picture: left, top, width, height."""
    if resize.rule == "squash":
        return (0, 0, width, height)
    side = min(width, height)
    if resize.rule == "shorter-side":
        side = round(side * size / max(size, resize.shorter))
    return ((width - side) // 2, (height - side) // 2, side, side)
