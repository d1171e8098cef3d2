"""What the program says about verdicts, in plain words."""

from scanner.domain.prediction import Prediction
from scanner.domain.states import Basis
from scanner.review.image_details import Finding
from scanner.review.ordering import QueueItem

# Marks the face or frame that made the score.
DECIDING = "\N{BLACK RIGHT-POINTING POINTER}"
# On an image whose file says that a machine made it.
ORIGIN = "says: generated"
_SHAPES = {"fake": "\N{BLACK UP-POINTING TRIANGLE}", "uncertain": "\N{BLACK DIAMOND}", "real": "\N{BLACK CIRCLE}"}


def label_shape(label: str) -> str:
    """A sign that is told apart without colours."""
    return _SHAPES.get(label, "")


def score_text(score: float) -> str:
    """A score as it is written everywhere: two digits, and never a certainty."""
    if score > 0.99:
        return ">0.99"
    return "<0.01" if score < 0.01 else f"{score:.2f}"


def clock(seconds: float) -> str:
    """A time in a video."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}"


def label_line(label: str, score: float) -> str:
    """Sign, word and score."""
    return f"{label_shape(label)} {verdict_word(label, is_judged=True)} {score_text(score)}"


def verdict_word(label: str, *, is_judged: bool) -> str:
    """What the program found, in a word or two. That it found nothing does not make an image real."""
    return label if label != "real" else "nothing found" if is_judged else "not judged"


def item_line(item: QueueItem) -> str:
    """Sign, word and score of an image in the queue; what was not judged has no score that means anything."""
    if not item.is_judged:
        return verdict_word(item.label, is_judged=False)
    return label_line(item.label, item.score)


def headline(label: str, *, is_judged: bool) -> str:
    """The verdict in words."""
    if not is_judged:
        return "Not judged"
    return {"fake": "Strong signs of forgery", "uncertain": "Weak signs of forgery"}.get(label, "Nothing found")


def is_judged(finding: Finding) -> bool:
    """False of a picture that is labelled real only because there was no face to judge, whatever its score."""
    return finding.label != "real" or finding.score < finding.band_low


def _number(score: float, digits: int) -> str:
    return score_text(score) if digits == 2 else f"{score:.{digits}f}"


def explanation(finding: Finding) -> str:
    """What this score means, what it rests on, and what it does not mean."""
    parts = [_meaning(finding), _basis(finding.prediction, finding.label), _stability(finding)]
    if not is_judged(finding):
        parts.append("Whether it is forged is not known.")
    elif finding.label == "real":
        parts.append("That is no proof: new kinds of forgery can score low.")
    else:
        parts.append("That is a reason to look closely, not a proof: real photographs can score high.")
    return " ".join(part for part in parts if part)


def _meaning(finding: Finding) -> str:
    if finding.label == "fake":
        told = "The score of {score} is at or above the threshold of {threshold}."
    elif finding.label == "uncertain" and finding.score >= finding.threshold:
        told = "The score of {score} is at or above the threshold of {threshold}, but does not last."
    elif finding.label == "uncertain":
        told = "The score of {score} lies in the band from {low} to {threshold}, where the model is often wrong."
    elif finding.score >= finding.band_low:
        told = "The score of {score} counts for nothing here: this model judges faces."
    else:
        told = "The score of {score} is below {low}."
    numbers = {"score": finding.score, "threshold": finding.threshold, "low": finding.band_low}
    # What is compared must not look the same.
    digits = 2 if len({_number(value, 2) for value in numbers.values()}) == len(set(numbers.values())) else 3
    return told.format(**{name: _number(value, digits) for name, value in numbers.items()})


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
