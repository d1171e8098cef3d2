"""Where in a picture an input comes from. Imports no torch."""

from ..image.picture import Decoded

Box = tuple[int, int, int, int]


def upright_size(decoded: Decoded) -> tuple[int, int]:
    """Width and height in pixels of the upright picture at full size; it may have been decoded at a smaller scale."""
    width, height = decoded.picture.size
    is_turned = (width > height) != (decoded.width > decoded.height)
    return (decoded.height, decoded.width) if is_turned else (decoded.width, decoded.height)


def centre_square(width: int, height: int) -> Box:
    """What `to_square` shows of a picture: left, top, width, height."""
    side = min(width, height)
    return ((width - side) // 2, (height - side) // 2, side, side)
