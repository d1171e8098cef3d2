"""From logits on held-out images to calibrated scores, a threshold and a band."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from worker.detector.checkpoint import Calibration
from worker.detector.predictor import sigmoid

from .metrics import Labels, Scores, threshold_for


@dataclass(frozen=True)
class Decision:
    """Calibration and the two cuts on the calibrated score."""

    calibration: Calibration
    threshold: float
    band_low: float


def decide(labels: Labels, logits: Scores, *, fake_at_fpr: float, flagged_at_fpr: float) -> Decision:
    """Fit Platt scaling, then choose `threshold` and `band_low` by the false alarm rates allowed on real images."""
    fitted = LogisticRegression(C=np.inf).fit(logits[:, None], labels)
    calibration = Calibration(float(fitted.coef_[0, 0]), float(fitted.intercept_[0]))
    real_scores = sigmoid(calibration.slope * logits + calibration.offset)[labels == 0]
    return Decision(calibration, threshold_for(real_scores, fake_at_fpr), threshold_for(real_scores, flagged_at_fpr))
