"""The second half of an augmentation (tone, recompression, rescaling, blur, noise) in torch, where the network computes.

Each picture has draws of its own, in the order of `augmentation.degraded`: the same generator gives the same steps with the same
strengths. Three things differ, none by much: Lanczos resampling is bicubic here, WebP is JPEG of the same quality, and noise is
drawn by torch. Shapes: C = 3 channels (RGB), H x W pixels, 0..255; K 8 x 8 blocks.
"""

import random
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import functional

from ..augmentation import Augmentation, tone_curve

# The tables of ITU-T T.81, annex K: brightness, colour.
_TABLES = (
    "16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62 "
    "18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99",
    "17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99 "
    "99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99",
)
_QUANTA = torch.tensor([[int(number) for number in table.split()] for table in _TABLES], dtype=torch.float32).view(2, 8, 8)
_COLOURS = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
_BACK = torch.linalg.inv(_COLOURS)
_ORDERS = torch.arange(8.0)
_COSINES = torch.cos((2 * _ORDERS[None] + 1) * _ORDERS[:, None] * torch.pi / 16) * 0.5
_COSINES[0] *= 2**-0.5


def degraded_on_device(pictures: Sequence[Tensor], seeds: Sequence[int], plan: Augmentation, size: int) -> Tensor:
    """images_BHWC (uint8, of `size` pixels) of RGB `pictures` (uint8, HWC, each of its own size), all on one device."""
    shown = [_shown(picture, random.Random(seed), plan, size) for picture, seed in zip(pictures, seeds, strict=True)]  # noqa: S311
    return torch.stack(shown).permute(0, 2, 3, 1)


def _shown(picture_HWC: Tensor, rng: random.Random, plan: Augmentation, size: int) -> Tensor:
    picture = picture_HWC.permute(2, 0, 1).float()
    if rng.random() < plan.tone:
        curve = torch.tensor(tone_curve(rng), dtype=torch.float32, device=picture.device)
        picture = curve[picture.long()]
    if rng.random() < plan.recompress * plan.twice:
        picture = _recompressed(picture, plan.qualities, rng)
    if rng.random() < plan.rescale:
        picture = _rescaled(picture, rng.uniform(*plan.scales), rng)
    if rng.random() < plan.blur:
        sigma = rng.uniform(0.3, 1.5)
        picture = _whole(functional.gaussian_blur(picture, 2 * int(3 * sigma + 0.5) + 1, sigma))
    if rng.random() < plan.noisy:
        picture = _with_noise(picture, rng.uniform(1.0, plan.noise), rng)
    if rng.random() < plan.recompress:
        picture = _recompressed(picture, plan.qualities, rng)
    side = min(picture.shape[1:])
    top, left = ((length - side) // 2 for length in picture.shape[1:])
    return _resized(picture[:, top : top + side, left : left + side], size, size, "bicubic").byte()


def _whole(picture: Tensor) -> Tensor:
    """As whole numbers that are there: each step of the other way ends in a picture of 8 bits."""
    return picture.round().clamp(0, 255)


def _resized(picture: Tensor, height: int, width: int, mode: str) -> Tensor:
    if picture.shape[1:] == (height, width):
        return picture
    return _whole(nn.functional.interpolate(picture[None], (height, width), mode=mode, antialias=True)[0])


def _rescaled(picture: Tensor, factor: float, rng: random.Random) -> Tensor:
    height, width = picture.shape[1:]
    mode = rng.choice(("bilinear", "bicubic", "bicubic"))
    return _resized(picture, max(16, round(height * factor)), max(16, round(width * factor)), mode)


def _with_noise(picture: Tensor, deviation: float, rng: random.Random) -> Tensor:
    drawn = torch.Generator(picture.device).manual_seed(rng.getrandbits(64) >> 1)
    grain = torch.randn((4, *picture.shape[1:]), generator=drawn, device=picture.device)
    return (picture + grain[:1] * deviation + grain[1:] * (deviation / 3)).clamp(0, 255).floor()


def _recompressed(picture: Tensor, qualities: tuple[int, int], rng: random.Random) -> Tensor:
    if rng.random() < 0.8:
        quality = rng.randint(*qualities)
        return as_jpeg(picture, quality, halved=rng.choice((0, 2, 2)) == 2)
    return as_jpeg(picture, rng.randint(*qualities), halved=True)


def as_jpeg(picture: Tensor, quality: int, *, halved: bool) -> Tensor:
    """What a JPEG of that quality shows of it, with colours at full resolution or `halved` (4:2:0); nothing is encoded."""
    height, width = picture.shape[1:]
    step = 16 if halved else 8
    beyond = (0, -width % step, 0, -height % step)
    padded = nn.functional.pad(picture[None], beyond, mode="replicate")[0]
    offset = picture.new_tensor([0.0, 128.0, 128.0]).view(3, 1, 1)
    planes = _whole(torch.einsum("ij,jhw->ihw", _COLOURS.to(picture.device), padded) + offset)
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    quanta = torch.clamp((_QUANTA * scale + 50).div(100, rounding_mode="floor"), 1, 255).to(picture.device)
    brightness = _quantised(planes[:1], quanta[0])
    if halved:
        colours = _quantised(_whole(nn.functional.avg_pool2d(planes[1:], 2)), quanta[1])
        colours = _whole(nn.functional.interpolate(colours[None], scale_factor=2, mode="bilinear", align_corners=False)[0])
    else:
        colours = _quantised(planes[1:], quanta[1])
    shown = torch.cat([brightness, colours]) - offset
    return _whole(torch.einsum("ij,jhw->ihw", _BACK.to(picture.device), shown))[:, :height, :width]


def _quantised(planes: Tensor, quanta: Tensor) -> Tensor:
    """Planes after a discrete cosine transform of each 8 x 8 block, rounded to multiples of `quanta`, and back."""
    count, height, width = planes.shape
    cosines = _COSINES.to(planes.device)
    blocks_K88 = planes.view(count, height // 8, 8, width // 8, 8).transpose(2, 3) - 128
    waves_K88 = cosines @ blocks_K88 @ cosines.T
    waves_K88 = (waves_K88 / quanta).round() * quanta
    back_K88 = cosines.T @ waves_K88 @ cosines + 128
    return _whole(back_K88.transpose(2, 3).reshape(count, height, width))
