"""What the program says about verdicts, in plain words."""

from PySide6.QtCore import QCoreApplication

from scanner.image_details import Finding

_SHAPES = {"fake": "\N{BLACK UP-POINTING TRIANGLE}", "uncertain": "\N{BLACK DIAMOND}", "real": "\N{BLACK CIRCLE}"}


def _tr(text: str) -> str:
    return QCoreApplication.translate("wording", text)


def label_word(label: str) -> str:
    """A label as people read it."""
    return {"fake": _tr("fake"), "uncertain": _tr("uncertain"), "real": _tr("real"), "unsure": _tr("unsure")}.get(label, label)


def label_shape(label: str) -> str:
    """A sign that is told apart without colours."""
    return _SHAPES.get(label, "")


def _percent(score: float) -> str:
    """Never a certainty: no score is."""
    if score > 0.99:
        return _tr("over 99 %")
    return _tr("under 1 %") if score < 0.01 else f"{100 * score:.0f} %"


def explanation(finding: Finding) -> str:
    """What this score means, and what it does not."""
    percent = _percent(finding.score)
    if finding.label == "fake":
        told = _tr("The model holds this image for a deepfake: its score of {score} is at or above the threshold of {threshold}.")
    elif finding.label == "uncertain":
        told = _tr(
            "The model cannot tell: the score of {score} lies in the band from {low} to {threshold}, where it is often wrong."
        )
    else:
        told = _tr("The model sees no sign of a deepfake: its score of {score} is below {low}.")
    told = told.format(score=percent, threshold=_percent(finding.threshold), low=_percent(finding.band_low))
    if finding.label == "real":
        return told + " " + _tr("That is no proof: new kinds of forgery can score low.")
    return told + " " + _tr("That is a reason to look closely, not a proof: real photographs can score high.")
