"""What each part of a combination says alone, read from the card in the database."""

from typing import Any

from scanner.domain.prediction import Face, Prediction
from scanner.domain.states import Basis
from scanner.results.part_verdicts import PartVerdict, disagree, part_verdicts

CARD: dict[str, Any] = {
    "fusion": {
        "parts": [
            {"name": "faces", "threshold": 0.9, "band_low": 0.6, "whole_images": False},
            {"name": "whole", "threshold": 0.5, "band_low": 0.5, "whole_images": True},
        ]
    }
}


def test_each_part_is_called_by_its_own_cuts() -> None:
    seen = Prediction(Basis.BOTH, (Face((0, 0, 50, 50), 1.0, 0.7),), branches={"faces": 0.7, "whole": 0.7})
    found = part_verdicts(CARD, seen)
    assert found == (PartVerdict("faces", 0.7, "uncertain"), PartVerdict("whole", 0.7, "fake"))
    assert disagree(found)
    assert not disagree(found[:1])


def test_a_part_of_faces_calls_a_picture_without_one_real() -> None:
    found = part_verdicts(CARD, Prediction(Basis.WHOLE, (), branches={"faces": 0.99, "whole": 0.2}))
    assert [part.label for part in found] == ["real", "real"]


def test_a_model_that_is_no_combination_has_none() -> None:
    for card in ({}, {"fusion": None}, {"fusion": "text"}):
        assert part_verdicts(card, Prediction(branches={"clip-image": 0.5})) == ()
    assert part_verdicts(CARD, Prediction()) == ()
