"""All that a file says of its origin. Whatever its bytes are, gathering ends well: what cannot be read is no evidence."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from scanner.base.escape import escaped
from scanner.domain.evidence import DAMAGED, ELSEWHERE, MISSING, PRESENT, UNREAD, Evidence, Kind

from .budget import Budget
from .fields import Field, read_fields
from .generators import traces
from .manifests import has_record, manifest_traces
from .source_types import source_type

# What of a text is kept (characters), and how many traces of one file.
TEXT, TRACES = 300, 40
# Characters of a camera's name.
_CAMERA = 100
log = logging.getLogger(__name__)


def gather(content: bytes, form: str, *, damage: str = "", signed: bool = True) -> tuple[Evidence, ...]:
    """The evidence in `content`, a picture of Pillow's format `form`. Its texts are short and printable.

    What could not be read is told, too, and what `damage` it has. Without `signed` its signed record is left to `gather_signed`.
    """
    found: list[Evidence] = [Evidence(Kind.FILE, DAMAGED, damage, form)] if damage else []
    budget = Budget()
    try:
        fields = read_fields(content, budget)
        found += _stated(fields)
        found += traces(fields)
        found.append(_camera(fields))
    except Exception as error:  # evidence that fails fails no picture
        log.warning("the evidence of a picture could not be read: %r", error)
        budget.broken("metadata")
    told = (Evidence(Kind.FILE, UNREAD, f"its {part} {how}", part) for part, how in budget.unread.items())
    texts = _kept((*told, *found))
    return merged(gather_signed(content, form), texts) if signed and has_record(content) else texts


def gather_signed(content: bytes, form: str) -> tuple[Evidence, ...]:
    """The evidence in the signed record of `content`. What reads it is a library that no budget of ours bounds."""
    try:
        signed, programs = manifest_traces(content, form)
        return _kept((*signed, *traces(programs)))
    except Exception as error:
        log.warning("the signed record of a picture could not be read: %r", error)
        return (unread_record("could not be read"),)


def unread_record(how: str) -> Evidence:
    """That there is a signed record, and why it tells nothing."""
    return _short(Evidence(Kind.FILE, UNREAD, f"its signed record {how}", "C2PA manifest"))


def merged(signed: Iterable[Evidence], texts: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Both, the signed first; a program that both name once."""
    first = list(signed)
    named = {(one.kind, one.finding) for one in first if one.kind in (Kind.GENERATOR, Kind.SOFTWARE)}
    return (*first, *(one for one in texts if (one.kind, one.finding) not in named))[:TRACES]


def _kept(found: Iterable[Evidence]) -> tuple[Evidence, ...]:
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
    makers = [exif[name] for name in ("Make", "Model") if _is_name(exif.get(name, ""))]
    if not makers:
        return Evidence(
            Kind.CAMERA, MISSING, "no camera data, which proves nothing: most programs and services remove it", "EXIF"
        )
    exposure = [f"{name} {exif[name]}" for name in ("ExposureTime", "FNumber", "ISOSpeedRatings", "FocalLength") if name in exif]
    return Evidence(Kind.CAMERA, PRESENT, f"camera data: {', '.join([' '.join(makers), *exposure])}", "EXIF")


def _is_name(text: str) -> bool:
    """Whether it may be the name of a camera: generators put whole workflows where that belongs."""
    return (
        0 < len(text) <= _CAMERA and not set(text) & set("{}[]\n") and next(traces([Field("EXIF", "Make", text)]), None) is None
    )


def _short(trace: Evidence) -> Evidence:
    text = escaped(" ".join(trace.text[: 4 * TEXT].split()))
    return replace(
        trace,
        kind=str(trace.kind),
        finding=escaped(trace.finding)[:60],
        text=text if len(text) <= TEXT else text[: TEXT - 1] + "…",
        source=escaped(trace.source)[:60],
    )
