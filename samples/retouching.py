"""Manipulations by hand: blended, spliced, copied, painted over, smoothed, and a sky replaced.

Shape suffixes as in photographs.py.
"""

# scikit-image carries no annotations.
# mypy: disable-error-code="no-untyped-call"

import numpy as np
from photographs import ASTRONAUT_FACE, OFFICER_FACE, Ellipse, Pixels, blend, soft_mask, softened
from skimage.color import hsv2rgb, rgb2hsv
from skimage.restoration import denoise_bilateral, inpaint_biharmonic
from skimage.transform import AffineTransform, resize, warp

# In the astronaut portrait, by eye.
TEETH = Ellipse(224, 145, 20, 5)
LEFT_EYE = Ellipse(202, 100, 17, 14)
EYE_TO_EYE = (45, 2)  # from the left pupil to the right one: x, y
NOSE_X = 225  # the face is nearly symmetric about this column
# In the officer's portrait.
PUPILS = ((222, 190), (305, 187))


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
    return blend(portrait_HWC, donor_HWC, soft_mask(portrait_HWC, ASTRONAUT_FACE, feather=4))


def move_and_scale(portrait_HWC: Pixels, shift_xy: Pixels, scale: float) -> Pixels:
    """Scale the portrait about the middle of the face, then shift it, keeping its size."""
    middle_xy = np.array([ASTRONAUT_FACE.x, ASTRONAUT_FACE.y])
    forth = AffineTransform(scale=scale, translation=middle_xy + shift_xy - scale * middle_xy)
    moved_HWC: Pixels = warp(portrait_HWC, forth.inverse, order=3, mode="edge")
    return np.clip(moved_HWC, 0, 1)


def spliced(portrait_HWC: Pixels) -> Pixels:
    """Paste the mirrored face with a colour cast and a nearly hard edge: a splice whose light does not match."""
    mirrored_x = 2 * NOSE_X - np.arange(portrait_HWC.shape[1])
    donor_HWC = portrait_HWC[:, np.clip(mirrored_x, 0, portrait_HWC.shape[1] - 1)]
    cast_C = np.array([0.93, 0.96, 1.02])  # colder and darker, as from another camera
    return blend(portrait_HWC, np.clip(donor_HWC * cast_C, 0, 1), soft_mask(portrait_HWC, ASTRONAUT_FACE, feather=1))


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
    return blend(portrait_HWC, donor_HWC, soft_mask(portrait_HWC, ASTRONAUT_FACE, feather=4))


def smoothed(officer_HWC: Pixels) -> Pixels:
    """Smooth the skin and enlarge the eyes, as a beauty filter does."""
    smooth_HWC = denoise_bilateral(officer_HWC, win_size=11, sigma_color=0.08, sigma_spatial=3, channel_axis=-1)
    donor_HWC: Pixels = warp(np.clip(smooth_HWC, 0, 1), enlarging_eyes, order=3)
    return blend(officer_HWC, donor_HWC, soft_mask(officer_HWC, OFFICER_FACE, feather=5))


def enlarging_eyes(places_N2: Pixels) -> Pixels:
    """Where each pixel is taken from, so that all within 30 pixels of a pupil looks up to a seventh larger."""
    taken_N2 = places_N2.copy()
    for pupil in PUPILS:
        away_N2 = places_N2 - pupil
        near_N1 = np.clip(1 - np.linalg.norm(away_N2, axis=1, keepdims=True) / 30, 0, 1)
        taken_N2 -= 0.14 * near_N1 * away_N2
    return taken_N2


def sky_replaced(picture_HWC: Pixels, sky_HWC: Pixels) -> Pixels:
    """Put another sky where the picture is blue, dark and smooth, as apps for phones do."""
    hsv_HWC = rgb2hsv(picture_HWC)
    is_sky_HW = (np.abs(hsv_HWC[..., 0] - 0.62) < 0.08) & (hsv_HWC[..., 1] > 0.35)
    is_sky_HW[int(0.8 * len(is_sky_HW)) :] = False
    donor_HWC: Pixels = resize(sky_HWC, picture_HWC.shape, order=1, anti_aliasing=True)
    return blend(picture_HWC, donor_HWC, softened(is_sky_HW, feather=1))
