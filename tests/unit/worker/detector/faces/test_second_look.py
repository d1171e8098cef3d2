"""The second look at a face is cut from the smallest picture that shows enough of it: large faces cost little."""

from pathlib import Path

import pytest
from PIL import Image

from worker.detector.faces.face import Located
from worker.detector.faces.face_finder import FaceFinder

SAMPLES = Path(__file__).parents[5] / "samples"


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


def portrait(size: int) -> Image.Image:
    with Image.open(SAMPLES / "real-astronaut.jpg") as astronaut:
        return astronaut.convert("RGB").resize((size, size))


def the_face(finder: FaceFinder, size: int) -> Located:
    [face] = finder.find(portrait(512))
    return face.moved(0, 0, size / 512)


@pytest.mark.parametrize(("size", "is_seen"), [(2000, True), (250, False)])
def test_large_faces_are_cut_from_a_smaller_picture_and_small_ones_are_not(finder: FaceFinder, size: int, is_seen: bool) -> None:
    nothing = Image.new("RGB", (size, size))
    again = finder._look_again([nothing, portrait(size // 2)], the_face(finder, size))
    assert (again is not None) == is_seen


def test_the_smaller_picture_shows_the_same_face(finder: FaceFinder) -> None:
    face, pictures = the_face(finder, 2000), [portrait(2000), portrait(1000), portrait(250)]
    once, again = finder._look_again(pictures[:1], face), finder._look_again(pictures, face)
    assert once is not None
    assert again is not None
    assert again.confidence == pytest.approx(once.confidence, abs=0.1)
    assert again.box == pytest.approx(once.box, abs=0.05 * once.side)
