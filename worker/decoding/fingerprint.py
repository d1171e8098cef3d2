"""A perceptual hash of a picture: what the near copies of a picture are found by."""

import numpy as np
from PIL import Image
from scipy.fftpack import dct

# Grey levels (standard deviation of a 32 x 32 thumbnail): below it there is nothing to be recognised by, and any hash is chance.
FLAT = 4.0
_SIDE, _KEPT = 32, 8


def fingerprint(picture: Image.Image) -> int | None:
    """64 bits as a signed number, as databases store it; None for a picture that is all of one colour, or nearly.

    The hash is that of `imagehash.phash`, in half of its time: the signs, against their median, of the 8 x 8 lowest frequencies
    (DCT) of 32 x 32 grey pixels.
    """
    grey = np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, reducing_gap=3).convert("L"))
    total, squares = int(grey.sum(dtype=np.int64)), int(np.square(grey, dtype=np.int64).sum())
    if grey.size * squares - total * total < (FLAT * grey.size) ** 2:
        return None
    low = dct(dct(grey, axis=0), axis=1)[:_KEPT, :_KEPT]
    middle = low.size // 2
    bits = np.packbits(low > np.sort(low, axis=None)[middle - 1 : middle + 1].mean())
    return int.from_bytes(bits.tobytes(), "big", signed=True)
