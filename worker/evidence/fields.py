"""The texts that a file carries beside its pixels: PNG text, EXIF, XMP, IPTC and comments. Within one budget."""

import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from PIL import Image, ImageFile, IptcImagePlugin

from scanner.media.jpeg_segments import APP1, APP13, COMMENT, segments
from scanner.media.pictures import open_image
from scanner.media.png_chunks import SIGNATURE

from .budget import Budget
from .exif import exif_texts
from .png import png_texts
from .xmp import xmp_texts

_IPTC_NAMES = {(2, 65): "Software", (2, 110): "Credit", (2, 115): "Source", (2, 80): "Artist", (2, 120): "Description"}
_XMP_IN_PNG = "XML:com.adobe.xmp"
_XMP_IN_JPEG, _EXIF_IN_JPEG = b"http://ns.adobe.com/xap/1.0/\0", b"Exif\0"
_XMP_IN_TIFF = 700
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# PNG keywords (lower case) and names of XMP that are read before all others.
_FIRST = (
    "parameters prompt workflow comment description title author software source usercomment generation_data dream sd-metadata "
    "invokeai_metadata invokeai_graph invokeai_workflow fooocus_scheme aigc make model artist credit creatortool "
    "xml:com.adobe.xmp digitalsourcetype digitalsourcefiletype provenance softwareagent claim_generator generator"
)
FIRST = frozenset(_FIRST.split())
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Field:
    """A text and its name in the file; `source` is the part of the file, as people call it."""

    source: str
    name: str
    text: str


def read_fields(content: bytes, budget: Budget) -> tuple[Field, ...]:
    """All texts that can be read within `budget`, which then tells what could not; a part that is broken hides no other."""
    found: list[Field] = []
    for part, read in _parts(content, budget):
        try:
            found.extend(Field(part, name, text) for name, text in read() if text)
        except Exception as error:  # hostile bytes; what the other parts say still counts
            budget.broken(part)
            log.debug("a part of the evidence cannot be read: %r", error)
    return tuple(found)


Part = tuple[str, Callable[[], Iterator[tuple[str, str]]]]


def _parts(content: bytes, budget: Budget) -> Iterator[Part]:
    if content.startswith(SIGNATURE):  # Pillow would decode all pixels to find what stands behind them
        yield from _of_png(content, budget)
    elif content.startswith(b"\xff\xd8"):
        yield from _of_jpeg(content, budget)
    else:
        yield from _of_others(content, budget)


def _of_png(content: bytes, budget: Budget) -> Iterator[Part]:
    texts, exif = png_texts(content, budget, "PNG text", FIRST)
    packets: list[str] = []

    def plain() -> Iterator[tuple[str, str]]:
        for name, text in texts:
            if name == _XMP_IN_PNG:
                packets.append(text)
            else:
                yield name, text

    yield "PNG text", plain
    if exif:
        yield "EXIF", lambda: exif_texts(exif, budget)
    for packet in packets:
        yield "XMP", partial(xmp_texts, packet.encode(), budget, FIRST)


def _of_jpeg(content: bytes, budget: Budget) -> Iterator[Part]:
    has_iptc = False
    for segment in segments(content):
        if not budget.step("metadata"):
            break
        has_iptc = has_iptc or segment.marker == APP13
        if segment.marker not in (APP1, COMMENT):
            continue
        body = content[segment.start : segment.end]
        if segment.marker == COMMENT:
            yield "comment", partial(_comment, body, budget)
        elif body.startswith(_XMP_IN_JPEG):
            yield "XMP", partial(xmp_texts, body[len(_XMP_IN_JPEG) :], budget, FIRST)
        elif body.startswith(_EXIF_IN_JPEG):
            yield "EXIF", partial(exif_texts, body, budget)
    if has_iptc:
        yield "IPTC", partial(_of_iptc, content, budget)


def _of_others(content: bytes, budget: Budget) -> Iterator[Part]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            picture = open_image(BytesIO(content))
        except Exception:  # it was decoded, so what is wrong is beside the pixels
            budget.broken("metadata")
            return
    with picture:
        comment, xmp = picture.info.get("comment"), picture.info.get("xmp")
        if isinstance(comment, bytes):
            yield "comment", partial(_comment, comment, budget)
        if content.startswith(_TIFF):
            yield "EXIF", partial(exif_texts, content, budget)
            xmp = picture.tag_v2.get(_XMP_IN_TIFF)  # type: ignore[attr-defined]
            yield "IPTC", partial(_of_iptc, content, budget)
        elif picture.info.get("exif"):
            yield "EXIF", partial(exif_texts, bytes(picture.info["exif"]), budget)
        if isinstance(xmp, bytes | str) and xmp:
            yield "XMP", partial(xmp_texts, xmp.encode() if isinstance(xmp, str) else xmp, budget, FIRST)


def _opened(content: bytes) -> Image.Image:
    """As it is, if it is a JPEG: what is mended has lost its texts."""
    file = BytesIO(content)
    return Image.open(file, formats=["JPEG", "MPO"]) if content.startswith(b"\xff\xd8") else open_image(file)


def _comment(comment: bytes, budget: Budget) -> Iterator[tuple[str, str]]:
    yield "Comment", budget.taken(comment, "comment").decode("utf-8", "replace")


def _of_iptc(content: bytes, budget: Budget) -> Iterator[tuple[str, str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _opened(content) as picture:
            assert isinstance(picture, ImageFile.ImageFile)
            records = IptcImagePlugin.getiptcinfo(picture) or {}
    for key, name in _IPTC_NAMES.items():
        value = records.get(key)
        for one in value if isinstance(value, list) else [value]:
            if one and budget.step("IPTC"):
                yield name, budget.taken(one, "IPTC").decode("utf-8", "replace").strip("\0 \n")
