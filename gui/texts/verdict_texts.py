"""What the program says about verdicts, in plain words."""

from scanner.domain.prediction import Prediction
from scanner.domain.states import Basis
from scanner.review.image_details import Finding

_SHAPES = {"fake": "\N{BLACK UP-POINTING TRIANGLE}", "uncertain": "\N{BLACK DIAMOND}", "real": "\N{BLACK CIRCLE}"}


def label_shape(label: str) -> str:
    """A sign that is told apart without colours."""
    return _SHAPES.get(label, "")


def label_line(label: str, score: float) -> str:
    """Sign, word and score."""
    return f"{label_shape(label)} {label} {score:.2f}"


def _percent(score: float, digits: int = 0) -> str:
    """Never a certainty: no score is."""
    if score > 0.99:
        return "over 99 %"
    return "under 1 %" if score < 0.01 else f"{100 * score:.{digits}f} %"


def explanation(finding: Finding) -> str:
    """What this score means, what it rests on, and what it does not mean."""
    parts = [_meaning(finding), _basis(finding.prediction, finding.label), _stability(finding)]
    if finding.label == "real":
        parts.append("That is no proof: new kinds of forgery can score low.")
    else:
        parts.append("That is a reason to look closely, not a proof: real photographs can score high.")
    return " ".join(part for part in parts if part)


def _meaning(finding: Finding) -> str:
    if finding.label == "fake":
        told = "The model holds this image for a deepfake: its score of {score} is at or above the threshold of {threshold}."
    elif finding.label == "uncertain" and finding.score >= finding.threshold:
        told = "The model is not sure: its score of {score} is at or above the threshold of {threshold}, but does not last."
    elif finding.label == "uncertain":
        told = "The model cannot tell: the score of {score} lies in the band from {low} to {threshold}, where it is often wrong."
    elif finding.score >= finding.band_low:
        told = "The image is not flagged, though its score is {score}."
    else:
        told = "The model sees no sign of a deepfake: its score of {score} is below {low}."
    numbers = {"score": finding.score, "threshold": finding.threshold, "low": finding.band_low}
    # What is compared must not look the same.
    digits = 0 if len({_percent(value) for value in numbers.values()}) == len(set(numbers.values())) else 1
    return told.format(**{name: _percent(value, digits) for name, value in numbers.items()})


def _basis(prediction: Prediction, label: str) -> str:
    judged = [face for face in prediction.faces or () if face.score is not None]
    if prediction.frames:
        return f"The score is the mean of the frames that look most forged: {len(prediction.frames)}."
    if prediction.is_without_face:
        if label == "real":
            return "No face was found: the score is of the whole picture and raises no flag."
        return "No face was found: the score is of the whole picture."
    if prediction.basis is Basis.FACES and len(judged) > 1:
        return f"The score is that of the face that looks most forged of {len(judged)}."
    if prediction.basis is Basis.BOTH:
        faces = "its face" if len(judged) == 1 else f"its {len(judged)} faces"
        return f"The score is of {faces} and of the picture as a whole, together."
    return ""


def _stability(finding: Finding) -> str:
    if finding.prediction.stable is False and finding.score >= finding.band_low:
        return "Mild recompression or resizing changes the label, so it counts as uncertain at most."
    return ""
