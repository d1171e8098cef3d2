"""Other frames around a face: a part of a crop, or the crop with surroundings that are made up, joined softly.

What lies around the crop tells nothing of its label, and neither does the seam: both come to real and fake pictures alike.
"""

import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

# The frame is off the picture's middle by up to this share of its own side, as a face finder's boxes are.
_OFF = 0.06


def framed(picture: Image.Image, width: float, rng: random.Random) -> Image.Image:
    """The centre square of RGB `picture` in a frame that is `width` times as wide: below 1 a part, above 1 with surroundings."""
    short = min(picture.size)
    side = max(16, round(short * width))
    middle = [size / 2 + rng.uniform(-_OFF, _OFF) * side for size in picture.size]
    if side <= short:
        left, top = (round(min(max(0.0, at - side / 2), size - side)) for at, size in zip(middle, picture.size, strict=True))
        return picture.crop((left, top, left + side, top + side))
    around = _surroundings(picture, side, rng)
    left, top = (round(side / 2 - at) for at in middle)
    around.paste(picture, (left, top), _soft(picture.size, rng))
    return around


def _surroundings(picture: Image.Image, side: int, rng: random.Random) -> Image.Image:
    """A square RGB picture to lay another on: what that one mirrors, its blurred copy, coloured clouds, or one colour."""
    kind = rng.random()
    if kind < 0.3:
        beyond = [(max(0, side - size + 1) // 2 + 1,) * 2 for size in (picture.height, picture.width)]
        mirrored = Image.fromarray(np.pad(np.asarray(picture), (*beyond, (0, 0)), mode="symmetric"))
        left, top = (mirrored.width - side) // 2, (mirrored.height - side) // 2
        return mirrored.crop((left, top, left + side, top + side))
    if kind < 0.5:
        small = max(16, side // 4)  # nothing finer is left of it, and the blur costs a tenth
        blurred = picture.resize((small, small)).filter(ImageFilter.GaussianBlur(small * rng.uniform(0.02, 0.1)))
        return blurred.resize((side, side))
    noise = np.random.default_rng(rng.getrandbits(64))
    if kind < 0.9:
        cells = rng.randint(2, 24)
        colours = np.clip(noise.normal(noise.uniform(60, 190, 3), rng.uniform(5, 50), (cells, cells, 3)), 0, 255)
        clouds = Image.fromarray(colours.astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
        grain = noise.standard_normal((side, side, 1), np.float32) * np.float32(rng.uniform(0, 6)) + np.asarray(clouds)
        return Image.fromarray(np.clip(grain, 0, 255, out=grain).astype(np.uint8))
    return Image.new("RGB", (side, side), tuple(int(level) for level in noise.integers(0, 256, 3)))


def _soft(size: tuple[int, int], rng: random.Random) -> Image.Image:
    """How much of the picture shows, per pixel: its edges fade over up to a twelfth of the side, its corners may be round."""
    short = min(size)
    edge = round(short * rng.uniform(0, 0.04))
    inner = (edge, edge, size[0] - 1 - edge, size[1] - 1 - edge)
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).rounded_rectangle(inner, radius=short * rng.choice((0.0, rng.uniform(0, 0.2))), fill=255)
    return mask.filter(ImageFilter.GaussianBlur(edge / 2)) if edge else mask
