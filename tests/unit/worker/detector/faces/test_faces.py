"""Finding faces and cutting them out, on the sample photograph of a person, a cat and a cup."""

import importlib.util
import math
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from worker.detector.faces import face_finder
from worker.detector.faces.face import Located
from worker.detector.faces.face_crops import FRAMINGS, MARGIN, FaceInputs, crop_of, square_of, subject_of
from worker.detector.faces.face_finder import FaceFinder, FaceFinderMissing
from worker.detector.faces.input_selection import Looked, look
from worker.detector.image.picture import PictureError, decode_rgb
from worker.detector.image.preprocess import to_square

SAMPLES = Path(__file__).parents[5] / "samples"
SIZE = 192
# Where the face is in real-astronaut.jpg, brows to chin, cheek to cheek, by eye.
BROWS, CHIN, LEFT_CHEEK, RIGHT_CHEEK = 85, 180, 180, 272


@pytest.fixture(scope="module", name="finder")
def _finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(name="astronaut")
def _astronaut() -> Image.Image:
    with Image.open(SAMPLES / "real-astronaut.jpg") as opened:
        return opened.convert("RGB")


def looked(picture: Image.Image, finder: FaceFinder | None, form: str = "PNG", **options: object) -> Looked:
    buffer = BytesIO()
    picture.save(buffer, form, **options)
    return look(buffer.getvalue(), SIZE, max_pixels=100_000_000, find=finder.find if finder else None)


def in_a_large_photo(face: Image.Image, *places: tuple[int, int, int]) -> Image.Image:
    """12 megapixels of soft colours with `face` pasted in: left, top and side of each copy."""
    colours = np.random.default_rng(4).integers(60, 200, (6, 8, 3), np.uint8)
    photo = Image.fromarray(colours).resize((4000, 3000), Image.Resampling.BICUBIC)
    for left, top, side in places:
        photo.paste(face.resize((side, side), Image.Resampling.LANCZOS), (left, top))
    return photo


def alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The correlation of two pictures."""
    return float(np.corrcoef(one.ravel().astype(float), other.ravel().astype(float))[0, 1])


def test_the_face_is_found_where_it_is(finder: FaceFinder, astronaut: Image.Image) -> None:
    [face] = finder.find(astronaut)
    left, top, width, height = face.box
    assert abs(left - LEFT_CHEEK) < 12
    assert abs(left + width - RIGHT_CHEEK) < 12
    assert BROWS - 30 < top < BROWS + 5
    assert abs(top + height - CHIN) < 12
    (x0, y0), (x1, y1) = face.eyes
    assert left < x0 < x1 < left + width
    assert abs(y0 - y1) < 20
    assert 0.4 <= face.confidence <= 1


@pytest.mark.parametrize("name", ["real-cat.jpg", "real-coffee.jpg"])
def test_there_is_none_in_a_cat_or_a_cup(finder: FaceFinder, name: str) -> None:
    content = (SAMPLES / name).read_bytes()
    seen = look(content, SIZE, max_pixels=10**8, find=finder.find)
    assert [shown.face for shown in seen.inputs] == [None]
    assert not seen.unjudged
    plain = to_square(decode_rgb(content, max_pixels=10**8, short_side=SIZE).picture, SIZE)
    assert (seen.inputs[0].image_HWC == plain).all()


def test_small_faces_in_large_picture(finder: FaceFinder, astronaut: Image.Image) -> None:
    """Faces of 60 pixels are found in 12 megapixels and cut from the pixels that are there."""
    head = astronaut.crop((127, 22, 327, 222))  # the face takes 0.56 of it
    places = [(300, 300, 110), (3500, 200, 130), (1800, 1500, 200), (700, 2400, 400)]
    photo = in_a_large_photo(head, *places)

    seen = looked(photo, finder, "JPEG", quality=95, subsampling=0)

    assert (seen.format, seen.width, seen.height, seen.is_cut) == ("JPEG", 4000, 3000, True)
    assert len(seen.inputs) == 4
    full = finder.find(photo.crop((250, 250, 450, 450)))[0].moved(250, 250)
    for left, top, side in places:
        [shown] = [
            shown
            for shown in seen.inputs
            if shown.face is not None
            and left < shown.face.box[0] + shown.face.box[2] / 2 < left + side
            and top < shown.face.box[1] + shown.face.box[3] / 2 < top + side
        ]
        assert shown.face is not None
        assert [view.shape for view in shown.views] == [(SIZE, SIZE, 3)] * len(FRAMINGS)
        assert 0.4 < max(shown.face.box[2:]) / side < 0.75
    # The smallest is as sharp as if it had been cut from the whole picture, which the finder had seen at half its size.
    smallest = next(
        shown for shown in seen.inputs if shown.face is not None and shown.face.box[0] < 450 and shown.face.box[1] < 450
    )
    for view, (margin, is_mirrored) in zip(smallest.views, FRAMINGS, strict=True):
        expected = crop_of(full, photo, SIZE, margin)[:, :: -1 if is_mirrored else 1]
        assert sharpness(view) > 0.8 * sharpness(expected)
        assert alike(view, expected) > 0.8  # the box may lie a pixel aside


def sharpness(image_HWC: NDArray[np.uint8]) -> float:
    return float(np.abs(np.diff(image_HWC.astype(float), n=2, axis=1)).mean())


def test_a_face_below_40_pixels_is_kept_and_not_judged(finder: FaceFinder, astronaut: Image.Image) -> None:
    photo = astronaut.resize((150, 150), Image.Resampling.LANCZOS)
    scene = Image.new("RGB", (900, 700), (120, 130, 140))
    scene.paste(photo, (400, 300))

    seen = looked(scene, finder)

    assert [shown.face for shown in seen.inputs] == [None]
    [small] = seen.unjudged
    assert 25 < max(small.box[2:]) < 40
    assert (seen.inputs[0].image_HWC == to_square(scene, SIZE)).all()


@pytest.mark.parametrize("side", [224, 256])
def test_a_face_crop_is_taken_as_it_is(finder: FaceFinder, astronaut: Image.Image, side: int) -> None:
    crop = astronaut.crop((127, 12, 327, 212)).resize((side, side), Image.Resampling.LANCZOS)
    with_faces, without = looked(crop, finder, "JPEG"), looked(crop, None, "JPEG")
    assert with_faces.inputs[0].face is not None
    assert not with_faces.is_cut
    assert (with_faces.inputs[0].image_HWC == without.inputs[0].image_HWC).all()


def test_a_crop_without_any_surroundings_has_a_face_too(finder: FaceFinder, astronaut: Image.Image) -> None:
    tight = astronaut.crop((180, 75, 275, 180)).resize((200, 220), Image.Resampling.LANCZOS)
    assert looked(tight, finder).inputs[0].face is not None


def test_a_portrait_is_cut(finder: FaceFinder, astronaut: Image.Image) -> None:
    large = astronaut.resize((1024, 1024), Image.Resampling.LANCZOS)
    [shown] = looked(large, finder).inputs
    [face] = finder.find(large)
    assert shown.face is not None
    assert np.allclose(shown.face.box, face.box, atol=1)
    assert alike(shown.image_HWC, crop_of(face, large, SIZE)) > 0.999


def test_tilted_head_is_turned(finder: FaceFinder, astronaut: Image.Image) -> None:
    """A tilted head is turned upright and an upright one keeps its pixels."""
    [face] = finder.find(astronaut)
    square = square_of(face, astronaut)
    box = (square.left, square.top, square.left + square.side, square.top + square.side)
    upright = crop_of(face, astronaut, SIZE)
    assert (upright == np.asarray(astronaut.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=box))).all()
    for degrees in (-40, 35):
        turned = astronaut.rotate(degrees, Image.Resampling.BICUBIC, center=face.middle)
        found = max(finder.find(turned), key=lambda one: one.confidence)
        untilted = Located(found.box, ((0.0, 0.0), (1.0, 0.0)), found.confidence)
        assert abs(tilt_seen(finder, crop_of(found, turned, SIZE))) < 15
        assert abs(tilt_seen(finder, crop_of(untilted, turned, SIZE))) > 18


def tilt_seen(finder: FaceFinder, image_HWC: NDArray[np.uint8]) -> float:
    [face] = finder.find(Image.fromarray(image_HWC))
    (x0, y0), (x1, y1) = face.eyes
    return math.degrees(math.atan2(y1 - y0, x1 - x0))


@pytest.mark.parametrize("box", [(-20.0, -10.0, 90.0, 120.0), (400.0, 500.0, 130.0, 100.0), (10.0, 10.0, 480.0, 490.0)])
def test_a_square_lies_within_the_picture(box: tuple[float, float, float, float]) -> None:
    picture = Image.new("RGB", (512, 600))
    square = square_of(Located(box, ((0, 0), (1, 0)), 0.9), picture)
    assert square.left >= 0
    assert square.top >= 0
    assert square.left + square.side <= 512
    assert square.top + square.side <= 600
    assert square.side == min(MARGIN * max(box[2:]), 512)


def test_what_a_picture_is_a_crop_of() -> None:
    def face(x: float, y: float, side: float) -> Located:
        return Located((x - side / 2, y - side / 2, side, side), ((0, 0), (1, 0)), 0.9)

    small, large = Image.new("RGB", (256, 256)), Image.new("RGB", (1000, 1000))
    beside, central, tiny = face(20, 128, 130), face(128, 128, 110), face(128, 128, 45)
    assert subject_of([beside, central], small, SIZE, FaceInputs()) is central  # whoever stands beside it
    assert subject_of([beside], small, SIZE, FaceInputs()) is None
    assert subject_of([tiny], small, SIZE, FaceInputs()) is None
    filling, half = face(500, 500, 650), face(500, 500, 350)
    assert subject_of([filling], large, SIZE, FaceInputs()) is filling
    assert subject_of([half], large, SIZE, FaceInputs()) is None
    assert subject_of([filling, half], large, SIZE, FaceInputs()) is None
    assert subject_of([], large, SIZE, FaceInputs()) is None


def test_boxes_of_upright_picture(finder: FaceFinder, astronaut: Image.Image) -> None:
    """Boxes are of the upright picture whatever its orientation says."""
    wide = Image.new("RGB", (900, 600), (90, 90, 90))
    wide.paste(astronaut, (50, 50))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise
    stored = wide.transpose(Image.Transpose.ROTATE_90)
    [turned], [plain] = looked(stored, finder, "JPEG", exif=exif, quality=95).inputs, looked(wide, finder).inputs
    assert turned.face is not None
    assert plain.face is not None
    assert np.allclose(turned.face.box, plain.face.box, atol=9)


def test_what_the_network_cannot_take_is_told(finder: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def run(self, *_: object) -> None:
            raise RuntimeError("bad allocation")

    monkeypatch.setattr(finder._network, "_session", Broken())
    with pytest.raises(PictureError, match="face finder fails on it: bad allocation"):
        finder.find(Image.new("RGB", (300, 300)))


def test_a_missing_package_is_named_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(face_finder, "find_spec", lambda name: None if name == "onnx" else there(name))
    with pytest.raises(FaceFinderMissing, match=r"onnx is not installed.*dfscan\[worker\].*--no-faces"):
        FaceFinder()
