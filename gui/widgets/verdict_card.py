"""The verdict first, in words: how sure, on what it rests, what the file says of its origin."""

from scanner.domain.evidence import GENERATED_TYPES, Evidence, Kind
from scanner.results.measured_rates import measured_rates
from scanner.results.part_verdicts import disagree, part_verdicts
from scanner.review.image_details import ImageDetails

from ..style.colours import BADGES
from ..texts.evidence_texts import parts
from ..texts.outside import in_html
from ..texts.rates_texts import rates_words
from ..texts.verdict_texts import DECIDING, clock, explanation, headline, is_judged, label_shape, score_text

# The name under which the document finds the enlarged face.
FACE = "face:deciding"


def verdict_card(details: ImageDetails, *, with_face: bool) -> str:
    """As HTML for the details; `with_face`: there is a picture under the name FACE."""
    found = details.finding
    judged = is_judged(found)
    background, foreground = BADGES[f"found-{found.label}" if found.label == "real" else found.label]
    shape = label_shape(found.label) if found.label != "real" else ""
    score = f" &nbsp; {in_html(score_text(found.score))}" if judged else ""
    title = in_html(f"{shape} {headline(found.label, is_judged=judged)}".strip())
    badge = _badge(f"{title}{score}", background.name(), foreground.name(), size="large")
    origin = "".join(f" {_badge(in_html(trace.text), *_ORIGIN)}" for trace in details.evidence or () if _tells(trace))
    alone = part_verdicts(found.card, found.prediction)
    words = [explanation(found), f"Its parts disagree: {parts(alone)}." if disagree(alone) else ""]
    text = "".join(f"<p style='margin:6px 0 4px 0'>{in_html(part)}</p>" for part in words if part)
    rates = rates_words(measured_rates(found.card, found.label), found.label) if judged else ""
    text += f"<p style='margin:4px 0; font-size:small'>{in_html(rates)}</p>" if rates else ""
    frames = found.prediction.frames
    below = f"<br>{DECIDING} {clock(frames[0].seconds)}" if frames else ""
    picture = f"<td style='padding-right:8px'><img src='{FACE}'>{below}</td>" if with_face else ""
    told = f"<td><p style='margin:2px 0'>{badge}{origin}</p>{text}</td>"
    return f"<table cellspacing='0' cellpadding='0'><tr>{picture}{told}</tr></table>"


_ORIGIN = tuple(colour.name() for colour in BADGES["origin"])


def _tells(trace: Evidence) -> bool:
    """Whether a trace says that a machine made the image or a part of it."""
    return trace.kind == Kind.GENERATOR or (trace.kind == Kind.SOURCE_TYPE and trace.finding in GENERATED_TYPES)


def _badge(words: str, background: str, foreground: str, size: str = "medium") -> str:
    style = f"background:{background}; color:{foreground}; font-weight:600; font-size:{size}"
    return f"<span style='{style}'>&nbsp;{words}&nbsp;</span>"
