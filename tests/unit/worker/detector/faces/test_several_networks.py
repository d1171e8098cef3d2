"""What several networks are shown of one picture: it is searched once, and each gets inputs of its own."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from worker.detector.faces.face import Located
from worker.detector.faces.face_crops import FaceInputs
from worker.detector.faces.face_finder import FaceFinder
from worker.detector.faces.input_selection import Wanted, look, look_for
from worker.detector.image.preprocess import Resize

SAMPLES = Path(__file__).parents[5] / "samples"
WHOLE = Wanted(40, FaceInputs(looked_for=False, resize=Resize("squash")))
FACES, BESIDE = Wanted(96), Wanted(64, FaceInputs(((1.0, False),), beside=True))


class Counting:
    """A face finder that counts how often it is asked."""

    def __init__(self, finder: FaceFinder) -> None:
        self.finder = finder
        self.searched = 0

    def find(self, picture: Image.Image) -> Sequence[Located]:
        self.searched += 1
        return self.finder.find(picture)


@pytest.fixture(name="counting", scope="module")
def _counting() -> Counting:
    return Counting(FaceFinder())


@pytest.mark.parametrize("name", ["real-astronaut.jpg", "real-coffee.jpg"])
def test_each_network_is_shown_what_it_would_be_shown_alone(counting: Counting, name: str) -> None:
    content = (SAMPLES / name).read_bytes()
    wanted = (FACES, WHOLE, BESIDE)
    alone = [
        look(content, one.size, max_pixels=10**8, find=counting.finder.find, scaled=False, shown=one.shown) for one in wanted
    ]
    counting.searched = 0
    together = look_for(content, wanted, max_pixels=10**8, find=counting.find)

    assert counting.searched == 1
    for one, other in zip(alone, together, strict=True):
        assert [(item.box, item.face) for item in one.inputs] == [(item.box, item.face) for item in other.inputs]
        for mine, its in zip(one.inputs, other.inputs, strict=True):
            assert all(np.array_equal(view, other) for view, other in zip(mine.views, its.views, strict=True))
        assert one.unjudged == other.unjudged


def test_a_small_picture_without_a_face_is_searched_with_room_around_it_once(counting: Counting) -> None:
    content = (SAMPLES / "real-coffee.jpg").read_bytes()
    counting.searched = 0
    look_for(content, (Wanted(1000), Wanted(900)), max_pixels=10**8, find=counting.find)
    assert counting.searched == 2  # as it is, and with room


def test_no_faces_are_looked_for_where_no_network_wants_any(counting: Counting) -> None:
    counting.searched = 0
    found = look_for((SAMPLES / "real-astronaut.jpg").read_bytes(), (WHOLE, WHOLE), max_pixels=10**8, find=counting.find)
    assert (counting.searched, [len(one.inputs) for one in found]) == (0, [1, 1])
