"""Forgeries by small networks that are trained on the spot: face swaps, generated portraits, a dream.

Shapes as in photographs.py; B pictures in a batch.
"""

# scikit-image carries no annotations.
# mypy: disable-error-code="no-untyped-call"

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from face_swap import hull
from photographs import (
    ASTRONAUT_HEAD,
    ASTRONAUT_POINTS,
    OFFICER_HEAD,
    OFFICER_POINTS,
    Pixels,
    Points,
    astronaut,
    blend,
    cut,
    jpeg,
    officer,
    softened,
)
from scipy.ndimage import binary_erosion
from skimage.transform import AffineTransform, SimilarityTransform, warp
from torch import Tensor, nn
from torch.nn import functional

from worker.detector.model.backbones.efficientnet_lite import build, packaged_file

THREADS = 1  # sums depend on their number
# A face as the autoencoder sees it: a square, the pupils, the mouth.
SIDE = 64
ALIGNED: Points = np.array([(18.0, 22.0), (46.0, 22.0), (32.0, 48.0)])
SWAP_STEPS, GENERATOR_STEPS, DREAM_STEPS = 500, 600, 10


def prepare(seed: int) -> None:
    """Make what follows repeatable."""
    torch.set_num_threads(THREADS)
    torch.manual_seed(seed)


class FaceAutoencoder(nn.Module):
    """One encoder for both faces and a decoder for each, the first design of deepfake programs (2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            *(layer for a, b in ((3, 32), (32, 64), (64, 128)) for layer in (nn.Conv2d(a, b, 5, 2, 2), nn.LeakyReLU(0.1))),
            nn.Flatten(),
            nn.Linear(128 * 8 * 8, 128),
            nn.Linear(128, 64 * 8 * 8),
            nn.Unflatten(1, (64, 8, 8)),
        )
        self.decoders = nn.ModuleList(self._decoder() for _ in range(2))

    @staticmethod
    def _decoder() -> nn.Module:
        stages = []
        for a, b in ((64, 48), (48, 32), (32, 16)):
            stages += [nn.Conv2d(a, 4 * b, 3, 1, 1), nn.LeakyReLU(0.1), nn.PixelShuffle(2)]
        return nn.Sequential(*stages, nn.Conv2d(16, 3, 5, 1, 2), nn.Sigmoid())

    def forward(self, faces_BCHW: Tensor, whose: int) -> Tensor:
        """Encode faces and decode them as those of the person of that number."""
        decoded_BCHW: Tensor = self.decoders[whose](self.encoder(faces_BCHW))
        return decoded_BCHW


def deepfakes() -> Iterator[tuple[str, bytes]]:
    """File name and content: each portrait with the other's face as an autoencoder renders it."""
    prepare(1)
    portraits, points = (astronaut(), officer()), (ASTRONAUT_POINTS, OFFICER_POINTS)
    network = FaceAutoencoder()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    random = np.random.default_rng(1)
    for _ in range(SWAP_STEPS):
        loss = torch.zeros(())
        for whose in range(2):
            shown_BCHW, wanted_BCHW = faces_of(portraits[whose], points[whose], random)
            loss = loss + functional.l1_loss(network(shown_BCHW, whose), wanted_BCHW)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    yield "fake-astronaut-deepfake.jpg", jpeg(rendered(network, portraits[0], points[0], whose=1))
    yield "fake-officer-face-deepfake.jpg", jpeg(cut(rendered(network, portraits[1], points[1], whose=0), OFFICER_HEAD))
    yield "fake-officer-face-autoencoded.jpg", jpeg(cut(rendered(network, portraits[1], points[1], whose=1), OFFICER_HEAD))


def alignment(points_N2: Points) -> SimilarityTransform:
    """Return what takes a portrait's face to ALIGNED."""
    pupils_and_mouth = np.stack([points_N2[7], points_N2[10], points_N2[17:21].mean(0)])
    found = SimilarityTransform.from_estimate(pupils_and_mouth, ALIGNED)
    assert isinstance(found, SimilarityTransform)
    return found


