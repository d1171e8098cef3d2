"""Where in its input a network finds evidence for `fake`, when it gives no gradients: by covering parts of it.

Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks", section 4.2.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..inference.scorer import Scorer

# The input is divided into so many cells a side; what is covered are squares of two by two.
CELLS, COVERED = 9, 2
_GREY = 127


def occlusion_map(scorer: Scorer, image_HWC: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Evidence for `fake` at each pixel of a preprocessed image, float32 HW: how much the logit falls when grey covers it.

    Relative to the strongest place of this image, which is 1; all 0 where nothing speaks for `fake`. (CELLS - COVERED + 1)^2 + 1
    passes of the network.
    """
    edges = np.linspace(0, len(image_HWC), CELLS + 1).round().astype(int)
    places = [(row, column) for row in range(CELLS - COVERED + 1) for column in range(CELLS - COVERED + 1)]
    images = [image_HWC]
    for row, column in places:
        covered_HWC = image_HWC.copy()
        covered_HWC[edges[row] : edges[row + COVERED], edges[column] : edges[column + COVERED]] = _GREY
        images.append(covered_HWC)
    logits = scorer.logits(np.stack(images))
    falls, counts = np.zeros((CELLS, CELLS)), np.zeros((CELLS, CELLS))
    for (row, column), logit in zip(places, logits[1:], strict=True):
        falls[row : row + COVERED, column : column + COVERED] += logits[0] - logit
        counts[row : row + COVERED, column : column + COVERED] += 1
    cells = np.maximum(falls / counts, 0)
    if not cells.any():
        return np.zeros(image_HWC.shape[:2], np.float32)
    height, width = image_HWC.shape[:2]
    whole = Image.fromarray((cells / cells.max()).astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(whole, np.float32)
