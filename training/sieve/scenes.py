"""Made-up scenes for the sieve: pieces of pictures and faces of many sizes, and where those are. Imports no torch.

Shapes: H rows, W columns, C colours, N faces.
"""

import random
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from .known_faces import Known

# Pixels of a scene's side, and of the longer side of the faces that the network is asked for; others are made, too.
SIDE = 256
SMALLEST, LARGEST = 6.0, 60.0


Box = tuple[float, float, float, float]


def scene(rng: random.Random, crops: Sequence[Known], pictures: Sequence[Known], side: int = SIDE) -> Known:
    """One scene of `side` pixels: a ground, pictures and faces on it, and what cameras and files do to them."""
    canvas = Image.new("RGB", (side, side))
    boxes: list[Box] = []
    grounds = [known for known in pictures if not len(known.boxes_N4)]
    if not grounds or rng.random() < 0.2:
        canvas.paste(_made_up(rng, side))
    else:
        _lay(rng, canvas, grounds)
    for _ in range(rng.choice((0, 1, 2, 3, 4, 6))):
        _put(rng, canvas, rng.choice(pictures), boxes)
    for _ in range(rng.choice((0, 0, 1, 2, 3, 4))):
        _paste(rng, canvas, rng.choice(crops), boxes)
    kept = [box for box in boxes if 0 <= box[0] + box[2] / 2 < side and 0 <= box[1] + box[3] / 2 < side]
    return Known(np.asarray(_worn(rng, canvas)), np.asarray(kept, np.float32).reshape(-1, 4))


def mirrored(known: Known) -> Known:
    """The same, left and right exchanged."""
    boxes_N4 = known.boxes_N4.copy()
    boxes_N4[:, 0] = known.image_HWC.shape[1] - boxes_N4[:, 0] - boxes_N4[:, 2]
    return Known(np.ascontiguousarray(known.image_HWC[:, ::-1]), boxes_N4)


