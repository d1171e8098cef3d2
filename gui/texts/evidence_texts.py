"""What a score rests on and what a file says of its origin, as lines for the details panel."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from scanner.domain.evidence import Evidence
from scanner.domain.prediction import Prediction
from scanner.domain.states import Basis


def rests_on(found: Prediction) -> str:
    """Faces, or the whole picture."""
    faces = found.faces or ()
    small = sum(face.score is None for face in faces)
    if found.basis is Basis.FACES:
        text = _tr("faces: {count}").format(count=len(faces) - small)
    elif found.is_without_face:
        text = _tr("the whole picture; no face was found")
    else:
        text = _tr("the picture as it is, taken for one face")
    return text + (_tr("; too small to judge: {count}").format(count=small) if small else "")


def stability(found: Prediction) -> str:
    """Whether the label stays under mild changes."""
    if found.stable is None:
        return _tr("not tried")
    return _tr("stable under mild recompression and resizing") if found.stable else _tr("unstable: mild changes flip the label")


def branches(found: Prediction) -> str:
    """The scores of the network's branches; empty where it has none."""
    told = ", ".join(f"{name} {score:.3f}" for name, score in found.branches.items())
    apart = found.disagreement
    return told if apart is None else _tr("{branches} ({apart:.3f} apart)").format(branches=told, apart=apart)


def frames(found: Prediction) -> str:
    """The frames of a video that made its score; empty where it is none."""
    told = (_tr("{seconds:.1f} s {score:.3f}").format(seconds=frame.seconds, score=frame.score) for frame in found.frames or ())
    return ", ".join(told)


def origin(evidence: Sequence[Evidence] | None) -> tuple[str, list[str]]:
    """What to say of the traces as a whole, and a line for each."""
    if evidence is None:
        return _tr("It was not looked for."), []
    if not evidence:
        return _tr("No trace was found. That proves nothing: most files carry none, and any can be removed."), []
    lines = [_tr("{text} (in {source})").format(text=trace.text, source=trace.source) for trace in evidence]
    return _tr(
        "Such traces are evidence beside the score, which knows nothing of them. Their absence would prove nothing."
    ), lines


def _tr(text: str) -> str:
    return QCoreApplication.translate("evidence", text)
