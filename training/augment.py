"""What a picture goes through before the network sees it in training.

Degradation (recompression, rescaling, blur) and crops, because forgeries reach people recompressed and cut. Colour stays as
it is: blending traces are colour differences. All randomness comes from the generator that is passed in.
"""

import random
from io import BytesIO

from PIL import Image, ImageFilter


def augmented(picture: Image.Image, rng: random.Random) -> Image.Image:
    """A degraded, cropped and maybe mirrored copy of an RGB `picture`."""
    if rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    picture = _cropped(picture, rng)
    if rng.random() < 0.25:
        picture = _rescaled(picture, rng.uniform(0.5, 1.3))
    if rng.random() < 0.1:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    if rng.random() < 0.5:
        picture = _recompressed(picture, rng)
    return picture


def _cropped(picture: Image.Image, rng: random.Random) -> Image.Image:
    width, height = picture.size
    side = rng.uniform(0.75, 1.0) * min(width, height)
    stretch = rng.uniform(0.94, 1.06)
    box_width, box_height = min(width, side * stretch), min(height, side / stretch)
    left, top = rng.uniform(0, width - box_width), rng.uniform(0, height - box_height)
    x, y = round(left), round(top)
    return picture.crop((x, y, max(x + 1, round(left + box_width)), max(y + 1, round(top + box_height))))


def _rescaled(picture: Image.Image, factor: float) -> Image.Image:
    width, height = picture.size
    method = Image.Resampling.BILINEAR if factor < 1 else Image.Resampling.BICUBIC
    return picture.resize((max(16, round(width * factor)), max(16, round(height * factor))), method)


def _recompressed(picture: Image.Image, rng: random.Random) -> Image.Image:
    buffer = BytesIO()
    if rng.random() < 0.8:
        picture.save(buffer, "JPEG", quality=rng.randint(35, 95))
    else:
        picture.save(buffer, "WEBP", quality=rng.randint(35, 95), method=2)
    return Image.open(buffer).convert("RGB")
