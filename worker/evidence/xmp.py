"""The statements of an XMP packet, by their local names: DigitalSourceType, CreatorTool, Credit, ..."""

from collections.abc import Iterator
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import fromstring

from .budget import Budget

_PART = "XMP"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def xmp_texts(packet: bytes, budget: Budget, first: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Pairs of name and text, of elements and attributes; names (lower case) in `first` come first.

    Raises ValueError for a packet that is no XML, or not all of it may be read, or declares entities.
    """
    texts = list(_texts(budget.taken(packet, _PART)))
    for name, text in (
        *(one for one in texts if one[0].lower() in first),
        *(one for one in texts if one[0].lower() not in first),
    ):
        if not budget.step(_PART):
            return
        yield name, text


def _texts(packet: bytes) -> Iterator[tuple[str, str]]:
    if not packet.strip(b"\0 \r\n"):
        return
    try:
        root = fromstring(_without_wrapper(packet), forbid_dtd=True)
    except ParseError as error:
        raise ValueError(f"the XMP packet cannot be parsed: {error}") from None
    name = ""
    for element in root.iter():
        # The texts of a list (rdf:Seq, rdf:li) belong to the element that holds it.
        name = name if element.tag.startswith(_RDF) and name else _local(element.tag)
        for attribute, value in element.attrib.items():
            yield (name if attribute == f"{_RDF}resource" else _local(attribute)), value
        text = (element.text or "").strip()
        if text:
            yield name, text


def _without_wrapper(packet: bytes) -> bytes:
    """From the first element to the end of the last: padding and trailing zeros are no XML."""
    start, end = packet.find(b"<x:xmpmeta"), packet.rfind(b">")
    return packet[max(start, 0) : end + 1]


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
