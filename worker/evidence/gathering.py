"""All that a file says of its origin. Whatever its bytes are, gathering ends well: what cannot be read is no evidence."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

from scanner.base.escape import escaped
from scanner.domain.evidence import ELSEWHERE, MISSING, PRESENT, Evidence, Kind

from . import manifests
from .fields import Field, read_fields
from .generators import traces
from .source_types import source_type

# What of a text is kept (characters), and how many traces of one file.
TEXT, TRACES = 300, 40
log = logging.getLogger(__name__)


def gather(content: bytes, form: str) -> tuple[Evidence, ...]:
    """The evidence in `content`, a picture of Pillow's format `form`. Its texts are short and printable."""
    found: list[Evidence] = []
    try:
        signed, programs = manifests.manifest_traces(content, form)
        found += signed
        fields = read_fields(content)
        found += _stated(fields)
        found += traces((*programs, *fields))
        found.append(_camera(fields))
    except Exception as error:  # evidence that fails fails no picture
        log.warning("the evidence of a picture could not be read: %r", error)
    return tuple(_short(trace) for trace in dict.fromkeys(found))[:TRACES]


def _stated(fields: Sequence[Field]) -> Iterator[Evidence]:
    has_manifest = False
    for field in fields:
        if field.name in ("DigitalSourceType", "DigitalSourceFileType"):
            found = source_type(field.text, field.source, whose=f"its {field.source}")
            if found is not None:
                yield found
        if field.source == "XMP" and field.name == "provenance" and not has_manifest:
            has_manifest = True
            text = f"names a signed record outside the file, which is not fetched: {field.text}"
            yield Evidence(Kind.C2PA, ELSEWHERE, text, "XMP provenance")


def _camera(fields: Sequence[Field]) -> Evidence:
    exif = {field.name: field.text for field in fields if field.source == "EXIF"}
    makers = [exif[name] for name in ("Make", "Model") if name in exif]
    if not makers:
        return Evidence(
            Kind.CAMERA, MISSING, "no camera data, which proves nothing: most programs and services remove it", "EXIF"
        )
    exposure = [f"{name} {exif[name]}" for name in ("ExposureTime", "FNumber", "ISOSpeedRatings", "FocalLength") if name in exif]
    return Evidence(Kind.CAMERA, PRESENT, f"camera data: {', '.join([' '.join(makers), *exposure])}", "EXIF")


def _short(trace: Evidence) -> Evidence:
    text = escaped(" ".join(trace.text[: 4 * TEXT].split()))
    return replace(
        trace,
        kind=str(trace.kind),
        finding=escaped(trace.finding)[:60],
        text=text if len(text) <= TEXT else text[: TEXT - 1] + "…",
        source=escaped(trace.source)[:60],
    )
