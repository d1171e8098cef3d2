"""Write the sample pictures: photographs as they are, and one face manipulated by hand in several ways.

    python samples/make.py [FOLDER]

The photographs lie in the scikit-image package, so nothing is downloaded. README.md tells their sources and licences.
Every draw is seeded: running the script again gives the same files, byte for byte, under the same library versions.
"""

# scikit-image carries no annotations.
# mypy: disable-error-code="no-untyped-call"

import argparse
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage import data
from skimage.color import hsv2rgb, rgb2hsv
from skimage.filters import gaussian
from skimage.restoration import inpaint_biharmonic
from skimage.transform import AffineTransform, resize, warp

# Shape suffixes: H rows, W columns, C colours. Values are 0 to 1.
Pixels = npt.NDArray[np.float64]

# Real and manipulated pictures are stored alike, so that the compression does not tell them apart.
QUALITY = 92
POOR_QUALITY = 50

# A loose square around the head: left, upper, right, lower. Cut out, never resized: resizing would hide traces.
HEAD = (97, 0, 353, 256)


@dataclass(frozen=True)
class Ellipse:
    """A place in the portrait, in its pixels: centre and half axes."""

    x: float
    y: float
    half_width: float
    half_height: float


# Measured by eye in the astronaut portrait. "Left" is the left of the picture.
INNER_FACE = Ellipse(225, 127, 38, 46)
TEETH = Ellipse(224, 145, 20, 5)
LEFT_EYE = Ellipse(202, 100, 17, 14)
EYE_TO_EYE = (45, 2)  # from the left pupil to the right one: x, y
NOSE_X = 225  # the face is nearly symmetric about this column


def soft_mask(picture_HWC: Pixels, place: Ellipse, feather: float) -> Pixels:
    """Return an ellipse as blending weights (H, W, 1): 1 inside, 0 outside, an edge about `feather` pixels soft."""
    height, width, _ = picture_HWC.shape
    y, x = np.mgrid[:height, :width]
    inside_HW = ((x - place.x) / place.half_width) ** 2 + ((y - place.y) / place.half_height) ** 2 <= 1
    softened_HW: Pixels = gaussian(inside_HW.astype(np.float64), sigma=feather)
    return softened_HW[..., np.newaxis]


def blend(background_HWC: Pixels, donor_HWC: Pixels, mask_HW1: Pixels) -> Pixels:
    """Lay the donor over the background where the mask is 1."""
    mixed_HWC: Pixels = background_HWC + mask_HW1 * (donor_HWC - background_HWC)
    return np.clip(mixed_HWC, 0, 1)


def self_blended(portrait_HWC: Pixels, *, strength: float, seed: int) -> Pixels:
    """Blend a slightly changed copy of the face into itself, as in Shiohara and Yamasaki (2022).

    The copy is moved, scaled and recoloured by random amounts that grow with `strength`.
    """
    random = np.random.default_rng(seed)

    def amount(largest: float, size: int) -> Pixels:
        # At least half of the largest change, either way: a draw near 0 would leave the face as it was.
        return random.choice([-1.0, 1.0], size) * random.uniform(0.5, 1.0, size) * largest * strength

    moved_HWC = move_and_scale(portrait_HWC, amount(3.0, 2), 1 + amount(0.03, 1)[0])
    hsv_HWC: Pixels = rgb2hsv(np.clip(moved_HWC + amount(0.05, 3), 0, 1))
    hsv_HWC[..., 1:] *= 1 + amount(0.12, 2)
    donor_HWC: Pixels = hsv2rgb(np.clip(hsv_HWC, 0, 1))
    return blend(portrait_HWC, donor_HWC, soft_mask(portrait_HWC, INNER_FACE, feather=4))


def move_and_scale(portrait_HWC: Pixels, shift_xy: Pixels, scale: float) -> Pixels:
    """Scale the portrait about the middle of the face, then shift it, keeping its size."""
    middle_xy = np.array([INNER_FACE.x, INNER_FACE.y])
    forth = AffineTransform(scale=scale, translation=middle_xy + shift_xy - scale * middle_xy)
    moved_HWC: Pixels = warp(portrait_HWC, forth.inverse, order=3, mode="edge")
    return np.clip(moved_HWC, 0, 1)


