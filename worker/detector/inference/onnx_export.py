"""A torch network as an ONNX file's bytes, for ONNX Runtime."""

import warnings
from io import BytesIO
from typing import Any

import torch

from ..image.preprocess import Preprocessing
from ..model.answers import Answers
from ..model.network import FusionDetector
from .int16_products import with_int16_products
from .onnx_runtime import BRANCHES, IMAGES, INPUT

# Much more than the caches of a core hold.
LARGE_BYTES = 100 << 20


def exported(detector: FusionDetector, preprocessing: Preprocessing, *, in_int16: bool = False) -> bytes:
    """The network with its normalisation: uint8 images_BHWC to logits_BK, for any number of images. Noted are its branches,
    and how many images a core takes at once.

    With `in_int16` its int8 matrices are multiplied by activations of 16 bits. Raises ValueError where it has none.
    """
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
    if in_int16 and not with_int16_products(model):
        raise ValueError("it has no large matrices of int8 values")
    # Activations are rounded over all that is looked at together: one image alone, so that none depends on its neighbours.
    at_once = 1 if in_int16 else images_at_once(model.ByteSize())
    onnx.helper.set_model_props(model, {BRANCHES: " ".join(detector.compared), IMAGES: str(at_once)})
    return bytes(model.SerializeToString())


def images_at_once(size: int) -> int:
    """How many images a core had best take at once, of a network of `size` bytes.

    A large one reads its weights less often for each of several. What lies between the layers of a small one would fit less into
    the core's cache (measured: docs/speed.md).
    """
    return 4 if size > LARGE_BYTES else 1
