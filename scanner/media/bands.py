"""A large picture part by part, so that what is made of it on the way is never held for all of it."""

from collections.abc import Callable, Iterator

from PIL import Image

# Pixels of a part.
AT_ONCE = 16_000_000


def bands(picture: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """The top of each band, and the band; one that is small is its only band, uncopied."""
    if picture.width * picture.height <= AT_ONCE:
        yield 0, picture
        return
    rows = max(1, AT_ONCE // picture.width)
    for top in range(0, picture.height, rows):
        yield top, picture.crop((0, top, picture.width, min(picture.height, top + rows)))


def in_bands(picture: Image.Image, change: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """`change` of a picture, which keeps each pixel where it is, made band by band."""
    whole = None
    for top, band in bands(picture):
        changed = change(band)
        if band is picture:
            return changed
        whole = whole or Image.new(changed.mode, picture.size)
        whole.paste(changed, (0, top))
    assert whole is not None
    return whole
