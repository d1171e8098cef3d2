"""The photographs that the samples are made of, places in them, and how pictures are blended and stored.

They lie in the packages scikit-image and Matplotlib; README.md tells their sources and licences.
"""

# scikit-image carries no annotations.
# mypy: disable-error-code="no-untyped-call"

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib import get_data_path
from PIL import Image
from skimage import data
from skimage.filters import gaussian

# Shape suffixes: H rows, W columns, C colours, N points, 2 for x and y. Values are 0 to 1.
Pixels = npt.NDArray[np.float64]
Points = npt.NDArray[np.float64]

# Real and manipulated pictures are stored alike, so that the compression does not tell them apart.
QUALITY = 92
POOR_QUALITY = 50

# Loose squares around the heads: left, upper, right, lower. Cut out, never resized: resizing would hide traces.
ASTRONAUT_HEAD = (97, 0, 353, 256)
OFFICER_HEAD = (107, 24, 427, 344)


@dataclass(frozen=True)
class Ellipse:
    """A place in a picture, in its pixels: centre and half axes."""

    x: float
    y: float
    half_width: float
    half_height: float


# All places are measured by eye. "Left" is the left of the picture.
ASTRONAUT_FACE = Ellipse(225, 127, 38, 46)
OFFICER_FACE = Ellipse(266, 236, 76, 92)

# The same points in both faces: brows, eyes, nose, mouth, outline from the left temple to the right one, hairline.
# fmt: off
ASTRONAUT_POINTS: Points = np.array([
    (190, 91), (201, 88), (213, 93), (238, 94), (251, 92), (262, 95),
    (193, 101), (203, 101), (213, 102), (236, 104), (246, 103), (258, 103),
    (225, 104), (224, 127), (212, 129), (237, 129), (224, 133),
    (202, 140), (224, 140), (249, 139), (223, 154),
    (182, 100), (182, 130), (189, 155), (205, 171), (224, 177), (243, 171), (258, 156), (266, 132), (269, 104),
    (190, 78), (224, 80), (260, 86),
], dtype=np.float64)
OFFICER_POINTS: Points = np.array([
    (185, 172), (215, 166), (245, 170), (283, 168), (310, 160), (345, 165),
    (200, 192), (222, 190), (245, 194), (287, 192), (305, 187), (332, 190),
    (265, 192), (266, 238), (241, 243), (296, 242), (267, 252),
    (230, 280), (266, 271), (308, 277), (268, 295),
    (182, 200), (190, 245), (203, 295), (225, 318), (270, 332), (305, 322), (330, 295), (340, 245), (350, 200),
    (192, 152), (265, 142), (338, 150),
], dtype=np.float64)
# fmt: on
MOUTH = slice(17, 21)  # left corner, upper lip, right corner, lower lip


def photograph(pixels: npt.NDArray[np.uint8]) -> Pixels:
    """Return the stored values 0 to 255 as 0 to 1, a grey picture in three equal colours."""
    coloured_HWC = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=-1)
    return coloured_HWC.astype(np.float64) / 255


def astronaut() -> Pixels:
    """Return the portrait of Eileen Collins, 512 x 512."""
    return photograph(data.astronaut())


def officer() -> Pixels:
    """Return the portrait of Grace Hopper, 512 wide and 600 high."""
    with Image.open(Path(get_data_path()) / "sample_data" / "grace_hopper.jpg") as opened:
        return photograph(np.asarray(opened.convert("RGB")))


def cut(picture_HWC: Pixels, box: tuple[int, int, int, int]) -> Pixels:
    """Cut a part out: left, upper, right, lower."""
    left, upper, right, lower = box
    return picture_HWC[upper:lower, left:right]


def softened(inside_HW: npt.NDArray[np.bool_], feather: float) -> Pixels:
    """Return a region as blending weights (H, W, 1): 1 inside, 0 outside, an edge about `feather` pixels soft."""
    softened_HW: Pixels = gaussian(inside_HW.astype(np.float64), sigma=feather)
    return softened_HW[..., np.newaxis]


def soft_mask(picture_HWC: Pixels, place: Ellipse, feather: float) -> Pixels:
    """Return an ellipse as blending weights (H, W, 1)."""
    height, width, _ = picture_HWC.shape
    y, x = np.mgrid[:height, :width]
    return softened(((x - place.x) / place.half_width) ** 2 + ((y - place.y) / place.half_height) ** 2 <= 1, feather)


def blend(background_HWC: Pixels, donor_HWC: Pixels, mask_HW1: Pixels) -> Pixels:
    """Lay the donor over the background where the mask is 1."""
    mixed_HWC: Pixels = background_HWC + mask_HW1 * (donor_HWC - background_HWC)
    return np.clip(mixed_HWC, 0, 1)


def jpeg(picture_HWC: Pixels) -> bytes:
    """Return the picture as a JPEG file."""
    return stored(Image.fromarray(np.rint(picture_HWC * 255).astype(np.uint8)), QUALITY)


def recompressed(content: bytes) -> bytes:
    """Return a JPEG file stored a second time, with fewer bytes, as sharing services do."""
    with Image.open(BytesIO(content)) as picture:
        return stored(picture, POOR_QUALITY)


def stored(picture: Image.Image, quality: int) -> bytes:
    """Return a Pillow picture as the bytes of a JPEG file."""
    file = BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()