def faces_of(portrait_HWC: Pixels, points_N2: Points, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return four aligned faces a little turned, moved, scaled and lit, as shown and as wanted.

    One photograph of each person is all there is.
    """
    wanted = []
    for _ in range(4):
        middle = SIDE / 2
        change = AffineTransform(translation=(-middle, -middle)) + AffineTransform(
            scale=random.uniform(0.92, 1.08), rotation=random.uniform(-0.15, 0.15), translation=random.uniform(-3, 3, 2) + middle
        )
        face_HWC = warp(portrait_HWC, (alignment(points_N2) + change).inverse, output_shape=(SIDE, SIDE), order=1)
        wanted.append(face_HWC if random.random() < 0.5 else face_HWC[:, ::-1])
    wanted_BCHW = to_tensor(np.stack(wanted))
    light_B111 = torch.from_numpy(random.uniform(0.85, 1.15, (4, 1, 1, 1)).astype(np.float32))
    noise_BCHW = torch.from_numpy(random.normal(0, 0.03, wanted_BCHW.shape).astype(np.float32))
    return (wanted_BCHW * light_B111 + noise_BCHW).clamp(0, 1), (wanted_BCHW * light_B111).clamp(0, 1)


def rendered(network: FaceAutoencoder, portrait_HWC: Pixels, points_N2: Points, whose: int) -> Pixels:
    """Show the portrait's face to the network and paste what it decodes over it."""
    forth = alignment(points_N2)
    face_HWC = warp(portrait_HWC, forth.inverse, output_shape=(SIDE, SIDE), order=1)
    with torch.no_grad():
        decoded_HWC = to_pixels(network(to_tensor(face_HWC[np.newaxis]), whose))
    donor_HWC = warp(decoded_HWC, forth, output_shape=portrait_HWC.shape[:2], order=3, mode="edge")
    inside_HW = hull(points_N2, portrait_HWC.shape[:2])
    edge = max(2, round(0.04 * np.ptp(points_N2[:, 0])))
    own_C, new_C = portrait_HWC[inside_HW].mean(0), donor_HWC[inside_HW].mean(0)
    mask_HW1 = softened(binary_erosion(inside_HW, iterations=edge), feather=edge)
    return blend(portrait_HWC, np.clip(donor_HWC + own_C - new_C, 0, 1), mask_HW1)


def generator() -> nn.Module:
    """A generator in the manner of DCGAN: from 64 numbers to 256 x 256 pixels by seven transposed convolutions."""
    widths = (64, 192, 160, 96, 64, 48, 24)
    stages: list[nn.Module] = []
    for number, (a, b) in enumerate(pairwise(widths)):
        stages += [nn.ConvTranspose2d(a, b, 4, 2 if number else 1, 1 if number else 0), nn.LeakyReLU(0.1)]
    return nn.Sequential(*stages, nn.ConvTranspose2d(widths[-1], 3, 4, 2, 1), nn.Sigmoid())


def generated() -> Iterator[tuple[str, bytes]]:
    """File name and content: heads that a generator makes, every pixel of them, after it learned both photographs.

    One of each person, and one from the numbers between the two: a person that does not exist.
    """
    prepare(2)
    heads_BCHW = torch.cat([head_of(astronaut(), ASTRONAUT_HEAD), head_of(officer(), OFFICER_HEAD)])
    numbers_BD = torch.randn(2, 64)
    network = generator()
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
    for step in range(GENERATOR_STEPS):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * (1 - step / GENERATOR_STEPS)
        loss = functional.l1_loss(network(numbers_BD[:, :, None, None]), heads_BCHW)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    between_BD = torch.stack([numbers_BD[0], numbers_BD[1], numbers_BD.mean(0)])
    with torch.no_grad():
        pictures = network(between_BD[:, :, None, None])
    for name, picture in zip(("astronaut", "officer", "nobody"), pictures, strict=True):
        yield f"fake-{name}-face-generated.jpg", jpeg(to_pixels(picture[None]))


def head_of(portrait_HWC: Pixels, box: tuple[int, int, int, int]) -> Tensor:
    """Cut a head out, 256 x 256."""
    head_BCHW = to_tensor(cut(portrait_HWC, box)[np.newaxis])
    return functional.interpolate(head_BCHW, (256, 256), mode="bilinear", antialias=True)


def dream(picture_HWC: Pixels) -> Pixels:
    """Change a picture until a classifier's inner features grow (DeepDream, 2015), from small scales to the full one."""
    prepare(3)
    network = build(packaged_file()).backbone.eval().requires_grad_(False)
    seen: list[Tensor] = []
    network.get_submodule("blocks.4").register_forward_hook(lambda _module, _given, made: seen.append(made))
    whole_BCHW = to_tensor(picture_HWC[np.newaxis])
    change_BCHW = torch.zeros(1, 3, 8, 8)
    for scale in (0.35, 0.5, 0.7, 1.0):
        base_BCHW = functional.interpolate(whole_BCHW, scale_factor=scale, mode="bilinear", antialias=True)
        change_BCHW = functional.interpolate(change_BCHW, base_BCHW.shape[2:], mode="bilinear")
        for _ in range(DREAM_STEPS):
            change_BCHW = change_BCHW.detach().requires_grad_()
            seen.clear()
            network((base_BCHW + change_BCHW) * 2 - 1)
            (slope_BCHW,) = torch.autograd.grad(seen[0].square().mean(), change_BCHW)
            change_BCHW = change_BCHW + 0.02 * slope_BCHW / slope_BCHW.abs().mean()
            change_BCHW = (base_BCHW + change_BCHW).clamp(0, 1) - base_BCHW
    return to_pixels(whole_BCHW + change_BCHW.detach())


def to_tensor(pictures_BHWC: Pixels) -> Tensor:
    """Return pictures as torch takes them."""
    return torch.from_numpy(pictures_BHWC.astype(np.float32)).permute(0, 3, 1, 2).contiguous()


def to_pixels(pictures_BCHW: Tensor) -> Pixels:
    """Return the first of a batch as a picture."""
    picture_HWC: Pixels = pictures_BCHW[0].permute(1, 2, 0).double().numpy()
    return np.clip(picture_HWC, 0, 1)
