"""The threshold from one's own photographs is that of scanning: by faces, in their framings, at every size."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from training.data.manifest import Row
from training.evaluation.logits import scanned_scores_of
from training.evaluation.recalibration import RealScores, recalibrated, scores_of_folder
from worker.detector.checkpoints.card import Combination
from worker.detector.faces.face_finder import process_face_finder
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor, load_predictor
from worker.detector.inference.registry import find_checkpoint
from worker.detector.weights.public_weights import BackboneFiles

SAMPLES = Path(__file__).parents[4] / "samples"


@pytest.fixture
def predictor(tmp_path: Path) -> Predictor:
    return load_predictor(
        find_checkpoint("lite", tmp_path), ChosenDevice("cpu", "as asked"), files=BackboneFiles(), micro_batch=16
    )


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    with Image.open(SAMPLES / "real-astronaut.jpg") as opened:
        person = opened.convert("RGB")
    for number in range(8):
        changed = ImageEnhance.Brightness(person.crop((0, 0, 512 - 12 * number, 512))).enhance(0.8 + number / 20)
        changed.save(folder / f"{number}.jpg", quality=60 + 4 * number)
    with Image.open(SAMPLES / "real-coffee.jpg") as opened:
        opened.save(folder / "8.jpg")
    (folder / "9.jpg").write_bytes(b"no picture")
    return folder


def test_it_scores_as_scanning_does(predictor: Predictor, photographs: Path) -> None:
    found = scores_of_folder(predictor, photographs, (), lambda _: None, find=process_face_finder().find)

    rows = [Row(photographs / f"{number}.jpg", 0, "own", "real", "", str(number), "val") for number in range(9)]
    scanned = scanned_scores_of(predictor, rows)
    np.testing.assert_allclose(np.sort(found.scores), np.sort(scanned.scores[scanned.have_faces]), atol=1e-5)
    assert found.with_face == 8
    assert len(found.unread) == 1
    whole = scores_of_folder(predictor, photographs, (), lambda _: None, find=None)
    assert whole.with_face == 0
    assert np.abs(np.sort(whole.scores) - np.sort(scanned.scores)).max() > 0.01


def test_share_called_fake_with_combined_heads(predictor: Predictor, photographs: Path) -> None:
    card = replace(predictor.card, combinations={name: Combination(2.0, 0.0, 1.0) for name in ("faces", "both", "whole")})
    combined = Predictor(predictor.detector, card, predictor.device, 16)
    found = scores_of_folder(combined, photographs, (), lambda _: None, find=process_face_finder().find)

    new = recalibrated(card, found.scores, name="mine", fake_fpr=0.25, flagged_fpr=0.5, from_sha256="0", now=datetime.now(UTC))

    rows = [Row(photographs / f"{number}.jpg", 0, "own", "real", "", str(number), "val") for number in range(9)]
    scanned = scanned_scores_of(Predictor(predictor.detector, new, predictor.device, 16), rows)
    judged = scanned.scores[scanned.have_faces]
    assert int((judged >= new.threshold).sum()) == 2
    assert int((judged >= new.band_low).sum()) == 4
    # No score lies at a cut: one that another runtime rounds otherwise stays on its side.
    assert np.abs(found.scores - new.threshold).min() > 1e-6


def test_photographs_that_a_scan_never_flags_do_not_choose_the_threshold(predictor: Predictor, photographs: Path) -> None:
    def found(whole_images: bool, *, faces: bool = True) -> RealScores:
        asked = Predictor(predictor.detector, replace(predictor.card, whole_images=whole_images), predictor.device, 16)
        find = process_face_finder().find if faces else None
        return scores_of_folder(asked, photographs, (), lambda _: None, find=find)

    by_faces, all_of_them, not_looked = found(False), found(True), found(False, faces=False)
    assert (len(by_faces.scores), by_faces.never_flagged) == (8, 1)
    assert (len(all_of_them.scores), all_of_them.never_flagged) == (9, 0)
    assert (len(not_looked.scores), not_looked.never_flagged) == (9, 0)
