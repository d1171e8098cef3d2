"""dfscan from Python: load a detector once, and score pictures with it. No database, no queue, no watching.

    import dfscan

    with dfscan.load() as detector:
        for result in detector.predict(["a.jpg", "b.png"]):
            print(result.path, result.label, result.score)

What scores here is what scores in `dfscan scan`: the same decoders, face finder, network, calibration and labels.
"""

from scanner.base.errors import KnownError
from scanner.domain.evidence import Evidence
from scanner.domain.prediction import Face, Prediction
from scanner.domain.states import Basis, Label

from .detector import Detector, Result, Unreadable, load

__all__ = ["Basis", "Detector", "Evidence", "Face", "KnownError", "Label", "Prediction", "Result", "Unreadable", "load"]
