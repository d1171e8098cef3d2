"""Logits of manifest rows: the same that scanning gets."""

from pathlib import Path

import numpy as np
from PIL import Image

from training.data.manifest import Row
from training.evaluation.logits import scanned_scores_of
from worker.detector.faces.face_finder import process_face_finder
from worker.detector.faces.input_selection import look
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import load_predictor
from worker.detector.inference.registry import find_checkpoint
from worker.detector.weights.public_weights import BackboneFiles
from worker.pipeline.scoring import scored_inputs

SAMPLES = Path(__file__).parents[4] / "samples"


def test_faces_scored_as_in_scanning(tmp_path: Path) -> None:
    """An animation of a portrait, whose face is cut in several framings, and of a face that fills the frame and is not cut."""
    person, face = (Image.open(SAMPLES / name).convert("RGB") for name in ("real-astronaut.jpg", "real-astronaut-face.jpg"))
    both = tmp_path / "both.webp"
    person.save(both, save_all=True, append_images=[face.crop((48, 30, 190, 172)).resize(person.size)], lossless=True)
    paths = [both, SAMPLES / "real-astronaut.jpg", SAMPLES / "real-coffee.jpg"]
    predictor = load_predictor(
        find_checkpoint("lite", tmp_path), ChosenDevice("cpu", "as asked"), files=BackboneFiles(), micro_batch=16
    )

    found = scanned_scores_of(predictor, [Row(path, 0, "own", "real", "", path.name, "val") for path in paths])

    size = predictor.card.recipe.preprocessing.size
    looked = [look(path.read_bytes(), size, max_pixels=1_000_000, find=process_face_finder().find).inputs for path in paths]
    assert sorted({len(one.views) for one in looked[0]}) == [1, 4]
    scanned = [max(float(logit[0]) for logit in scored_inputs(predictor.logits, [one.views for one in each])) for each in looked]
    calibration = predictor.card.calibration
    np.testing.assert_allclose(found.logits, calibration.slope * np.asarray(scanned) + calibration.offset, atol=1e-4)
    assert found.have_faces.tolist() == [True, True, False]
    assert found.faces.tolist() == [2, 1, 0]
