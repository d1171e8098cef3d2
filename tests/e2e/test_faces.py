"""Faces in photographs, from the command line to the report, and the same in measuring and training."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from files.command import Dfscan, Here
from PIL import Image

from training.data.manifest import Row, read_manifest, write_manifest
from training.data.row_picture import looked_at
from training.evaluation.logits import logits_of, scanned_scores_of
from worker.detector.faces.face_crops import FaceInputs
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor, load_predictor
from worker.detector.inference.registry import find_checkpoint
from worker.detector.inference.scorer import sigmoid
from worker.detector.weights.public_weights import BackboneFiles

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A person, two persons in a large photo, a person too small to judge, a crop of a face, a cat."""
    folder = tmp_path / "photos"
    folder.mkdir()
    with Image.open(SAMPLES / "real-astronaut.jpg") as opened:
        person = opened.convert("RGB")
    shutil.copy(SAMPLES / "real-astronaut.jpg", folder / "person.jpg")
    shutil.copy(SAMPLES / "real-astronaut-face.jpg", folder / "face.jpg")
    shutil.copy(SAMPLES / "real-cat.jpg", folder / "cat.jpg")
    colours = np.random.default_rng(4).integers(60, 200, (6, 8, 3), np.uint8)
    scene = Image.fromarray(colours).resize((3200, 2400), Image.Resampling.BICUBIC)
    distant = scene.resize((900, 700))
    distant.paste(person.resize((150, 150)), (300, 200))
    distant.save(folder / "distant.jpg", quality=92)
    for left, side in ((300, 400), (1900, 900)):
        scene.paste(person.resize((side, side), Image.Resampling.LANCZOS), (left, 700))
    scene.save(folder / "two.jpg", quality=92)
    return folder


@pytest.fixture
def manifest(photos: Path, tmp_path: Path) -> Path:
    rows = [Row(path, int(path.stem in ("face", "cat")), "photos", "", "", path.stem, "val") for path in sorted(photos.iterdir())]
    write_manifest(tmp_path / "photos.csv", rows)
    return tmp_path / "photos.csv"


@pytest.fixture
def lite() -> Predictor:
    return load_predictor(find_checkpoint("lite", Path()), ChosenDevice("cpu", ""), files=BackboneFiles(), micro_batch=7)


def scanned(laptop: Dfscan, photos: Path, *options: str) -> dict[str, dict]:
    said = laptop.run("scan", photos, "--json", *options, exit_status=(0, 1)).stdout
    return {Path(item["path"]).stem: item for item in json.loads(said)["items"]}


def test_same_faces_everywhere(laptop: Dfscan, here: Here, photos: Path, manifest: Path, lite: Predictor, tmp_path: Path) -> None:
    """Scanning measuring and cropping look at the same faces."""
    found = scanned(laptop, photos)

    assert {name: item["basis"] for name, item in found.items()} == {
        "person": "faces",
        "two": "faces",
        "face": "faces",
        "distant": "whole",
        "cat": "whole",
    }
    assert len(found["two"]["faces"]) == 2
    assert found["two"]["score"] == max(face["score"] for face in found["two"]["faces"])
    assert found["cat"]["faces"] == []
    assert found["cat"]["score"] > lite.card.band_low  # and still it is not flagged: there is no face in it
    assert found["cat"]["label"] == "real"
    [distant] = found["distant"]["faces"]
    assert distant["score"] is None
    left, top, width, height = found["person"]["faces"][0]["box"]
    assert 0.3 < (left + width / 2) / 512 < 0.55
    assert 0.15 < (top + height / 2) / 512 < 0.35

    rows = read_manifest(manifest).rows
    measured = scanned_scores_of(lite, rows)
    for row, score, has_face in zip(rows, measured.scores, measured.have_faces, strict=True):
        assert found[row.path.stem]["score"] == pytest.approx(score, abs=1e-3)
        assert (found[row.path.stem]["basis"] == "faces") == has_face

    checkpoint = find_checkpoint("lite", Path())
    document = json.loads(here("evaluate", checkpoint, "--data", manifest, "--faces", "--json").stdout)
    assert document["faces"] == {"pictures": 5, "without": 2}
    assert "--faces" in here("evaluate", checkpoint, "--data", manifest, "--faces", "--robustness", exit_status=2).stderr

    before = {path: path.read_bytes() for path in photos.iterdir()}
    said = here("manifest", "crop", manifest, "-o", tmp_path / "crops", "--size", "192", "--processes", "0").stderr
    assert "left out: 2 without a face that is large enough" in said
    assert {path: path.read_bytes() for path in photos.iterdir()} == before
    crops = read_manifest(tmp_path / "crops" / "manifest.csv").rows
    assert sorted(row.group for row in crops) == ["face", "person", "two", "two"]
    assert [row.path.name for row in crops if row.group == "face"] == ["face.jpg"]  # it is a crop already
    # Written is the face as scanning frames it in the first place; it is scored in other framings, too.
    shown = {row.group: [item.image_HWC for item in looked_at(row, 192, FaceInputs()).inputs] for row in rows}
    for name in ("person", "two"):
        written = [np.asarray(Image.open(row.path)) for row in crops if row.group == name]
        assert len(written) == len(shown[name]) == len(found[name]["faces"])
        assert all(np.array_equal(one, other) for one, other in zip(written, shown[name], strict=True))
    [alone] = calibrated(lite, logits_of(lite, [row for row in crops if row.group == "face"]))
    assert found["face"]["score"] == pytest.approx(alone, abs=1e-3)
    assert "exists" in here("manifest", "crop", manifest, "-o", tmp_path / "crops", exit_status=2).stderr


def calibrated(lite: Predictor, logits: np.ndarray) -> list[float]:
    calibration = lite.card.calibration
    return sigmoid(calibration.slope * logits + calibration.offset).tolist()


def test_without_faces_each_picture_is_scored_as_it_is(laptop: Dfscan, photos: Path, lite: Predictor) -> None:
    (photos / "two.jpg").unlink()
    found = scanned(laptop, photos, "--no-faces")

    assert {item["basis"] for item in found.values()} == {"whole"}
    assert {str(item["faces"]) for item in found.values()} == {"None"}
    rows = [Row(photos / f"{name}.jpg", 0, "", "", "", name, "val") for name in found]
    for row, score in zip(rows, calibrated(lite, logits_of(lite, rows)), strict=True):
        assert found[row.path.stem]["score"] == pytest.approx(score, abs=1e-3)
    assert found["cat"]["label"] == "uncertain"
