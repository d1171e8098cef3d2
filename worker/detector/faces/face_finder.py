"""Finds faces with CenterFace (Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019).

The network's file lies beside this one (`centerface.md`); ONNX Runtime runs it, on one thread. Imports no torch.

Shapes: B pictures, C colours, H rows, W columns, N faces; coordinates are pixels.
"""

import math
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scanner.base.errors import KnownError

from ..image.picture import PictureError
from .face import Located

# A picture is searched at this many pixels at most: a face of 60 pixels in one of 12 megapixels is 20 then (docs/faces.md).
SEARCHED_PIXELS = 1344 * 1008
# What may be a face at the first look is looked at again, enlarged or shrunk so that its surroundings fill SECOND_LOOK pixels.
FIRST_CONFIDENCE, CONFIDENCE = 0.1, 0.4
SECOND_LOOK = 128
# Pixels: a larger square is not cut out at its full size. A side that is thinner when searched shows no face: the network's input
# is padded, so that a line of a million pixels would cost gigabytes.
_LARGE_PATCH, THINNEST = 4096, 8
# Boxes that share more than this (intersection over union) are of one face.
OVERLAP = 0.3
# More candidates than this are noise: the surest are looked at again. Each face is several places of the network's grid.
MOST, MOST_PLACES = 400, 2000
_STRIDE, _MULTIPLE = 4, 32  # of the network's grid, and what its input's sides must be multiples of
Places = NDArray[np.intp]
Values = NDArray[np.float32]
_PACKAGES = ("onnxruntime", "onnx")
_NETWORK = Path(__file__).with_name("centerface.onnx")


class FaceFinderMissing(KnownError):
    """A package that finding faces needs is not installed."""


class FaceFinder:
    """CenterFace, loaded. Raises FaceFinderMissing."""

    def __init__(self) -> None:
        require_face_finder()
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # there are as many processes as cores
        options.enable_cpu_mem_arena = False  # it would keep what the largest picture needed
        options.log_severity_level = 3
        self._session = InferenceSession(_network(), options, providers=["CPUExecutionProvider"])

    def find(self, picture: Image.Image) -> list[Located]:
        """The faces in an RGB picture, largest first. Raises PictureError when the network fails on it."""
        first = self._look(picture, math.sqrt(SEARCHED_PIXELS / (picture.width * picture.height)), FIRST_CONFIDENCE)
        again = (self._look_again(picture, located) for located in first[:MOST])
        return sorted(_apart([located for located in again if located is not None]), key=lambda located: -located.side)

    def _look(self, picture: Image.Image, scale: float, least: float) -> list[Located]:
        """What may be faces in the whole picture, shrunk by `scale` if that is below 1; the surest first."""
        scale = min(1.0, scale)
        width, height = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        if min(width, height) < THINNEST:
            return []
        searched = picture.resize((width, height), Image.Resampling.BILINEAR) if scale < 1 else picture
        found = self._run(np.asarray(searched), least)
        return _apart([located.moved(0, 0, picture.width / width) for located in found])

    def _look_again(self, picture: Image.Image, located: Located) -> Located | None:
        """The face at the middle of a square twice as large as `located`, or None if there is none after all."""
        if not located.side < 2 * max(picture.size):  # nor if it is not a number
            return None
        (x, y), side = located.middle, max(2 * located.side, 8.0)
        left, top = math.floor(x - side / 2), math.floor(y - side / 2)
        scale = round(side) / SECOND_LOOK
        found = self._run(np.asarray(_patch(picture, left, top, round(side))), CONFIDENCE)
        middle = SECOND_LOOK / 2
        central = [face for face in found if math.dist(face.middle, (middle, middle)) < SECOND_LOOK / 8]
        return max(central, key=lambda face: face.confidence).moved(left, top, scale) if central else None

    def _run(self, picture_HWC: NDArray[np.uint8], least: float) -> list[Located]:
        height, width, _ = picture_HWC.shape
        padded = (1, 3, _padded(height), _padded(width))
        picture_BCHW = np.zeros(padded, np.float32)
        picture_BCHW[0, :, :height, :width] = picture_HWC.transpose(2, 0, 1)
        try:
            confidences, scales, offsets, landmarks = self._session.run(None, {"input.1": picture_BCHW})
        except Exception as error:  # its own exceptions have no public name; most likely memory ran out
            raise PictureError(f"the face finder fails on it: {error}") from error
        rows, columns = np.nonzero(confidences[0, 0] >= least)
        surest = np.argsort(-confidences[0, 0, rows, columns], kind="stable")[:MOST_PLACES]
        rows, columns = rows[surest], columns[surest]
        told = (values[0][:, rows, columns] for values in (confidences, scales, offsets, landmarks))
        return _boxes(rows, columns, *told)


