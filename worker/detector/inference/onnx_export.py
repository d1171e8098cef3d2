"""A torch network as an ONNX file's bytes, for ONNX Runtime."""

import warnings
from io import BytesIO
from typing import Any

import torch

from ..image.preprocess import Preprocessing
from ..model.network import FusionDetector
from .answers import Answers
from .onnx_runtime import BRANCHES, INPUT


def exported(detector: FusionDetector, preprocessing: Preprocessing) -> bytes:
    """The network with its normalisation: uint8 images_BHWC to logits_BK, for any number of images; its branches are noted."""
    import onnx

    written: Any = BytesIO()  # which this exporter takes, whatever its signature says
    example_BHWC = torch.zeros(2, preprocessing.size, preprocessing.size, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing: the constants it finds are constants
        torch.onnx.export(
            Answers(detector, preprocessing),
            (example_BHWC,),
            written,
            dynamo=False,  # the newer exporter needs a package more, and takes ten times as long
            input_names=[INPUT],
            output_names=["logits_BK"],
            dynamic_axes={INPUT: {0: "B"}, "logits_BK": {0: "B"}},
        )
    model = onnx.load_model_from_string(written.getvalue())
    onnx.helper.set_model_props(model, {BRANCHES: " ".join(detector.compared)})
    return bytes(model.SerializeToString())
