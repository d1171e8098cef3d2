"""What a picture goes through before the network sees it in training.

Degradation (recompression once or twice, rescaling, blur, noise) and crops, because forgeries reach people recompressed and
cut. Other framing, tighter and looser, because data sets cut their faces each in its own way, and a network that knows each only
so fails on faces that are cut in a third. Left out on purpose: changes of hue and saturation and conversion to grey (blending
traces are colour differences), CutMix and random erasing (their pasted edges are what it must call fake), label smoothing
(scores are calibrated later, and smoothed targets hide how sure it is). All randomness is of the generator that is passed in.
"""

import math
import random
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageFilter

from .framing import framed


@dataclass(frozen=True)
class Augmentation:
    """How often (0..1) each step is applied, and how strong it may be.

    `crop` is the smallest share of the shorter side that is kept (1: nothing is cut), unless the picture is framed anew: `frames`
    is the range of how many times wider than the picture the new frame is (below 1 a part of it, above 1 with surroundings that
    are made up). `scales` and `qualities` are ranges; `noise` is the largest standard deviation in grey levels of 255; `forge` is
    the share of real pictures that become forgeries (see `self_blending.py`). With `on_device` all but frames, crops and
    forgeries is done where the network computes, instead of by the loading processes.
    """

    flip: float = 0.5
    crop: float = 0.75
    frame: float = 0.0
    frames: tuple[float, float] = (0.6, 1.45)
    rescale: float = 0.3
    scales: tuple[float, float] = (0.4, 1.3)
    blur: float = 0.1
    noisy: float = 0.15
    noise: float = 8.0
    tone: float = 0.3
    recompress: float = 0.6
    twice: float = 0.3
    qualities: tuple[int, int] = (30, 95)
    forge: float = 0.0
    on_device: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for shares outside 0..1 and empty ranges."""
        shares = (self.flip, self.frame, self.rescale, self.blur, self.noisy, self.tone, self.recompress, self.twice, self.forge)
        if min(shares) < 0 or max(shares) > 1 or not 0 < self.crop <= 1:
            raise ValueError("the shares of augmentation must lie between 0 and 1")
        if min(self.frames[0], self.scales[0]) <= 0 or self.frames[0] > self.frames[1] or self.scales[0] > self.scales[1]:
            raise ValueError("frames and scales of augmentation must be ranges above 0")
        if not 1 <= self.qualities[0] <= self.qualities[1] <= 100 or self.noise < 1:
            raise ValueError("qualities (1 to 100) and noise (from 1) of augmentation must be ranges that exist")


def augmented(picture: Image.Image, plan: Augmentation, rng: random.Random) -> Image.Image:
    """A degraded, cropped and maybe mirrored copy of an RGB `picture`."""
    return degraded(reframed(picture, plan, rng), plan, rng)


def reframed(picture: Image.Image, plan: Augmentation, rng: random.Random) -> Image.Image:
    """A cropped and maybe mirrored copy."""
    if rng.random() < plan.flip:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if plan.frame and rng.random() < plan.frame:
        picture = framed(picture, math.exp(rng.uniform(*map(math.log, plan.frames))), rng)
    elif plan.crop < 1:
        picture = _cropped(picture, plan.crop, rng)
    return picture


def degraded(picture: Image.Image, plan: Augmentation, rng: random.Random) -> Image.Image:
    """A degraded copy; `feeding/device_augmentation.py` has the same in torch."""
    if rng.random() < plan.tone:
        picture = picture.point(tone_curve(rng) * 3)
    if rng.random() < plan.recompress * plan.twice:
        picture = _recompressed(picture, plan.qualities, rng)
    if rng.random() < plan.rescale:
        picture = _rescaled(picture, rng.uniform(*plan.scales), rng)
    if rng.random() < plan.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))
    if rng.random() < plan.noisy:
        picture = _with_noise(picture, rng.uniform(1.0, plan.noise), rng)
    if rng.random() < plan.recompress:
        picture = _recompressed(picture, plan.qualities, rng)
    return picture


def _cropped(picture: Image.Image, smallest: float, rng: random.Random) -> Image.Image:
    width, height = picture.size
    side = rng.uniform(smallest, 1.0) * min(width, height)
    stretch = rng.uniform(0.94, 1.06)
    box_width, box_height = min(width, side * stretch), min(height, side / stretch)
    left, top = rng.uniform(0, width - box_width), rng.uniform(0, height - box_height)
    x, y = round(left), round(top)
    return picture.crop((x, y, max(x + 1, round(left + box_width)), max(y + 1, round(top + box_height))))


def tone_curve(rng: random.Random) -> list[int]:
    """Exposure and contrast as cameras and apps change them: the same curve on all channels, so colours keep their relations."""
    gamma, gain = rng.uniform(0.75, 1.33), rng.uniform(0.9, 1.1)
    return [round(min(255.0, 255 * gain * (level / 255) ** gamma)) for level in range(256)]


def _rescaled(picture: Image.Image, factor: float, rng: random.Random) -> Image.Image:
    width, height = picture.size
    method = rng.choice((Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS))
    return picture.resize((max(16, round(width * factor)), max(16, round(height * factor))), method)


def _with_noise(picture: Image.Image, deviation: float, rng: random.Random) -> Image.Image:
    """Sensor-like noise: Gaussian, mostly in brightness, independent per pixel."""
    noise = np.random.default_rng(rng.getrandbits(64))
    drawn = noise.standard_normal((picture.height, picture.width, 4), np.float32)
    grain = drawn[..., :1] * np.float32(deviation) + drawn[..., 1:] * np.float32(deviation / 3)
    grain += np.asarray(picture)
    return Image.fromarray(np.clip(grain, 0, 255, out=grain).astype(np.uint8))


def _recompressed(picture: Image.Image, qualities: tuple[int, int], rng: random.Random) -> Image.Image:
    buffer = BytesIO()
    if rng.random() < 0.8:
        picture.save(buffer, "JPEG", quality=rng.randint(*qualities), subsampling=rng.choice((0, 2, 2)))
    else:
        picture.save(buffer, "WEBP", quality=rng.randint(*qualities), method=0)
    return Image.open(buffer).convert("RGB")
