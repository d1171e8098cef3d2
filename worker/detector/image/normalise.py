"""The only normalisation of the project: training, measuring and scanning call it, every runtime runs it.

Shapes: B images, H height, W width, C = 3 channels (RGB).
"""

from torch import Tensor

from .preprocess import Preprocessing


def normalise(images_BHWC: Tensor, preprocessing: Preprocessing) -> Tensor:
    """(pixel / 255 - mean) / std of uint8 images, on their device: float32 BCHW, in memory as it was (channels last)."""
    images_BCHW = images_BHWC.permute(0, 3, 1, 2).float() / 255
    mean_C11 = images_BCHW.new_tensor(preprocessing.mean).view(3, 1, 1)
    std_C11 = images_BCHW.new_tensor(preprocessing.std).view(3, 1, 1)
    return (images_BCHW - mean_C11) / std_C11
