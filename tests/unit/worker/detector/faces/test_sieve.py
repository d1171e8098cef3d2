"""The sieve: it finds the places that CenterFace is to look at, and what is found there is what the whole look finds."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from worker.detector.faces import face_finder
from worker.detector.faces.face import Located
from worker.detector.faces.face_finder import FaceFinder
from worker.detector.faces.parts import Part
from worker.detector.faces.sieve import MIDDLE, Proposal, Sieve, peaks, shrunk

SAMPLES = Path(__file__).parents[5] / "samples"
# Left, top and side of heads in a picture of 2000 x 1500; the face takes .56 of the side.
HEADS = [(100, 90, 60), (1900, 40, 70), (700, 300, 110), (250, 900, 300), (1100, 500, 900)]
# Sizes of real photographs at half their scale: a hair more or less than a whole factor.
BY_WHOLE_FACTORS = [((1732, 1732), (866, 866)), ((2016, 1512), (1008, 756)), ((1008, 756), (1008, 756))]


@pytest.fixture(scope="module", name="finder")
def _finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="module", name="photo")
def _photo() -> Image.Image:
    colours = np.random.default_rng(4).integers(60, 200, (6, 8, 3), np.uint8)
    photo = Image.fromarray(colours).resize((2000, 1500), Image.Resampling.BICUBIC)
    with Image.open(SAMPLES / "real-astronaut.jpg") as astronaut:
        head = astronaut.convert("RGB").crop((127, 22, 327, 222))
    for left, top, side in HEADS:
        photo.paste(head.resize((side, side), Image.Resampling.LANCZOS), (left, top))
    return photo


def no_whole_look(*_: object) -> list[Located]:
    raise AssertionError("the picture was looked at as a whole")


def test_small_and_large_faces_are_found_as_by_a_look_at_all(
    finder: FaceFinder, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(face_finder, "SIEVED_FROM", 10**9)
        whole = finder.find(photo)
    monkeypatch.setattr(finder, "_look", no_whole_look)
    found = finder.find(photo)
    assert len(found) == len(whole) == len(HEADS)
    for one, other in zip(found, whole, strict=True):
        assert np.allclose(one.box, other.box, atol=0.06 * other.side)
    assert finder.find(photo) == found


def test_a_picture_without_faces_is_hardly_looked_at(finder: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    with Image.open(SAMPLES / "real-coffee.jpg") as cup:
        large = cup.convert("RGB").resize((2000, 1500), Image.Resampling.BICUBIC)
    looks = []
    monkeypatch.setattr(finder, "_look", no_whole_look)
    monkeypatch.setattr(
        finder._network, "faces", lambda seen, _least: looks.extend(one.size for one in seen) or [[] for _ in seen]
    )
    assert finder.find(large) == []
    assert sum(looks) < 0.25 * 3 * 1344 * 1008


def test_a_part_of_a_face_is_no_face_and_a_small_one_before_a_poster_is() -> None:
    eyes = ((0.0, 0.0), (1.0, 0.0))
    large, nose, small = (
        Located(box, eyes, sure) for box, sure in (((0, 0, 400, 500), 0.9), ((30, 100, 220, 250), 0.6), ((50, 300, 60, 80), 0.5))
    )
    assert face_finder._whole_faces([large, nose, small]) == [large, small]


def test_a_crowd_is_looked_at_as_a_whole(finder: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = [Proposal(x, y, 30.0) for x in range(10, 2000, 60) for y in range(10, 1500, 60)]
    monkeypatch.setattr(finder._sieve, "proposals", lambda *_: crowd)
    looks = []
    monkeypatch.setattr(finder, "_run", lambda seen, _least: looks.append(seen.shape) or [])
    finder.find(Image.new("RGB", (2000, 1500)))
    assert looks == [(1008, 1344, 3)]


@pytest.mark.parametrize(("heads", "looks"), [(5, 0), (8, 1), (12, 1)])
def test_many_faces_are_a_crowd_though_the_sieve_names_few_places(
    finder: FaceFinder, monkeypatch: pytest.MonkeyPatch, heads: int, looks: int
) -> None:
    crowd = Image.new("RGB", (2000, 1500), (90, 110, 130))
    with Image.open(SAMPLES / "real-astronaut.jpg") as astronaut:
        head = astronaut.convert("RGB").crop((127, 22, 327, 222))
    for number in range(heads):
        crowd.paste(head, (80 + number % 4 * 480, 60 + number // 4 * 480))
    whole: list[float] = []
    look = finder._look
    monkeypatch.setattr(finder, "_look", lambda *asked: whole.append(asked[1]) or look(*asked))
    assert len(finder.find(crowd)) == heads
    assert len(whole) == looks


def test_in_a_crowd_is_found_what_a_look_at_all_finds(
    finder: FaceFinder, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = FaceFinder(sieved=False).find(photo)
    monkeypatch.setattr(face_finder, "CROWD", len(HEADS))
    monkeypatch.setattr(face_finder, "CUT_FROM", 1e9)  # the second look is cut from the same picture then
    assert finder.find(photo) == expected


def test_a_small_picture_is_looked_at_as_a_whole(finder: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder._sieve, "proposals", no_whole_look)
    with Image.open(SAMPLES / "real-astronaut.jpg") as astronaut:
        assert len(finder.find(astronaut.convert("RGB"))) == 1


def test_parts_of_one_size_are_looked_at_together_and_none_sees_the_others(finder: FaceFinder, photo: Image.Image) -> None:
    around = [(80, 70, 176, 166), (1900, 30, 1996, 126), (650, 250, 746, 346), (0, 1400, 96, 1496), (1450, 850, 1546, 946)]
    pictures = [np.asarray(photo.crop(box)) for box in around]
    together = finder._network.faces(pictures, 0.1)
    alone = [found for picture in pictures for found in finder._network.faces([picture], 0.1)]
    assert [len(found) > 0 for found in together] == [True, True, True, False, False]
    for these, those in zip(together, alone, strict=True):
        assert np.allclose([one.box for one in these], [one.box for one in those], atol=0.01)


def test_no_more_parts_are_looked_at_together_than_fit(
    finder: FaceFinder, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [Part(1344, 1008, left, 64, left + 64, 128) for left in range(0, 640, 64)] + [Part(1344, 1008, 0, 0, 256, 256)]
    together = []
    monkeypatch.setattr(finder._network, "faces", lambda seen, _least: together.append(len(seen)) or [[] for _ in seen])
    assert list(finder._look_in([photo], parts)) == []
    assert together == [4, 4, 2, 1]


@pytest.mark.parametrize("sure", [0.06, 0.2])
def test_what_is_surest_in_a_part_is_looked_at_again_however_weak(finder: FaceFinder, photo: Image.Image, sure: float) -> None:
    weak = [Located((20, 20, 20, 24), ((25, 28), (35, 28)), confidence) for confidence in (sure, 0.055)]
    part = Part(1344, 1008, 64, 64, 128, 128)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(finder._network, "faces", lambda seen, least: [[one for one in weak if one.confidence >= least]])
        assert [face.confidence for _, face in finder._look_in([photo], [part])] == [sure]


def test_what_was_sure_in_a_part_and_is_not_seen_again_is_looked_at_once_more(
    finder: FaceFinder, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    eyes = ((105.0, 108.0), (115.0, 108.0))
    sure, unsure = (Located((100, 100, 20, 24), eyes, confidence) for confidence in (face_finder.SURE, face_finder.SURE - 0.01))
    boxes = []
    monkeypatch.setattr(finder, "_first_look", lambda *_: [sure, unsure])
    monkeypatch.setattr(finder, "_look_again", lambda _picture, face: boxes.append(face.box))
    assert finder.find(photo) == []
    assert len(boxes) == 3
    assert np.allclose(boxes, [sure.box, (96, 95.2, 28, 33.6), unsure.box])


def test_peaks_are_the_highest_of_their_neighbours() -> None:
    chances = np.zeros((5, 7), np.float32)
    chances[0, 0], chances[2, 3], chances[2, 4], chances[4, 6], chances[4, 0] = 0.5, 0.7, 0.6, 0.2, 0.04
    rows, columns = peaks(chances, 0.05)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 0), (2, 3), (4, 6)]
    assert [len(places) for places in peaks(chances, 0.9)] == [0, 0]


@pytest.mark.parametrize(("size", "expected"), BY_WHOLE_FACTORS)
def test_a_picture_is_shrunk_by_a_whole_factor_where_one_nearly_fits(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert shrunk(Image.new("RGB", size), 1000 * 750).size == expected


def test_a_network_is_given_colours_less_the_middle_and_black_around_them() -> None:
    network = Sieve()._network
    given: list[np.ndarray] = []

    class Session:
        def run(self, _outputs: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            given.extend(inputs.values())
            return []

    network._session = Session()
    picture_HWC = np.random.default_rng(2).integers(0, 256, (70, 90, 3), np.uint8)
    network.run([picture_HWC, picture_HWC[::-1]])
    [pictures_BCHW] = given
    assert pictures_BCHW.shape == (2, 3, 96, 96)
    assert (pictures_BCHW[0, :, :70, :90].transpose(1, 2, 0) == picture_HWC - MIDDLE).all()
    assert (pictures_BCHW[1, :, :70, :90].transpose(1, 2, 0) == picture_HWC[::-1] - MIDDLE).all()
    assert (pictures_BCHW[:, :, 70:] == -MIDDLE).all()
    assert (pictures_BCHW[:, :, :, 90:] == -MIDDLE).all()


@pytest.mark.parametrize(
    ("size", "expected"),
    [((2000, 1500), (1000, 750)), ((4000, 3000), (1000, 750)), ((500, 400), (500, 400)), ((60000, 40), (33541, 22))],
)
def test_a_picture_is_shrunk_to_so_many_pixels(size: tuple[int, int], expected: tuple[int, int]) -> None:
    got = shrunk(Image.new("RGB", size), 1000 * 750).size
    assert got[0] * got[1] <= 1.05 * 1000 * 750
    assert abs(got[0] - expected[0]) < 0.6 * expected[0]
