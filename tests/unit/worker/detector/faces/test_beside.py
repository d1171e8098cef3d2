"""What a network with a head for whole pictures is shown: the faces, and the picture beside them."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.inputs import Ready
from worker.decoding.limits import Limits
from worker.detector.faces.face import Located
from worker.detector.faces.face_crops import FaceInputs, crop_of, subject_of
from worker.detector.faces.face_finder import FaceFinder
from worker.detector.faces.input_selection import Looked, look
from worker.detector.image.preprocess import to_square

SAMPLES = Path(__file__).parents[5] / "samples"
SIZE = 224
FRAMINGS = ((1.4, False), (2.0, True))
BESIDE = FaceInputs(FRAMINGS, 12, beside=True)


@pytest.fixture(scope="module", name="finder")
def _finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(name="astronaut")
def _astronaut() -> Image.Image:
    with Image.open(SAMPLES / "real-astronaut.jpg") as opened:
        return opened.convert("RGB")


def png(picture: Image.Image, **options: object) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, "PNG", **options)
    return buffer.getvalue()


def looked(picture: Image.Image, finder: FaceFinder, shown: FaceInputs = BESIDE) -> Looked:
    return look(png(picture), SIZE, max_pixels=100_000_000, find=finder.find, shown=shown)


def crowd(face: Image.Image, *sides: int) -> Image.Image:
    """Copies of `face`, so large each, side by side on grey."""
    scene = Image.new("RGB", (60 + sum(sides) + 60 * len(sides), 900), (120, 130, 140))
    left = 60
    for side in sides:
        scene.paste(face.resize((side, side), Image.Resampling.LANCZOS), (left, 200))
        left += side + 60
    return scene


def test_inputs_of_a_photo(finder: FaceFinder, astronaut: Image.Image) -> None:
    found = looked(astronaut, finder)

    face, whole = found.inputs
    [place] = finder.find(astronaut)
    assert found.is_cut
    assert face.face is not None
    assert len(face.views) == 2
    assert (face.views[0] == crop_of(place, astronaut, SIZE, 1.4)).all()
    assert (face.views[1] == crop_of(place, astronaut, SIZE, 2.0)[:, ::-1]).all()
    assert (whole.face, whole.framings, whole.box) == (None, (), (0, 0, *astronaut.size))
    assert (whole.image_HWC == to_square(astronaut, SIZE)).all()


def test_without_beside_the_same_photo_gives_its_face_alone(finder: FaceFinder, astronaut: Image.Image) -> None:
    [face] = looked(astronaut, finder, FaceInputs(FRAMINGS, 12)).inputs

    assert face.face is not None
    assert len(face.views) == 2


def test_a_wide_photo_is_seen_whole_by_its_centre_square(finder: FaceFinder, astronaut: Image.Image) -> None:
    wide = Image.new("RGB", (900, 600), (90, 90, 90))
    wide.paste(astronaut, (50, 50))

    _, whole = looked(wide, finder).inputs

    assert whole.box == (150, 0, 600, 600)
    assert (whole.image_HWC == to_square(wide, SIZE)).all()


def test_a_crop_that_its_face_fills_is_one_input(finder: FaceFinder, astronaut: Image.Image) -> None:
    crop = astronaut.crop((127, 22, 327, 222)).resize((800, 800), Image.Resampling.LANCZOS)

    found = looked(crop, finder)

    [only] = found.inputs
    assert not found.is_cut
    assert only.face is not None
    assert only.framings == ()
    assert (only.image_HWC == to_square(crop, SIZE)).all()


def test_a_small_picture_with_a_small_face_is_cut_all_the_same(finder: FaceFinder, astronaut: Image.Image) -> None:
    """Without the picture beside it, it would be taken for a crop, as nothing is to be gained by cutting."""
    small = astronaut.crop((30, 0, 430, 400)).resize((300, 300), Image.Resampling.LANCZOS)

    beside, plain = looked(small, finder), looked(small, finder, FaceInputs(FRAMINGS, 12))

    assert [item.face is not None for item in beside.inputs] == [True, False]
    assert [item.face is not None for item in plain.inputs] == [True]
    assert beside.is_cut
    assert not plain.is_cut


def test_what_a_picture_is_a_crop_of_goes_by_the_widest_framing() -> None:
    def face(x: float, y: float, side: float, tilt: float = 0.0) -> Located:
        return Located((x - side / 2, y - side / 2, side, side), ((0, 0), (1, tilt)), 0.9)

    picture = Image.new("RGB", (1000, 1400))
    assert subject_of([large := face(500, 700, 420)], picture, SIZE, BESIDE) is large
    assert subject_of([face(500, 700, 380)], picture, SIZE, BESIDE) is None
    assert subject_of([face(500, 700, 380)], picture, SIZE, FaceInputs(((1.4, False), (2.2, True)), 12, beside=True))
    assert subject_of([face(200, 700, 420)], picture, SIZE, BESIDE) is None
    assert subject_of([face(500, 700, 420, tilt=1.0)], picture, SIZE, BESIDE) is None


def test_a_picture_without_a_face_is_one_input(finder: FaceFinder) -> None:
    with Image.open(SAMPLES / "real-coffee.jpg") as opened:
        coffee = opened.convert("RGB")

    [whole] = looked(coffee, finder).inputs

    assert whole.face is None
    assert (whole.image_HWC == to_square(coffee, SIZE)).all()


def test_of_a_crowd_the_largest_are_judged_and_the_others_kept(finder: FaceFinder, astronaut: Image.Image) -> None:
    scene = crowd(astronaut.crop((127, 22, 327, 222)), 240, 480, 360)
    all_of_them = looked(scene, finder)
    assert sum(item.face is not None for item in all_of_them.inputs) == 3

    found = looked(scene, finder, FaceInputs(FRAMINGS, 2, beside=True))

    *faces, whole = found.inputs
    assert whole.face is None
    widths = [item.face.box[2] for item in faces if item.face is not None]
    [small] = found.unjudged
    assert len(widths) == 2
    assert widths[0] > widths[1] > small.box[2] > 40


def test_frames_without_a_face_do_not_count_where_one_has_one(finder: FaceFinder, astronaut: Image.Image) -> None:
    with Image.open(SAMPLES / "real-coffee.jpg") as opened:
        coffee = opened.convert("RGB").resize(astronaut.size)
    content = png(coffee, save_all=True, append_images=[astronaut])

    found = look(content, SIZE, max_pixels=10**8, find=finder.find, shown=BESIDE)

    assert [(item.frame, item.face is not None) for item in found.inputs] == [(1, True), (1, False)]


def test_a_decoder_process_shows_faces_as_it_is_told(astronaut: Image.Image) -> None:
    content = png(astronaut)
    with DecoderPool(1, Limits(10**6, 60, 3072), faces=True) as decoders:
        beside, plain = (decoders.begin(content, SIZE, shown).result() for shown in (BESIDE, FaceInputs()))

    assert isinstance(beside, Ready)
    assert isinstance(plain, Ready)
    assert [len(item.views) for item in beside.inputs] == [2, 1]
    assert [len(item.views) for item in plain.inputs] == [4]
