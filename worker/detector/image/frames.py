"""Which of a file's pictures are looked at: of an animation the first, the middle and the last, of a TIFF the first pages."""

from collections.abc import Iterator

from PIL import Image

# Pages of a TIFF; scaled-down copies and masks do not count, and are not looked for beyond so many directories.
PAGES, _DIRECTORIES = 8, 64
# A frame is mostly what has changed since the one before, so the way to the last leads through all: it is no longer than this.
WALKED_FRAMES = 1000
ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
_NEW_SUBFILE_TYPE, _REDUCED_OR_MASK = 254, 0b101


def frames_of(picture: Image.Image, max_pixels: int) -> Iterator[int]:
    """Numbers of frames; `picture` is at each when its number is given. Starts with where `picture` is.

    All that is decoded on the way, together with what is given, has at most `max_pixels` pixels more than the first frame has.
    """
    first = picture.tell()
    yield first
    if picture.format == "TIFF":
        yield from _pages(picture, max_pixels)
    elif picture.format in ANIMATED:
        last = _walk(picture, max_pixels)
        for number in sorted({last // 2, last} - {first}):
            picture.seek(number)
            yield number


def _walk(picture: Image.Image, max_pixels: int) -> int:
    """The number of the last frame that is within reach."""
    width, height = picture.size
    most = min(WALKED_FRAMES, max_pixels // max(1, width * height))
    if picture.format != "GIF":
        return min(int(getattr(picture, "n_frames", 1)), most) - 1
    number, left = 0, max_pixels
    try:
        # To count the frames of a GIF is to go through all of them, and one may grow beyond the picture.
        for number in range(1, most):
            picture.seek(number)
            left -= picture.width * picture.height
            if left < 0:
                return number - 1
    except EOFError:
        return number - 1
    return max(most - 1, 0)


def _pages(picture: Image.Image, max_pixels: int) -> Iterator[int]:
    pages, left = 1, max_pixels - picture.width * picture.height
    for number in range(1, _DIRECTORIES):
        try:
            picture.seek(number)
        except EOFError:
            return
        if picture.tag_v2.get(_NEW_SUBFILE_TYPE, 0) & _REDUCED_OR_MASK:  # type: ignore[attr-defined]
            continue
        left -= picture.width * picture.height
        if pages == PAGES or left < 0:
            return
        pages += 1
        yield number
