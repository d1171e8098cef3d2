"""Forgeries made from real pictures, so that the network learns the traces of blending and not of one generator.

After self-blended images (Shiohara & Yamasaki 2022, "Detecting Deepfakes with Self-Blended Images") and Face X-ray (Li et al.
2020): a region of a face is replaced by a changed copy of itself, or by the same region of another face, under a soft mask.
Without landmarks: the crops hold one face in the middle, so regions are drawn there.
"""

import math
import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

# Centre and half-axes of face parts in shares of a crop's side: whole face, eyes, nose, mouth, one half.
_PARTS = (
    (0.5, 0.52, 0.32, 0.40),
    (0.5, 0.52, 0.25, 0.32),
    (0.5, 0.40, 0.30, 0.10),
    (0.5, 0.53, 0.11, 0.15),
    (0.5, 0.70, 0.19, 0.10),
    (0.5, 0.68, 0.30, 0.20),
    (0.33, 0.52, 0.20, 0.32),
)


def forged(picture: Image.Image, donor: Image.Image | None, rng: random.Random) -> Image.Image:
    """A forgery of RGB `picture`: a part of it replaced from `donor` (an RGB picture), or from a changed copy of itself."""
    pasted = _changed(picture, rng) if donor is None else donor.resize(picture.size, Image.Resampling.BICUBIC)
    scale_x, left, scale_y, top = _movement(picture.size, rng)
    mask = _mask(picture.size, rng)
    # What the mask leaves as it is needs no work.
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not len(rows):
        return picture
    x, y, right, bottom = (int(at) for at in (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    mask = mask[y:bottom, x:right]
    moved = (scale_x, 0, left + scale_x * x, 0, scale_y, top + scale_y * y)
    patch = np.asarray(
        pasted.transform((right - x, bottom - y), Image.Transform.AFFINE, moved, Image.Resampling.BICUBIC), np.float32
    )
    base = np.asarray(picture.crop((x, y, right, bottom)), np.float32)
    if donor is not None and rng.random() < 0.8:
        patch = _colours_of(base, patch, mask)
    alpha = mask * np.float32(rng.choice((0.5, 0.75, 1.0, 1.0, 1.0)))
    blended = base + (patch - base) * alpha[..., None]
    found = picture.copy()
    found.paste(Image.fromarray(np.clip(blended, 0, 255, out=blended).astype(np.uint8)), (x, y))
    return found


def _changed(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Other statistics, same content: a shift of colour, and sharper or softer than before."""
    shifts = [rng.uniform(-12, 12) for _ in range(3)]
    gain = rng.uniform(0.88, 1.12)
    levels = [round(min(255.0, max(0.0, level * gain + shift))) for shift in shifts for level in range(256)]
    changed = picture.point(levels)
    if rng.random() < 0.5:
        return changed.filter(ImageFilter.UnsharpMask(2, rng.randint(80, 200), 0))
    factor = rng.uniform(0.3, 0.7)
    small = changed.resize((max(16, round(picture.width * factor)), max(16, round(picture.height * factor))))
    return small.resize(picture.size, rng.choice((Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)))


def _movement(size: tuple[int, int], rng: random.Random) -> tuple[float, float, float, float]:
    """Scale and shift, across and down: by up to 5 %, and by up to 3 % of the side, so that edges do not meet."""
    width, height = size
    scale_x, scale_y = rng.uniform(0.95, 1.05), rng.uniform(0.95, 1.05)
    left = width * ((1 - scale_x) / 2 + rng.uniform(-0.03, 0.03))
    top = height * ((1 - scale_y) / 2 + rng.uniform(-0.03, 0.03))
    return scale_x, left, scale_y, top


def _mask(size: tuple[int, int], rng: random.Random) -> NDArray[np.float32]:
    """0..1, height x width: an uneven closed outline around a part of the face, with a soft edge."""
    width, height = size
    x, y, half_width, half_height = rng.choice(_PARTS)
    if rng.random() < 0.5:
        x = 1 - x
    x, y = x + rng.uniform(-0.05, 0.05), y + rng.uniform(-0.05, 0.05)
    stretch_x, stretch_y = half_width * rng.uniform(0.8, 1.25), half_height * rng.uniform(0.8, 1.25)
    corners = rng.randint(7, 16)
    outline = []
    for corner in range(corners):
        angle = 2 * math.pi * (corner + rng.uniform(-0.3, 0.3)) / corners
        reach = rng.uniform(0.85, 1.1)
        outline.append((width * (x + stretch_x * reach * math.cos(angle)), height * (y + stretch_y * reach * math.sin(angle))))
    drawn = Image.new("L", size, 0)
    ImageDraw.Draw(drawn).polygon(outline, fill=255)
    # The edge is a sharp cut (crude montage) to a wide fade (careful blending).
    soft = drawn.filter(ImageFilter.GaussianBlur(rng.choice((0.6, 1.5, 3.0, 5.0, 8.0)) * min(size) / 224))
    return np.asarray(soft, np.float32) / np.float32(255)


def _colours_of(base: NDArray[np.float32], patch: NDArray[np.float32], mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """`patch` with the mean and spread of `base` per channel inside `mask` (Reinhard et al. 2001, in RGB)."""
    inside = mask > 0.5
    if not inside.any():
        return patch
    wanted, present = base[inside], patch[inside]
    spread = np.clip(wanted.std(0) / np.maximum(present.std(0), 1.0), 0.5, 2.0)
    matched: NDArray[np.float32] = (patch - present.mean(0)) * spread + wanted.mean(0)
    return matched
