"""IPTC's digital source types: how a picture came to be, as its maker states it (https://cv.iptc.org/newscodes/digitalsourcetype/)."""

import re

from scanner.domain.evidence import Evidence, Kind

MEANINGS = {
    "trainedAlgorithmicMedia": "made by a trained model",
    "compositeWithTrainedAlgorithmicMedia": "a composite with parts made by a trained model",
    "compositeSynthetic": "a composite with synthetic parts",
    "algorithmicMedia": "made by an algorithm alone",
    "algorithmicallyEnhanced": "enhanced by an algorithm",
    "dataDrivenMedia": "made from data",
    "digitalCreation": "made by a person with digital tools",
    "humanEdits": "edited by a person",
    "minorHumanEdits": "edited a little by a person",
    "composite": "a composite",
    "compositeCapture": "a composite of captures",
    "computationalCapture": "captured by a device that computes its pictures from several",
    "digitalCapture": "captured by a digital camera",
    "negativeFilm": "digitised from a film negative",
    "positiveFilm": "digitised from a film positive",
    "print": "digitised from a print",
    "screenCapture": "a capture of a screen",
    "virtualRecording": "a recording of a virtual event",
}
# Characters of a URI; what is longer is none.
_LONGEST = 1000
_LAST_WORD = re.compile(r"(\w{3,60})/?$")


def source_type(value: str, source: str, *, whose: str) -> Evidence | None:
    """The trace of a stated source type, a URI or its last word; None for what is neither. `whose` statement it is."""
    value = value.strip()
    match = _LAST_WORD.search(value) if len(value) <= _LONGEST else None
    if match is None or ("digitalsourcetype" not in value.lower() and match[1] not in MEANINGS):
        return None
    meaning = MEANINGS.get(match[1], f"a source type of another list: {value}")
    return Evidence(Kind.SOURCE_TYPE, match[1], f"{whose} states: {meaning}", source)
