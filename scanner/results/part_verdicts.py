"""What each model of a combination says of an image alone, by its own cuts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..domain.labels import verdict
from ..domain.outcomes import ActiveModel
from ..domain.prediction import Prediction


@dataclass(frozen=True)
class PartVerdict:
    """The score of one part, 0..1, and what it calls that."""

    name: str
    score: float
    label: str


def part_verdicts(card: Mapping[str, Any], prediction: Prediction) -> tuple[PartVerdict, ...]:
    """By the card of the combination, in the order of its parts; none of a model that is no combination."""
    fusion = card.get("fusion")
    parts = fusion.get("parts") if isinstance(fusion, Mapping) else None
    found = []
    for part in parts or ():
        score = prediction.branches.get(part["name"])
        if score is not None:
            model = ActiveModel(0, part["name"], part["threshold"], part["band_low"], part["whole_images"])
            alone = Prediction(prediction.basis, prediction.faces)
            found.append(PartVerdict(part["name"], score, verdict(score, alone, model).value))
    return tuple(found)


def disagree(parts: tuple[PartVerdict, ...]) -> bool:
    """Whether their labels differ."""
    return len({part.label for part in parts}) > 1
