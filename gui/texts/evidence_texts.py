"""What a score rests on and what a file says of its origin, as lines for the details panel."""

from collections import Counter
from collections.abc import Sequence

from scanner.base.escape import escaped
from scanner.domain.evidence import Evidence
from scanner.domain.prediction import Prediction
from scanner.domain.states import Basis
from scanner.results.part_verdicts import PartVerdict

from .verdict_texts import score_text


def rests_on(found: Prediction) -> str:
    """Faces, the whole picture, or both."""
    faces = found.faces or ()
    judged = sum(face.score is not None for face in faces)
    told = f"{judged} faces" if judged > 1 else "one face"
    if found.basis is Basis.BOTH:
        told += ", and the picture as a whole"
    elif found.is_without_face:
        told = "the whole picture; no face was found"
    elif found.basis is not Basis.FACES:
        told = "the picture as it is, taken for one face"
    reasons = Counter(found.why_unjudged(face) for face in faces if face.score is None)
    return "; ".join([told, *(f"{count} not judged ({reason})" for reason, count in reasons.items())])


def stability(found: Prediction) -> str:
    """Whether the label stays under mild changes."""
    if found.stable is None:
        return "not tried"
    return "stable under mild recompression and resizing" if found.stable else "unstable: mild changes flip the label"


def branches(found: Prediction) -> str:
    """The scores of the network's branches; empty where it has none."""
    told = ", ".join(f"{name} {score_text(score)}" for name, score in found.branches.items())
    apart = found.disagreement
    return told if apart is None else f"{told} ({apart:.2f} apart)"


def parts(found: Sequence[PartVerdict]) -> str:
    """What the models of a combination say alone; empty of a model that is none."""
    return ", ".join(f"{part.name} {score_text(part.score)} ({part.label})" for part in found)


def frames(found: Prediction) -> str:
    """The frames of a video that made its score; empty where it is none."""
    told = (f"{frame.seconds:.1f} s {score_text(frame.score)}" for frame in found.frames or ())
    return ", ".join(told)


def origin(evidence: Sequence[Evidence] | None) -> tuple[str, list[str]]:
    """What to say of the traces as a whole, and a line for each."""
    if evidence is None:
        return "It was not looked for.", []
    if not evidence:
        return "No trace was found. That proves nothing: most files carry none, and any can be removed.", []
    lines = [f"{trace.text} (in {trace.source})" for trace in evidence]
    return "Such traces are evidence beside the score, which knows nothing of them. Their absence would prove nothing.", lines


def origin_facts(evidence: Sequence[Evidence] | None) -> list[tuple[str, str]]:
    """Traces as name and value of a table; that there are none, or that none were looked for, is said, too."""
    if not evidence:
        return [("traces", origin(evidence)[0])]
    return [(trace.kind, f"{escaped(trace.text)} (in {escaped(trace.source)})") for trace in evidence]
