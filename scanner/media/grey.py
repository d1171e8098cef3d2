"""Grey of more than 8 bits as 8 bits. Pillow's own conversion clips it to white. Without numpy, which the core does not load."""

import math

from PIL import Image, ImageMath

from .bands import bands, in_bands

# Pixels beyond it are taken for faults of the sensor: this part of them, at either end, sets no range.
_FAULTY = 0.001
# A range of whose 256 shades the pixels fill fewer is narrowed until they fill nearly all; a step narrows it 256 times at most.
_FILLED, _FITTED, _STEPS = 128, 250, 40
_DEPTHS = (10, 12, 14)
_BITS_PER_SAMPLE = 258


def stated_depth(picture: Image.Image) -> int:
    """The bits of a value that a TIFF states, if it is of those that Pillow gives as 16; else 0."""
    bits = getattr(picture, "tag_v2", {}).get(_BITS_PER_SAMPLE, (0,))
    return int(bits[0]) if bits and bits[0] in _DEPTHS else 0


def deep_grey(grey: Image.Image, depth: int = 0) -> Image.Image:
    """L, or LA where one value is said to be transparent, of a picture of 16 (in truth: `depth`) or 32 bits or of floats."""
    if not grey.mode.startswith("I;16"):
        return _spread(grey)
    depth, clear = depth or _depth(grey), grey.info.get("transparency")
    return in_bands(grey, lambda band: _eight_bit(band, depth, clear if isinstance(clear, int) else None))


def _eight_bit(grey: Image.Image, depth: int, clear: int | None) -> Image.Image:
    wide = grey.convert("I")
    eight = wide.point(lambda value: value * (1 / 2 ** (depth - 8))).convert("L")
    if clear is None:
        return eight
    opaque = ImageMath.lambda_eval(lambda given: given["convert"](given["wide"] != clear, "L"), wide=wide)
    return Image.merge("LA", (eight, opaque.point(lambda value: 255 if value else 0)))


def _depth(grey: Image.Image) -> int:
    """How many bits the values have: as many as all but faulty pixels need, of those that cameras have."""
    above, allowed = dict.fromkeys(_DEPTHS, 0), _FAULTY * grey.width * grey.height
    for _, band in bands(grey):
        wide = band.convert("I")
        for depth in _DEPTHS:
            # Values within the depth are at most 254 here, and what is above it is 255.
            above[depth] += wide.point(lambda value, scale=254 / 2**depth: value * scale).convert("L").histogram()[255]
    return next((depth for depth in _DEPTHS if above[depth] <= allowed), 16)


def _spread(grey: Image.Image) -> Image.Image:
    """No range is agreed on for these: spread what is there, but for faulty pixels."""
    floats, least, most = _finite(grey.convert("F"))
    low, high, enough = least, most, _FILLED
    for _ in range(_STEPS):
        counts = _between(floats, low, high).histogram()
        first, last = _first_above(counts), 255 - _first_above(counts[::-1])
        if last - first >= enough:
            return _between(floats, low, high)
        enough = _FITTED
        step = (high - low) / 255  # shades are rounded
        low, high = max(low, low + (first - 0.5) * step), min(high, low + (last + 0.5) * step)
    return _between(floats, least, most)  # all but a few have one value


def _between(floats: Image.Image, low: float, high: float) -> Image.Image:
    factor = 255 / ((high - low) or 1.0)
    return floats.point(lambda value: value * factor + (0.5 - low * factor)).convert("L")


def _first_above(counts: list[int]) -> int:
    """The first place up to which there are more than faulty pixels."""
    allowed, seen = _FAULTY * sum(counts), 0
    for place, count in enumerate(counts):
        seen += count
        if seen > allowed:
            return place
    return len(counts) - 1


def _finite(floats: Image.Image) -> tuple[Image.Image, float, float]:
    """Without NaN and infinities, with the lowest and the highest value."""
    low, high = floats.getextrema()
    if math.isfinite(low) and math.isfinite(high):  # type: ignore[arg-type]
        return floats, low, high  # type: ignore[return-value]
    most = 1e30
    # The smaller, or the larger, of NaN and a number is the number.
    no_higher = ImageMath.lambda_eval(lambda given: given["min"](given["floats"], most), floats=floats)
    no_lower = ImageMath.lambda_eval(lambda given: given["max"](given["floats"], -most), floats=floats)
    both = ImageMath.lambda_eval(lambda given: given["min"](given["floats"], most), floats=no_lower)
    return both, max(no_higher.getextrema()[0], -most), min(no_lower.getextrema()[1], most)