def _lay(rng: random.Random, canvas: Image.Image, grounds: Sequence[Known]) -> None:
    """Cover the canvas with pieces of pictures without faces."""
    across = rng.choice((1, 1, 2, 3))
    piece = -(-canvas.width // across)
    for number in range(across * across):
        ground = Image.fromarray(rng.choice(grounds).image_HWC)
        scale = max(rng.uniform(0.3, 1.1), piece / min(ground.size))
        size = round(ground.width * scale), round(ground.height * scale)
        x, y = rng.randrange(size[0] - piece + 1), rng.randrange(size[1] - piece + 1)
        shown = ground.resize(size, _filter(rng)).crop((x, y, x + piece, y + piece))
        canvas.paste(shown, (number % across * piece, number // across * piece))


def _put(rng: random.Random, canvas: Image.Image, known: Known, boxes: list[Box]) -> None:
    """Lay a picture on the canvas, a face in it as large as the network is asked for, unless it would cover another."""
    height, width, _ = known.image_HWC.shape
    scale = rng.uniform(0.25, 1.0)
    if len(known.boxes_N4):
        scale = _any_size(rng) / max(1.0, *rng.choice(known.boxes_N4.tolist())[2:])
    scale = min(max(scale, 8 / min(height, width)), 1.2)
    size = round(width * scale), round(height * scale)
    at = _place(rng, canvas, size)
    if any(_meet((*at, at[0] + size[0], at[1] + size[1]), box) for box in boxes):
        return
    canvas.paste(Image.fromarray(known.image_HWC).resize(size, _filter(rng)), at)
    boxes += _moved(known, scale, at)


def _paste(rng: random.Random, canvas: Image.Image, known: Known, boxes: list[Box]) -> None:
    """Blend a crop of a face in, unless it would cover another."""
    if not len(known.boxes_N4):
        return
    scale = min(_any_size(rng), canvas.width / 3) / float(known.boxes_N4[:, 2:].max())
    image = Image.fromarray(known.image_HWC)
    size = max(2, round(image.width * scale)), max(2, round(image.height * scale))
    image = image.resize(size, _filter(rng))
    at = _place(rng, canvas, size)
    around = (at[0] - 4, at[1] - 4, at[0] + size[0] + 4, at[1] + size[1] + 4)
    if any(_meet(around, box) for box in boxes):
        return
    edge = max(1, round(min(size) * rng.uniform(0.01, 0.08)))
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).rounded_rectangle(
        (edge, edge, size[0] - edge, size[1] - edge), radius=round(min(size) * rng.uniform(0, 0.5)), fill=255
    )
    mask = mask.filter(ImageFilter.GaussianBlur(edge / 2))
    degrees = rng.gauss(0, 12) if rng.random() < 0.9 else rng.uniform(-90, 90)
    if abs(degrees) > 5:
        image = image.rotate(degrees, Image.Resampling.BICUBIC)
        mask = mask.rotate(degrees, Image.Resampling.BICUBIC)
    canvas.paste(image, at, mask)
    boxes += _moved(known, scale, at)


def _place(rng: random.Random, canvas: Image.Image, size: tuple[int, int]) -> tuple[int, int]:
    """Left and top of something of `size` that lies on the canvas by half at least."""
    across, down = (rng.randrange(-(side // 4) - 1, max(1, of - side // 2)) for side, of in zip(size, canvas.size, strict=True))
    return across, down


def _moved(known: Known, scale: float, at: tuple[int, int]) -> list[Box]:
    return [(x * scale + at[0], y * scale + at[1], w * scale, h * scale) for x, y, w, h in known.boxes_N4.tolist()]


def _made_up(rng: random.Random, side: int) -> Image.Image:
    """Coloured noise of some coarseness, with shapes on it."""
    noise = np.random.default_rng(rng.getrandbits(32))
    total = np.zeros((side, side, 3))
    for step in (4, 8, 16, 32, 64, 128):
        coarse = noise.standard_normal((side // step + 2, side // step + 2, 3)) * step**0.7
        grown = [Image.fromarray(coarse[..., colour].astype(np.float32)) for colour in range(3)]
        total += np.stack([np.asarray(one.resize((side, side), Image.Resampling.BICUBIC)) for one in grown], axis=-1)
    image = Image.fromarray(np.clip(128 + rng.uniform(20, 60) * total / total.std(), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randrange(8)):
        left, top, size = rng.randrange(-40, side), rng.randrange(-40, side), round(10 * 20 ** rng.random())
        colour = tuple(int(value) for value in noise.integers(0, 256, 3))
        box = (left, top, left + size, top + round(size * rng.uniform(0.5, 2)))
        if rng.random() < 0.6:
            draw.ellipse(box, fill=colour)
        else:
            draw.rectangle(box, fill=colour)
    grain = noise.integers(-6, 7, (side, side, 1), dtype=np.int16)
    return Image.fromarray(np.clip(np.asarray(image, np.int16) + grain, 0, 255).astype(np.uint8))


def _worn(rng: random.Random, image: Image.Image) -> Image.Image:
    """Colours, light, softness and compression as pictures have them."""
    if rng.random() < 0.12:
        image = image.convert("L").convert("RGB")
    if rng.random() < 0.2:  # coloured light
        gains = [rng.uniform(0.4, 1.2) for _ in range(3)]
        image = Image.fromarray(np.clip(np.asarray(image) * gains, 0, 255).astype(np.uint8))
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        if rng.random() < 0.5:
            image = enhance(image).enhance(rng.uniform(0.5, 1.5))
    if rng.random() < 0.25:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    if rng.random() < 0.15:
        grain = np.random.default_rng(rng.getrandbits(32)).normal(0, rng.uniform(2, 15), (image.height, image.width, 3))
        image = Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))
    if rng.random() < 0.3:
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=rng.randrange(35, 95))
        image = Image.open(buffer).convert("RGB")
    return image


def _any_size(rng: random.Random) -> float:
    """The longer side of a face, evenly by logarithm."""
    return float(SMALLEST * (LARGEST / SMALLEST) ** rng.random())


def _filter(rng: random.Random) -> Image.Resampling:
    return rng.choice((Image.Resampling.BILINEAR, Image.Resampling.LANCZOS, Image.Resampling.BOX))


def _meet(one: Box, box: Box) -> bool:
    """Whether `one`, by its ends, meets `box`, by its sides."""
    return one[0] < box[0] + box[2] and box[0] < one[2] and one[1] < box[1] + box[3] and box[1] < one[3]
