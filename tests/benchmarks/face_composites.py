"""Large synthetic photos with faces of a manifest pasted into them, the same for the same seed. Never to be kept: real people.

The manifest's pictures are crops of faces, tight or loose, so how large the face in a crop is goes by its source.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from training.data.manifest import Row

# How much of the crop's side the face takes (the median of what CenterFace finds in 60 to 80 bare crops of each source).
FACE_SHARE = {"dfdc": 0.97, "openforensics": 0.52, "ffhq_realorfake": 0.77, "basemax_fakefaces": 0.76, "sfhq_t2i": 0.50}
LARGE = (4000, 3000)
FACES_PER_PHOTO = 4


@dataclass(frozen=True)
class Pasted:
    """One face: its row, the side of the pasted crop and of the face in it, and the crop's left and top (pixels)."""

    row: Row
    side: int
    face: float
    left: int
    top: int

    def holds(self, box: tuple[int, int, int, int]) -> bool:
        """Whether `box` (left, top, width, height) is of this face: its centre in the crop's inner half, its size alike."""
        left, top, width, height = box
        middle_x, middle_y = left + width / 2 - self.left, top + height / 2 - self.top
        inner = 0.2 * self.side, 0.8 * self.side
        return inner[0] < middle_x < inner[1] and inner[0] < middle_y < inner[1] and 0.4 < max(width, height) / self.face < 2


@dataclass(frozen=True)
class Composite:
    """A photo as JPEG, and what was pasted."""

    content: bytes
    pasted: tuple[Pasted, ...]


def composites(rows: Sequence[Row], count: int, seed: int, *, smallest: int = 60, largest: int = 300) -> Iterator[Composite]:
    """`count` photos of 12 megapixels with FACES_PER_PHOTO faces each, `smallest` to `largest` pixels, evenly by logarithm."""
    rng = random.Random(seed)
    chosen = rng.sample(list(rows), min(len(rows), count * FACES_PER_PHOTO))
    for number in range(count):
        photo = background(rng, LARGE)
        pasted = []
        for place, row in enumerate(chosen[number * FACES_PER_PHOTO : (number + 1) * FACES_PER_PHOTO]):
            face = math.exp(rng.uniform(math.log(smallest), math.log(largest)))
            side = round(face / FACE_SHARE[row.source])
            column, line = place % 2, place // 2
            left = round(column * LARGE[0] / 2 + rng.uniform(0.05, 0.95) * (LARGE[0] / 2 - side))
            top = round(line * LARGE[1] / 2 + rng.uniform(0.05, 0.95) * (LARGE[1] / 2 - side))
            paste(photo, row, side, left, top)
            pasted.append(Pasted(row, side, face, left, top))
        buffer = BytesIO()
        photo.save(buffer, "JPEG", quality=92)
        yield Composite(buffer.getvalue(), tuple(pasted))


def paste(photo: Image.Image, row: Row, side: int, left: int, top: int) -> None:
    """Scale a crop to `side` and blend its edges in, over a twentieth of the side or so."""
    with Image.open(row.path) as opened:
        crop = opened.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    edge = max(2, side // 25)
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).rounded_rectangle((edge, edge, side - edge, side - edge), radius=side // 8, fill=255)
    photo.paste(crop, (left, top), mask.filter(ImageFilter.GaussianBlur(edge / 2)))


def background(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """Coloured 1/f noise as natural pictures have it, and plain and striped shapes with hard edges."""
    noise = np.random.default_rng(rng.getrandbits(32))
    width, height = size
    small = (width // 8, height // 8)
    photo = Image.fromarray(np.stack([_pink(noise, small) for _ in range(3)], axis=-1)).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(photo)
    for _ in range(12):
        colour = tuple(int(value) for value in noise.integers(0, 256, 3))
        left, top = rng.randrange(width), rng.randrange(height)
        right, bottom = left + rng.randrange(100, 1500), top + rng.randrange(100, 1500)
        if rng.random() < 0.5:
            draw.ellipse((left, top, right, bottom), fill=colour)
        else:
            for stripe in range(top, bottom, rng.choice((40, 90, 2000))):
                draw.rectangle((left, stripe, right, min(stripe + 60, bottom)), fill=colour)
    tile = noise.integers(-6, 7, (500, 500, 1), dtype=np.int16)
    grain = np.tile(tile, (-(-height // 500), -(-width // 500), 1))[:height, :width]
    return Image.fromarray(np.clip(np.asarray(photo, np.int16) + grain, 0, 255).astype(np.uint8))


def _pink(noise: np.random.Generator, size: tuple[int, int]) -> NDArray[np.uint8]:
    width, height = size
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(noise.standard_normal((height, width))) / frequency
    spectrum[0, 0] = 0
    values = np.fft.irfft2(spectrum, (height, width))
    return np.clip(128 + 45 * values / values.std(), 0, 255).astype(np.uint8)