def require_face_finder() -> None:
    """Raises FaceFinderMissing, with the next step, unless everything that finding faces needs is installed."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise FaceFinderMissing(
            f"faces cannot be found: {', '.join(missing)} is not installed; pip install 'dfscan[worker]' brings it, "
            "or go without (--no-faces, setting faces = false): whole pictures are scored then"
        )


@cache
def process_face_finder() -> FaceFinder:
    """The one finder of this process, loaded when first asked for. Raises FaceFinderMissing."""
    return FaceFinder()


def _network() -> bytes:
    """CenterFace's file for pictures of any size. As it is published, it is fixed to 10 pictures of 32 x 32 pixels."""
    import onnx

    model = onnx.load(_NETWORK)
    # Its weights are listed as inputs, too, which would keep the runtime from taking them for constants.
    pictures = [tensor for tensor in model.graph.input if tensor.name == "input.1"]
    del model.graph.input[:]
    model.graph.input.extend(pictures)
    for tensor in (*model.graph.input, *model.graph.output):
        for number, dimension in enumerate(tensor.type.tensor_type.shape.dim):
            if number != 1:  # the colours, or what is told of each place
                dimension.dim_param = f"{tensor.name}_{number}"
    return bytes(model.SerializeToString())


def _patch(picture: Image.Image, left: int, top: int, side: int) -> Image.Image:
    """A square of the picture, scaled to SECOND_LOOK; black beyond the edges. A large one is scaled before it is framed."""
    size = (SECOND_LOOK, SECOND_LOOK)
    if side <= _LARGE_PATCH:
        patch = picture.crop((left, top, left + side, top + side))
        return patch.resize(size, Image.Resampling.BILINEAR)
    within = max(0, left), max(0, top), min(picture.width, left + side), min(picture.height, top + side)
    patch = Image.new("RGB", size)
    if within[0] < within[2] and within[1] < within[3]:
        first, last = (
            [round((at - start) * SECOND_LOOK / side) for at, start in zip(ends, (left, top), strict=True)]
            for ends in (within[:2], within[2:])
        )
        shown = max(1, last[0] - first[0]), max(1, last[1] - first[1])
        patch.paste(picture.resize(shown, Image.Resampling.BILINEAR, box=within), (first[0], first[1]))
    return patch


def _padded(pixels: int) -> int:
    return -(-pixels // _MULTIPLE) * _MULTIPLE


def _boxes(
    rows_N: Places, columns_N: Places, sure_1N: Values, scales_2N: Values, offsets_2N: Values, landmarks_KN: Values
) -> list[Located]:
    """CenterFace's outputs at N places of its grid as boxes and eyes. In each of its pairs the vertical comes first."""
    height, width = np.exp(scales_2N) * _STRIDE
    top = (rows_N + offsets_2N[0] + 0.5) * _STRIDE - height / 2
    left = (columns_N + offsets_2N[1] + 0.5) * _STRIDE - width / 2
    eyes_y, eyes_x = landmarks_KN[[0, 2]] * height + top, landmarks_KN[[1, 3]] * width + left
    faces = np.stack([left, top, width, height, eyes_x[0], eyes_y[0], eyes_x[1], eyes_y[1], sure_1N[0]], axis=1).tolist()
    return [Located((x, y, w, h), ((x0, y0), (x1, y1)), sure) for x, y, w, h, x0, y0, x1, y1, sure in faces]


def _apart(found: list[Located]) -> list[Located]:
    """One box per face, the surest first (non-maximum suppression)."""
    kept: list[Located] = []
    for located in sorted(found, key=lambda face: -face.confidence):
        if all(_shared(located.box, other.box) <= OVERLAP for other in kept):
            kept.append(located)
    return kept


def _shared(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)
