"""What a score rests on, as it is stored and printed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.base.documents import DocumentError
from scanner.domain.prediction import Face, Frame, Prediction
from scanner.domain.states import Basis

SCORES = st.floats(0, 1)
SIDES = st.integers(0, 100_000)
FACES = st.builds(Face, st.tuples(SIDES, SIDES, SIDES, SIDES), SCORES, st.none() | SCORES, st.integers(0, 1000))
PREDICTIONS = st.builds(
    Prediction,
    st.sampled_from(Basis),
    st.none() | st.lists(FACES, max_size=3).map(tuple),
    st.none() | st.booleans(),
    st.dictionaries(st.text(max_size=9), SCORES, max_size=3),
    st.none() | st.lists(st.builds(Frame, st.integers(0, 1000), st.floats(0, 1e6), SCORES), max_size=3).map(tuple),
)


@settings(deadline=None)
@given(PREDICTIONS)
def test_json_and_back(prediction: Prediction) -> None:
    assert Prediction.from_json(json.loads(json.dumps(prediction.to_json()))) == prediction


def test_json_keys() -> None:
    """They are columns of the database and keys of reports."""
    told = Prediction(
        Basis.FACES, (Face((1, 2, 3, 4), 0.9),), branches={"a": 0.25, "b": 0.5}, frames=(Frame(1, 2.5, 0.5),)
    ).to_json()
    assert told == {
        "basis": "faces",
        "faces": [{"box": [1, 2, 3, 4], "confidence": 0.9, "score": None, "frame": 0}],
        "stable": None,
        "branches": {"a": 0.25, "b": 0.5},
        "disagreement": 0.25,
        "frames": [{"frame": 1, "seconds": 2.5, "score": 0.5}],
    }
    assert list(told) == ["basis", "faces", "stable", "branches", "frames", "disagreement"]


def test_older_and_newer_documents() -> None:
    face = {"box": [1, 2, 3, 4], "confidence": 0.9, "tilt": 3}
    assert Prediction.from_json({"basis": "faces", "faces": [face], "branches": None, "mood": "good"}) == Prediction(
        Basis.FACES, (Face((1, 2, 3, 4), 0.9),)
    )


@pytest.mark.parametrize("wrong", [{"basis": "nose"}, {"faces": [{"box": [1, 2]}]}, {"frames": 5}])
def test_what_is_no_prediction(wrong: dict[str, object]) -> None:
    with pytest.raises(DocumentError, match=next(iter(wrong))):
        Prediction.from_json(wrong)
