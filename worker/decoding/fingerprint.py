"""A perceptual hash of a picture: what the near copies of a picture are found by."""

import imagehash
import numpy as np
import scipy.fftpack  # noqa: F401  (imagehash imports it when first used: here, so that decoder processes share it)
from PIL import Image

# Grey levels (standard deviation of a 32 x 32 thumbnail): below it there is nothing to be recognised by, and any hash is chance.
FLAT = 4.0


def fingerprint(picture: Image.Image) -> int | None:
    """64 bits as a signed number, as databases store it; None for a picture that is all of one colour, or nearly.

    The hash is imagehash.phash: the signs, against their median, of the 8 x 8 lowest frequencies (DCT) of 32 x 32 grey pixels.
    For these frequencies the quick reduction finds as many copies as a sharper one, in half of its time.
    """
    grey = picture.resize((32, 32), Image.Resampling.BILINEAR, reducing_gap=2).convert("L")
    if float(np.asarray(grey).std()) < FLAT:
        return None
    bits = np.packbits(imagehash.phash(grey).hash)
    return int.from_bytes(bits.tobytes(), "big", signed=True)
