"""Writes the sieve's network as ONNX: from one picture of any size, colours of 0..255 less MIDDLE, to chances.

Shapes: B pictures, C colours, H rows, W columns.
"""

import warnings
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor, nn

from .network import SPREAD, Sieve


class _Chances(nn.Module):
    """The first layer's weights do the dividing: going through a large picture once more takes as long as a layer."""

    def __init__(self, sieve: Sieve) -> None:
        super().__init__()
        self._sieve = deepcopy(sieve)
        with torch.no_grad():
            next(self._sieve.stem.parameters()).div_(SPREAD)

    def forward(self, pictures_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        smaller, larger = self._sieve.look(pictures_BCHW)
        return torch.sigmoid(smaller), torch.sigmoid(larger)


def write_onnx(sieve: Sieve, out: Path) -> None:
    """Write the network as it is when it is not being trained."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's age
        torch.onnx.export(
            _Chances(sieve).eval(),
            (torch.zeros(1, 3, 64, 96),),
            str(out),
            dynamo=False,  # the newer exporter needs a package more
            input_names=["picture"],
            output_names=["smaller", "larger"],
            dynamic_axes={
                "picture": {2: "height", 3: "width"},
                **{name: {1: "rows", 2: "columns"} for name in ("smaller", "larger")},
            },
            opset_version=17,
        )
