"""What a file says of its own origin, beside the score and never inside it. Presence is evidence; absence proves nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..base.documents import from_document

CAVEAT = (
    "Evidence is what a file says of its own origin. Presence is evidence, though anyone can write it into a file; "
    "absence proves nothing: most programs and services remove it. It is no part of the score."
)
# Findings of the kinds.
VALID, UNVERIFIED, ELSEWHERE, EDITED = "valid", "unverified", "elsewhere", "edited"
# INVALID stands in older databases for all four of this line.
CHANGED, EXPIRED, UNTRUSTED, NOT_UNDERSTOOD, INVALID = "changed", "expired", "untrusted", "not-understood", "invalid"
PRESENT, MISSING = "present", "missing"
DAMAGED, UNREAD = "damaged", "unread"


class Kind(StrEnum):
    """What a trace is."""

    # A signed record: valid, changed, expired, untrusted, not-understood, unverified (not read), elsewhere (not in the file),
    # edited (it says so).
    C2PA = "c2pa"
    SOURCE_TYPE = "source-type"  # an IPTC digital source type; the finding is its last word, as in trainedAlgorithmicMedia
    GENERATOR = "generator"  # a known generator of pictures; the finding is its short name
    SOFTWARE = "software"  # a known editing program; the finding is its short name
    CAMERA = "camera"  # data of a camera: present or missing
    FILE = "file"  # no evidence, but what to know of it: the file is damaged, or a part of it was not read (unread)


class Word(StrEnum):
    """What people ask for across kinds."""

    ANY = "any"  # anything at all but data of a camera
    GENERATED = "generated"  # a generator's trace, or a statement that a machine made it or a part of it
    EDITED = "edited"  # a statement that it was edited
    INVALID = "invalid"  # it was changed since it was signed
    DAMAGED = "damaged"  # the file is damaged, and what viewers show of it was judged
    UNREAD = "unread"  # a part of what it says of its origin could not be read


# https://cv.iptc.org/newscodes/digitalsourcetype/
GENERATED_TYPES = frozenset(
    ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia", "compositeSynthetic")
)
EDITED_TYPES = frozenset(
    ("humanEdits", "minorHumanEdits", "algorithmicallyEnhanced", "composite", "compositeCapture", "compositeSynthetic")
) | {"compositeWithTrainedAlgorithmicMedia"}
# What a report and the queue can be filtered by, and what that finds in words.
FILTERS: Mapping[str, str] = {
    Word.ANY.value: "Any, beside a camera's",
    Word.GENERATED.value: "Says that a machine made it",
    Word.EDITED.value: "Says that it was edited",
    Word.INVALID.value: "Changed since it was signed",
    Word.DAMAGED.value: "The file is damaged",
    Word.UNREAD.value: "What it says could not be read in full",
    Kind.C2PA.value: "A signed record (C2PA)",
    Kind.SOURCE_TYPE.value: "An IPTC digital source type",
    Kind.GENERATOR.value: "Traces of a known generator",
    Kind.SOFTWARE.value: "An editing program",
    Kind.CAMERA.value: "Data of a camera",
    Kind.FILE.value: "Damaged, or not read in full",
}


@dataclass(frozen=True)
class Evidence:
    """One trace. `kind` and `finding` are for machines, `text` is for people, `source` is where in the file it stands."""

    kind: str
    finding: str
    text: str
    source: str


def evidence_from_json(traces: Any) -> tuple[Evidence, ...] | None:
    """Stored evidence; None where it was not looked for."""
    return None if traces is None else from_document(tuple[Evidence, ...], traces)


def filed_under(evidence: Iterable[Evidence]) -> frozenset[str]:
    """Those of FILTERS that find a content with this evidence. That nothing is there is never filed."""
    found: set[str] = set()
    for trace in evidence:
        if trace.finding == MISSING:
            continue
        if trace.kind == Kind.FILE:
            found |= {str(trace.kind), trace.finding}
            continue
        found.add(str(trace.kind))
        if trace.kind != Kind.CAMERA:
            found.add(Word.ANY.value)
        if trace.kind == Kind.GENERATOR or (trace.kind == Kind.SOURCE_TYPE and trace.finding in GENERATED_TYPES):
            found.add(Word.GENERATED.value)
        if trace.finding == EDITED or (trace.kind == Kind.SOURCE_TYPE and trace.finding in EDITED_TYPES):
            found.add(Word.EDITED.value)
        if trace.kind == Kind.C2PA and trace.finding in (CHANGED, INVALID):
            found.add(Word.INVALID.value)
    return frozenset(found)


def is_damaged(evidence: Iterable[Evidence] | None) -> bool:
    """Whether the file is known to be damaged."""
    return any((one.kind, one.finding) == (Kind.FILE, DAMAGED) for one in evidence or ())


def mark(evidence: Iterable[Evidence] | None) -> str:
    """Evidence in a few words for a table, as in `generator: comfyui, c2pa: valid`; empty where there is none to tell."""
    shown = (one for one in evidence or () if one.kind != Kind.CAMERA)
    return ", ".join(dict.fromkeys(f"{one.kind}: {one.finding}" for one in shown))
