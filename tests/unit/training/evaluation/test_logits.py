"""Logits of manifest rows: the same that scanning gets."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from scanner.domain.outcomes import ActiveModel
from scanner.domain.states import Basis
from training.config.recipes.reader import recipe_named
from training.data.manifest import Row
from training.evaluation.logits import scanned_scores_of
from worker.decoding.inputs import Ready
from worker.detector.checkpoints.card import Calibration, CheckpointCard, Combination
from worker.detector.faces.face_crops import FaceInputs
from worker.detector.faces.face_finder import process_face_finder
from worker.detector.faces.input_selection import look
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor, load_predictor
from worker.detector.inference.registry import find_checkpoint
from worker.detector.model.assembly import build_detector
from worker.detector.weights.public_weights import BackboneFiles
from worker.pipeline.aggregation import judge
from worker.pipeline.judged import Judged
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


def two_heads() -> Predictor:
    """A network with random weights and a head for whole pictures, whose card combines both."""
    recipe = recipe_named("lite").network
    recipe = replace(recipe, preprocessing=replace(recipe.preprocessing, size=64), whole=recipe.branches)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        detector = build_detector(recipe, BackboneFiles())
        detector.train()(torch.randn(16, 3, 64, 64))  # batch-norm statistics, so that signals pass
        assert detector.whole_head is not None
        for head in (detector.head, detector.whole_head):
            head[-1].weight.normal_(0, 0.2)
    combinations = {
        "faces": Combination(0.7, 0.3, -0.5),
        "whole": Combination(0.0, 1.2, 0.1),
        "both": Combination(0.5, 0.6, 0.2),
    }
    shown = FaceInputs(((1.4, False), (2.0, True)), 12, beside=True)
    card = CheckpointCard(
        "two heads", recipe, Calibration(0.8, 0.3), 0.5, 0.4, "", whole_images=True, face_inputs=shown, combinations=combinations
    )
    return Predictor(detector, card, ChosenDevice("cpu", "as asked"), 16)


def test_a_network_with_two_heads_is_measured_as_it_scans() -> None:
    """A photograph of a person, a crop that a face fills, and a cup: scored by both heads, one input, and the second head."""
    paths = [SAMPLES / f"real-{name}.jpg" for name in ("astronaut", "astronaut-face", "coffee")]
    predictor = two_heads()
    card = predictor.card

    found = scanned_scores_of(predictor, [Row(path, 0, "own", "real", "", path.name, "val") for path in paths])

    contents = []
    for path in paths:
        looked = look(path.read_bytes(), 64, max_pixels=1_000_000, find=process_face_finder().find, shown=card.face_inputs)
        contents.append(Ready(looked.inputs, "JPEG", looked.width, looked.height, looked_for_faces=True))
    judged = judge(predictor, ActiveModel(1, "two heads", 0.5, 0.4, whole_images=True), contents)
    scanned = [item for item in judged if isinstance(item, Judged)]
    assert [item.prediction.basis for item in scanned] == [Basis.BOTH, Basis.FACES, Basis.WHOLE]
    assert found.have_faces.tolist() == [True, True, False]
    np.testing.assert_allclose(found.scores, [item.score for item in scanned], atol=1e-5)
    assert np.ptp(found.scores) > 0.01, "all pictures have the same score, so that this shows nothing"
