"""From a score, and what it rests on, to a label."""

from .outcomes import ActiveModel
from .prediction import Prediction
from .states import Label


def label_for(score: float, threshold: float, band_low: float) -> Label:
    """fake from `threshold` on, uncertain in the band [band_low, threshold), else real."""
    if score >= threshold:
        return Label.FAKE
    return Label.UNCERTAIN if score >= band_low else Label.REAL


def verdict(score: float, prediction: Prediction, model: ActiveModel) -> Label:
    """The label of a score, as far as what it rests on carries it.

    A picture without a face is flagged only by a model that was made for whole images, and a label that flips under mild
    recompression or resizing is no more than uncertain.
    """
    if prediction.is_without_face and not model.whole_images:
        return Label.REAL
    label = label_for(score, model.threshold, model.band_low)
    return Label.UNCERTAIN if label is Label.FAKE and prediction.stable is False else label