def spliced(portrait_HWC: Pixels) -> Pixels:
    """Paste the mirrored face with a colour cast and a nearly hard edge: a splice whose light does not match."""
    mirrored_x = 2 * NOSE_X - np.arange(portrait_HWC.shape[1])
    donor_HWC = portrait_HWC[:, np.clip(mirrored_x, 0, portrait_HWC.shape[1] - 1)]
    cast_C = np.array([0.93, 0.96, 1.02])  # colder and darker, as from another camera
    return blend(portrait_HWC, np.clip(donor_HWC * cast_C, 0, 1), soft_mask(portrait_HWC, INNER_FACE, feather=1))


def copy_moved(portrait_HWC: Pixels) -> Pixels:
    """Copy the left eye and its brow over the right one."""
    across, down = EYE_TO_EYE
    donor_HWC = np.roll(portrait_HWC, (down, across), axis=(0, 1))
    right_eye = Ellipse(LEFT_EYE.x + across, LEFT_EYE.y + down, LEFT_EYE.half_width, LEFT_EYE.half_height)
    return blend(portrait_HWC, donor_HWC, soft_mask(portrait_HWC, right_eye, feather=2))


def inpainted(portrait_HWC: Pixels, place: Ellipse) -> Pixels:
    """Remove what is at `place` and fill the hole smoothly from its border."""
    hole_HW = soft_mask(portrait_HWC, place, feather=1)[..., 0] > 0.5
    filled_HWC: Pixels = inpaint_biharmonic(portrait_HWC, hole_HW, channel_axis=-1)
    return np.clip(filled_HWC, 0, 1)


def low_resolution_face(portrait_HWC: Pixels, factor: int) -> Pixels:
    """Shrink the face and enlarge it again: face swaps often paste a face made at a lower resolution."""
    height, width, colours = portrait_HWC.shape
    small_HWC = resize(portrait_HWC, (height // factor, width // factor, colours), order=1, anti_aliasing=True)
    donor_HWC: Pixels = resize(small_HWC, portrait_HWC.shape, order=3)
    return blend(portrait_HWC, donor_HWC, soft_mask(portrait_HWC, INNER_FACE, feather=4))


def photograph(pixels_HWC: npt.NDArray[np.uint8]) -> Pixels:
    """Return the stored values 0 to 255 as 0 to 1."""
    return pixels_HWC.astype(np.float64) / 255


def head(portrait_HWC: Pixels) -> Pixels:
    """Cut out the square around the head."""
    left, upper, right, lower = HEAD
    return portrait_HWC[upper:lower, left:right]


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


def samples() -> dict[str, bytes]:
    """Return every sample: file name and content."""
    portrait = photograph(data.astronaut())
    strongly_blended = self_blended(portrait, strength=1.0, seed=2)
    face = jpeg(head(portrait))
    return {
        "real-astronaut.jpg": jpeg(portrait),
        "real-astronaut-face.jpg": face,
        "real-astronaut-face-recompressed.jpg": recompressed(face),
        "real-cat.jpg": jpeg(photograph(data.chelsea())),
        "real-coffee.jpg": jpeg(photograph(data.coffee())),
        "fake-astronaut-self-blended.jpg": jpeg(strongly_blended),
        "fake-astronaut-face-self-blended-strong.jpg": jpeg(head(strongly_blended)),
        "fake-astronaut-face-self-blended-slight.jpg": jpeg(head(self_blended(portrait, strength=0.5, seed=1))),
        "fake-astronaut-face-spliced.jpg": jpeg(head(spliced(portrait))),
        "fake-astronaut-face-copy-moved-eye.jpg": jpeg(head(copy_moved(portrait))),
        "fake-astronaut-face-inpainted-mouth.jpg": jpeg(head(inpainted(portrait, TEETH))),
        "fake-astronaut-face-low-resolution.jpg": jpeg(head(low_resolution_face(portrait, factor=2))),
    }


def main() -> None:
    """Write the samples into the folder named on the command line."""
    parser = argparse.ArgumentParser(description="Write the sample pictures.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent, help="default: the script's own folder")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in samples().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
