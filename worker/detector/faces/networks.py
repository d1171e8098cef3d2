"""The networks that look for faces, on ONNX Runtime, on one thread each. Imports no torch.

Shapes: B pictures, C colours, H rows, W columns, N faces; coordinates are pixels.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..image.picture import PictureError
from .face import Located

# More places than this are noise: the surest are taken. Each face is several places of the network's grid.
MOST_PLACES = 2000
_STRIDE, _MULTIPLE = 4, 32  # of CenterFace's grid, and what the sides of a network's input must be multiples of
_CENTERFACE = Path(__file__).with_name("centerface.onnx")
# Rows of a picture that become an input at a time: what is done with them twice stays in the processor's cache.
_ROWS = 32
Places = NDArray[np.intp]
Values = NDArray[np.float32]


class Network:
    """A network, loaded, that takes a picture of any size: colours of 0..255, less `middle`."""

    def __init__(self, content: bytes, middle: float = 0.0) -> None:
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # there are as many processes as cores
        options.enable_cpu_mem_arena = False  # it would keep what the largest picture needed
        options.log_severity_level = 3
        self._session = InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._middle = middle

    def run(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Values]:
        """The network's outputs for pictures (HWC) of one size, padded with black. Raises PictureError when it fails on them."""
        height, width, _ = pictures[0].shape
        pictures_BCHW = np.empty((len(pictures), 3, _padded(height), _padded(width)), np.float32)
        pictures_BCHW[:, :, height:] = pictures_BCHW[:, :, :, width:] = -self._middle
        for padded_CHW, picture_HWC in zip(pictures_BCHW, pictures, strict=True):
            for top in range(0, height, _ROWS):
                rows_CHW = padded_CHW[:, top : min(height, top + _ROWS), :width]
                rows_CHW[...] = picture_HWC[top : top + _ROWS].transpose(2, 0, 1)
                if self._middle:
                    rows_CHW -= self._middle
        try:
            outputs: list[Any] = self._session.run(None, {self._input: pictures_BCHW})
        except Exception as error:  # its own exceptions have no public name; most likely memory ran out
            raise PictureError(f"the face finder fails on it: {error}") from error
        return outputs


class CenterFace(Network):
    """CenterFace (Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019)."""

    def __init__(self) -> None:
        super().__init__(_for_any_size(_CENTERFACE))

    def faces(self, pictures: Sequence[NDArray[np.uint8]], least: float) -> list[list[Located]]:
        """All places of each picture's grid that it is at least so sure of, the surest first; see `run`."""
        return [_faces(outputs, least) for outputs in zip(*self.run(pictures), strict=True)]


def _faces(outputs: Sequence[Values], least: float) -> list[Located]:
    """What the network says of one picture: confidences, sizes, offsets and landmarks, all channels first."""
    confidences_HW = outputs[0][0]
    rows, columns = np.nonzero(confidences_HW >= least)
    surest = np.argsort(-confidences_HW[rows, columns], kind="stable")[:MOST_PLACES]
    rows, columns = rows[surest], columns[surest]
    return _boxes(rows, columns, *(values[:, rows, columns] for values in outputs))


def _padded(pixels: int) -> int:
    return -(-pixels // _MULTIPLE) * _MULTIPLE


def _for_any_size(path: Path) -> bytes:
    """CenterFace's file for pictures of any size. As it is published, it is fixed to 10 pictures of 32 x 32 pixels."""
    import onnx

    model = onnx.load(path)
    # Its weights are listed as inputs, too, which would keep the runtime from taking them for constants.
    pictures = [tensor for tensor in model.graph.input if tensor.name == "input.1"]
    del model.graph.input[:]
    model.graph.input.extend(pictures)
    for tensor in (*model.graph.input, *model.graph.output):
        for number, dimension in enumerate(tensor.type.tensor_type.shape.dim):
            if number != 1:  # the colours, or what is told of each place
                dimension.dim_param = f"{tensor.name}_{number}"
    return bytes(model.SerializeToString())


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
