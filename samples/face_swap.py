"""Face swaps without a network: one face warped to the points of another and pasted.

Shape suffixes as in photographs.py.
"""

# scikit-image carries no annotations.
# mypy: disable-error-code="no-untyped-call"

import numpy as np
from photographs import MOUTH, OFFICER_POINTS, Pixels, Points, blend, softened
from scipy.ndimage import binary_erosion
from skimage.color import lab2rgb, rgb2lab
from skimage.draw import polygon2mask
from skimage.morphology import convex_hull_image
from skimage.transform import PiecewiseAffineTransform, warp


def swapped(background_HWC: Pixels, points_N2: Points, donor_HWC: Pixels, donor_points_N2: Points) -> Pixels:
    """Paste the donor's face with the background's colours and a soft edge, as face swapping programs do."""
    face_HWC = warped(donor_HWC, donor_points_N2, points_N2, background_HWC.shape[:2])
    inside_HW = hull(points_N2, background_HWC.shape[:2])
    recoloured_HWC = with_colours_of(face_HWC, background_HWC, inside_HW)
    return blend(background_HWC, recoloured_HWC, softened(binary_erosion(inside_HW, iterations=4), feather=3))


def swapped_carelessly(background_HWC: Pixels, points_N2: Points, donor_HWC: Pixels, donor_points_N2: Points) -> Pixels:
    """Paste the donor's face in its own colours, with an edge that shows."""
    face_HWC = warped(donor_HWC, donor_points_N2, points_N2, background_HWC.shape[:2])
    return blend(background_HWC, face_HWC, softened(hull(points_N2, background_HWC.shape[:2]), feather=1))


def smiling(officer_HWC: Pixels) -> Pixels:
    """Pull the corners of the officer's mouth up and out, as a face editing app does."""
    moved_N2 = OFFICER_POINTS.copy()
    moved_N2[MOUTH] += [(-7, -9), (0, 3), (7, -9), (0, 3)]
    face_HWC = warped(officer_HWC, OFFICER_POINTS, moved_N2, officer_HWC.shape[:2])
    inside_HW = hull(OFFICER_POINTS, officer_HWC.shape[:2])
    return blend(officer_HWC, face_HWC, softened(binary_erosion(inside_HW, iterations=4), feather=2))


def warped(donor_HWC: Pixels, from_N2: Points, to_N2: Points, shape: tuple[int, ...]) -> Pixels:
    """Move the points of a face to other points, and all between them along, into a picture of that height and width."""
    forth = PiecewiseAffineTransform.from_estimate(to_N2, from_N2)
    face_HWC: Pixels = warp(donor_HWC, forth, output_shape=shape[:2], order=3)
    return np.clip(face_HWC, 0, 1)


def hull(points_N2: Points, shape: tuple[int, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return the region within the outermost points."""
    inside_HW: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = convex_hull_image(polygon2mask(shape[:2], points_N2[:, ::-1]))
    return inside_HW


def with_colours_of(face_HWC: Pixels, other_HWC: Pixels, inside_HW: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> Pixels:
    """Shift and scale the colours inside so that their mean and spread are the other's (Reinhard et al. 2001, in Lab)."""
    lab_HWC, other_lab_HWC = rgb2lab(face_HWC), rgb2lab(other_HWC)
    own_NC, wanted_NC = lab_HWC[inside_HW], other_lab_HWC[inside_HW]
    lab_HWC = (lab_HWC - own_NC.mean(0)) / own_NC.std(0) * wanted_NC.std(0) + wanted_NC.mean(0)
    recoloured_HWC: Pixels = lab2rgb(lab_HWC)
    return np.clip(recoloured_HWC, 0, 1)
