"""What the values of EXIF tags mean, in words (EXIF 2.32, 4.6; CIPA DC-008-2019)."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

_UNKNOWN = "other"
_WORDS: Mapping[int, Mapping[int, str]] = {
    0x0103: {1: "uncompressed", 6: "JPEG"},
    0x0112: {
        1: "upright",
        2: "mirrored left to right",
        3: "turned by half",
        4: "mirrored top to bottom",
        5: "mirrored, turned a quarter",
        6: "to be turned a quarter to the right",
        7: "mirrored, turned a quarter to the right",
        8: "to be turned a quarter to the left",
    },
    0x0128: {1: "no unit", 2: "inch", 3: "centimetre"},
    0x0213: {1: "centred", 2: "co-sited"},
    0x8822: {
        0: "not defined",
        1: "manual",
        2: "normal",
        3: "aperture priority",
        4: "shutter priority",
        5: "creative",
        6: "action",
        7: "portrait",
        8: "landscape",
    },
    0x8830: {1: "standard output sensitivity", 2: "recommended exposure index", 3: "ISO speed"},
    0x9207: {0: "unknown", 1: "average", 2: "centre-weighted", 3: "spot", 4: "multi-spot", 5: "pattern", 6: "partial"},
    0x9208: {
        0: "unknown",
        1: "daylight",
        2: "fluorescent",
        3: "tungsten",
        4: "flash",
        9: "fine weather",
        10: "cloudy",
        11: "shade",
    },
    0xA001: {1: "sRGB", 0xFFFF: "uncalibrated"},
    0xA217: {1: "not defined", 2: "one-chip colour area", 3: "two-chip colour area", 4: "three-chip colour area", 7: "trilinear"},
    0xA300: {1: "film scanner", 2: "reflection print scanner", 3: "digital camera"},
    0xA301: {1: "directly photographed"},
    0xA401: {0: "normal process", 1: "custom process"},
    0xA402: {0: "automatic", 1: "manual", 2: "bracketed"},
    0xA403: {0: "automatic", 1: "manual"},
    0xA406: {0: "standard", 1: "landscape", 2: "portrait", 3: "night"},
    0xA407: {0: "none", 1: "low gain up", 2: "high gain up", 3: "low gain down", 4: "high gain down"},
    0xA408: {0: "normal", 1: "soft", 2: "hard"},
    0xA409: {0: "normal", 1: "low", 2: "high"},
    0xA40A: {0: "normal", 1: "soft", 2: "hard"},
    0xA40C: {0: "unknown", 1: "macro", 2: "close view", 3: "distant view"},
}
_EXPOSURE_TIME, _F_NUMBER, _FOCAL_LENGTH, _FLASH, _BIAS, _COMPONENTS = 0x829A, 0x829D, 0x920A, 0x9209, 0x9204, 0x9101
_FULL_LENGTH = 0xA405
_CHANNELS = ("", "Y", "Cb", "Cr", "R", "G", "B")
_GPS_ALTITUDE_REF, _GPS_LATITUDE, _GPS_LONGITUDE, _GPS_TIME = 5, 2, 4, 7


def meaning(part: str, tag: int, value: Any) -> str:
    """What a value means, empty where it speaks for itself or cannot be."""
    try:
        return _of_gps(tag, value) if part == "GPS" else _of_exif(tag, value)
    except (TypeError, ValueError, ArithmeticError, LookupError):
        return ""


def _of_exif(tag: int, value: Any) -> str:
    if tag in _WORDS:
        return _WORDS[tag].get(value[0] if isinstance(value, bytes) else int(value), _UNKNOWN)
    if tag == _EXPOSURE_TIME:
        seconds = Fraction(float(value)).limit_denominator(100_000)
        return f"1/{round(1 / seconds)} s" if 0 < seconds < 1 else f"{float(seconds):g} s"
    if tag == _F_NUMBER:
        return f"f/{float(value):g}"
    if tag in (_FOCAL_LENGTH, _FULL_LENGTH):
        return f"{float(value):g} mm"
    if tag == _BIAS:
        return f"{float(value):+.2g} EV"
    if tag == _FLASH:
        return "fired" if int(value) & 1 else "did not fire"
    if tag == _COMPONENTS and isinstance(value, bytes):
        return " ".join(_CHANNELS[one] for one in value if one)
    return ""


def _of_gps(tag: int, value: Any) -> str:
    if tag in (_GPS_LATITUDE, _GPS_LONGITUDE):
        degrees, minutes, seconds = (float(one) for one in value)
        return f"{degrees + minutes / 60 + seconds / 3600:.6f}\N{DEGREE SIGN}"
    if tag == _GPS_TIME:
        return _clock(value)
    if tag == _GPS_ALTITUDE_REF:
        return {0: "above sea level", 1: "below sea level"}.get(value[0] if isinstance(value, bytes) else int(value), _UNKNOWN)
    return ""


def _clock(value: Sequence[Any]) -> str:
    hours, minutes, seconds = (float(one) for one in value)
    return f"{int(hours):02}:{int(minutes):02}:{seconds:05.2f} UTC"
