"""What the sieve finds of real faces in large photos, beside a look at all of each. Needs the development image set."""

from pathlib import Path

import pytest
from benchmarks.face_composites import composites
from benchmarks.pictures import scene

from training.data.manifest import read_manifest
from worker.detector.faces.face_finder import SEARCHED_PIXELS, FaceFinder
from worker.detector.image.picture import decode_rgb


@pytest.mark.shared_faces
def test_faces_of_a_large_photo_are_found_as_by_a_look_at_all(shared_faces: Path) -> None:
    rows = [row for row in read_manifest(shared_faces / "manifest.csv").rows if row.split == "val"]
    sieved, whole = FaceFinder(), FaceFinder(sieved=False)
    found = {"sieved": 0, "whole": 0}
    for photo in composites(rows, 4, 11):
        decoded = decode_rgb(photo.content, max_pixels=10**8, short_side=224, pixels=SEARCHED_PIXELS)
        for name, finder in (("sieved", sieved), ("whole", whole)):
            boxes = [face.moved(0, 0, decoded.shrunk).box for face in finder.find(decoded.picture)]
            found[name] += sum(any(map(pasted.holds, boxes)) for pasted in photo.pasted)
    assert found["whole"] >= 14
    assert found["sieved"] >= found["whole"] - 1


def test_faces_before_an_enlarged_photograph_are_all_found() -> None:
    decoded = decode_rgb(scene(1), max_pixels=10**8, short_side=224, pixels=SEARCHED_PIXELS)
    whole, found = (finder.find(decoded.picture) for finder in (FaceFinder(sieved=False), FaceFinder()))
    assert len(found) == len(whole) == 4
    for one, other in zip(found, whole, strict=True):
        assert abs(one.side / other.side - 1) < 0.15
