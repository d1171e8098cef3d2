"""What a combination's card says of itself, and how it is measured, calibrated and scanned alike."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from files.combinations import written_combination, written_parts
from PIL import Image

from scanner.domain.outcomes import ActiveModel
from scanner.results.measured_rates import measured_rates
from training.data.manifest import Row
from training.evaluation.calibration import Bars
from training.evaluation.logits import logits_of, scanned_parts, scanned_scores_of
from training.evaluation.recalibration import scores_of_folder
from training.evaluation.robustness import logits_under
from training.heads.combined_card import combined_card, no_gain, part_of
from training.heads.late_fusion import fit_fusion, out_of_fold, scored
from training.reports.scoring import trained
from worker.decoding.inputs import Ready, Shown
from worker.detector.checkpoints.card import file_sha256, read_card
from worker.detector.checkpoints.card_text import card_text
from worker.detector.checkpoints.checkpoint import write_checkpoint
from worker.detector.checkpoints.late_fusion import PartScore
from worker.detector.combined.loading import load_detector
from worker.detector.combined.scorer import CombinedScorer
from worker.detector.faces.input_selection import look_for
from worker.detector.image.perturbations import mild_conditions
from worker.detector.imported.loading import load_network
from worker.detector.inference.scorer import Scorer, sigmoid
from worker.detector.weights.public_weights import BackboneFiles
from worker.pipeline.aggregation import judge
from worker.pipeline.judged import Judged

NONE = BackboneFiles()


@pytest.fixture(name="rows", scope="module")
def _rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Row, ...]:
    """Pictures of six sources; the fakes are redder and greener than the others."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(72):
        label = number % 2
        red, green, blue = (int(value) for value in rng.integers(60, 160, 3) + np.asarray([30, 60, 0]) * label)
        path = folder / f"{number}.png"
        Image.new("RGB", (70, 50 + number), (red, green, blue)).save(path)
        rows.append(Row(path, label, f"set:{number % 6}", "colours", "paint" if label else "", f"g{number}", "train"))
    return tuple(rows)


def scorer_at(path: Path) -> CombinedScorer:
    found = load_detector(path, "cpu", files=NONE, micro_batch=8)
    assert isinstance(found, CombinedScorer)
    return found


def parts_scored(parts: list[Scorer], rows: tuple[Row, ...]) -> list[list[PartScore]]:
    wanted = [one for part in parts for one in part.wanted]
    sample = [[one.inputs for one in look_for(row.path.read_bytes(), wanted, max_pixels=10**6, find=None)] for row in rows]
    return [list(found) for found in scanned_parts(parts, [sample])]


def test_measuring_calibrating_and_scanning_give_one_score(rows: tuple[Row, ...], tmp_path: Path) -> None:
    scorer = scorer_at(written_combination(tmp_path / "models"))
    measured = scanned_scores_of(scorer, rows[:9])

    contents = []
    for row in rows[:9]:
        first, other = look_for(row.path.read_bytes(), scorer.wanted, max_pixels=10**6, find=None)
        contents.append(Ready(first.inputs, "PNG", first.width, first.height, others=(Shown(other.inputs),)))
    judged = judge(scorer, ActiveModel(0, "colours", 0.6, 0.4, whole_images=True), contents)
    assert [one.score for one in judged if isinstance(one, Judged)] == pytest.approx(measured.scores.tolist(), abs=1e-9)
    assert np.ptp(measured.scores) > 0.3

    folder = tmp_path / "reals"
    folder.mkdir()
    for row in rows[:9]:
        (folder / row.path.name).write_bytes(row.path.read_bytes())
    calibrated = scores_of_folder(scorer, folder, (), lambda count: None, find=None)
    assert sorted(calibrated.scores.tolist()) == pytest.approx(sorted(measured.scores.tolist()), abs=1e-9)

    # As `dfscan evaluate` has them: calibrated once, at the end. Both networks look at whole pictures either way.
    plain = scorer.card.calibration.slope * logits_of(scorer, rows[:9]) + scorer.card.calibration.offset
    assert sigmoid(plain).tolist() == pytest.approx(measured.scores.tolist(), abs=1e-9)
    changed = logits_under(scorer, rows[:9], mild_conditions()[0])
    assert changed == pytest.approx(logits_of(scorer, rows[:9]), abs=0.5)


def test_a_card_from_the_fit_to_the_checkpoint(rows: tuple[Row, ...], tmp_path: Path) -> None:
    paths = written_parts(tmp_path / "models")
    scorers = [load_network(path, "cpu", files=NONE, micro_batch=8) for path in paths]
    known = {"faces": {"generators": ["swap"]}, "set": {"generators": ["paint", ""]}}
    cards = [replace(scorers[0].card, training={**scorers[0].card.training, "sources": known}), scorers[1].card]
    told = [part_of(path.stem, file_sha256(path), card) for path, card in zip(paths, cards, strict=True)]
    found = scored(told, rows, parts_scored(scorers, rows))
    data = {"manifest": "colours.csv", "manifest_sha256": "ab", "split": "train", "folds": 3}
    logits = out_of_fold(found, 3)
    card = combined_card("both", fit_fusion(found), cards, found, logits, Bars(), data=data, now=datetime.now(UTC))

    path = tmp_path / "models" / "both.safetensors"
    write_checkpoint(path, {}, card)
    assert read_card(path) == card
    assert card.whole_images
    assert [row["what"] for row in card.metrics["beside"]] == ["together", "reds alone", "greens alone"]
    together, *alone = (row["auc"]["value"] for row in card.metrics["beside"])
    assert together > max(alone)
    assert list(card.metrics["sources"]) == ["set (6 sources)"]
    assert measured_rates({"metrics": card.metrics}, "fake") is not None
    text = card_text(card, path, file_sha256(path))
    for part in ("Measured out-of-fold", "reds alone", "split `train` of colours.csv", "| greens |"):
        assert part in text
    assert scorer_at(path).names == ("reds", "greens")
    # What a part was trained on the combination was trained on, too: in a matrix it is no stranger there.
    assert trained(card).sources == ("set (6 sources)", "faces", "set")
    assert trained(card).generators == ("paint", "swap")
    # At the threshold as many real pictures are called fake as were asked for, at most.
    assert card.metrics["pooled"]["false_alarm_rate"]["value"] <= 0.01


@pytest.mark.parametrize(("together", "said"), [(0.91, None), (0.9, "that of second alone 0.900"), (0.7, "together is 0.700")])
def test_a_combination_that_gains_nothing_is_said(together: float, said: str | None) -> None:
    values = {"together": together, "first alone": 0.8, "second alone": 0.9}
    found = no_gain([{"what": what, "auc": {"value": value}} for what, value in values.items()])
    assert found is None if said is None else said in (found or "")
