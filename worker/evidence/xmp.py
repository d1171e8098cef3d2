"""The statements of an XMP packet, by their local names: DigitalSourceType, CreatorTool, Credit, ..."""

from collections.abc import Iterator
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import fromstring

# A larger packet is not parsed (bytes).
XMP_BYTES = 1 << 20
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def xmp_texts(packet: bytes) -> Iterator[tuple[str, str]]:
    """Pairs of name and text, of elements and attributes.

    Raises ValueError for a packet that is too large, is no XML, or declares entities.
    """
    if not packet.strip(b"\0 \r\n"):
        return
    if len(packet) > XMP_BYTES:
        raise ValueError("the XMP packet is too large")
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
