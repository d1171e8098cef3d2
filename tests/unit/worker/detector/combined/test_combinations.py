"""Combinations as files: they name their parts by hash, load them, and never score without one."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from files.combinations import CENTRES, OFFSET, WEIGHTS, combined_card, written_combination, written_parts

from scanner.domain.states import Basis
from worker.detector.checkpoints.card import CheckpointError, file_sha256, read_card
from worker.detector.checkpoints.card_text import card_text
from worker.detector.checkpoints.checkpoint import load_checkpoint, save_with_card, write_checkpoint
from worker.detector.checkpoints.late_fusion import PartScore
from worker.detector.combined.loading import load_detector
from worker.detector.combined.scorer import CombinedScorer
from worker.detector.inference.registry import (
    available_checkpoints,
    choose_checkpoint,
    import_checkpoint,
    remove_checkpoint,
)
from worker.detector.weights.public_weights import BackboneFiles

NONE = BackboneFiles()


@pytest.fixture(name="data_dir")
def _data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(name="made")
def _made(data_dir: Path) -> Path:
    return written_combination(data_dir / "models")


def loaded(path: Path) -> CombinedScorer:
    scorer = load_detector(path, "cpu", files=NONE, micro_batch=4)
    assert isinstance(scorer, CombinedScorer)
    return scorer


def test_it_loads_its_parts_and_weighs_what_they_say(made: Path) -> None:
    scorer = loaded(made)
    assert scorer.names == ("reds", "greens")
    assert [one.size for one in scorer.wanted] == [32, 48]
    assert (scorer.ran_on, scorer.device.name) == ("cpu, onnxruntime", "cpu")
    shown = [np.full((1, one.size, one.size, 3), (255, 51, 0), np.uint8) for one in scorer.wanted]
    logits = [float(part.logits(image)[0]) for part, image in zip(scorer.parts, shown, strict=True)]
    assert logits == pytest.approx([8.0, -4 + 0.8], abs=1e-5)
    found = scorer.fused([PartScore(logit, Basis.WHOLE, False) for logit in logits])
    sum_ = WEIGHTS[0] * (8 - CENTRES[0]) + WEIGHTS[1] * (-3.2 - CENTRES[1]) + OFFSET
    assert found.logit == pytest.approx(1.5 * sum_ + 0.1, abs=1e-5)


def test_a_part_is_found_by_its_hash_whatever_it_is_called(made: Path) -> None:
    (made.parent / "reds.safetensors").rename(made.parent / "rouges.safetensors")
    assert loaded(made).names == ("reds", "greens")


def test_a_missing_part_is_an_error_and_never_half_a_score(made: Path, data_dir: Path) -> None:
    (made.parent / "greens.safetensors").unlink()
    reason = r"needs the model 'greens' \(sha256 [0-9a-f]{64}\): it is not here; import that again"
    with pytest.raises(CheckpointError, match=reason):
        loaded(made)
    with pytest.raises(CheckpointError, match=reason):
        choose_checkpoint("colours", data_dir, NONE)
    [listed] = [item for item in available_checkpoints(data_dir) if item.name == "colours"]
    assert (listed.card, "greens" in str(listed.problem)) == (None, True)


def test_another_file_of_a_parts_name_is_not_taken(made: Path) -> None:
    shutil.copy(made.parent / "reds.safetensors", made.parent / "greens.safetensors")
    with pytest.raises(CheckpointError, match=r"'greens' .*another one"):
        loaded(made)


def test_a_combination_of_combinations_is_refused(made: Path) -> None:
    parts = [made, made.parent / "reds.safetensors"]
    nested = made.parent / "nested.safetensors"
    write_checkpoint(nested, {}, combined_card(parts, "nested"))
    with pytest.raises(CheckpointError, match="'colours', among its parts"):
        loaded(nested)


def test_what_needs_one_network_refuses_it(made: Path) -> None:
    with pytest.raises(CheckpointError, match="combination of models"):
        load_checkpoint(made, NONE)


def test_a_combination_is_imported_where_its_parts_are(made: Path, data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="'reds'"):
        import_checkpoint(made, tmp_path / "other", name="colours", sha256=None, files=NONE)
    assert not list((tmp_path / "other").glob("models/*"))
    written_parts(tmp_path / "other" / "models")
    copied = import_checkpoint(made, tmp_path / "other", name="mine", sha256=file_sha256(made), files=NONE)
    assert loaded(copied).names == ("reds", "greens")


def test_a_part_in_use_is_not_removed(made: Path, data_dir: Path) -> None:
    with pytest.raises(CheckpointError, match="'reds' is a part of 'colours'"):
        remove_checkpoint("reds", data_dir, active=None)
    with pytest.raises(CheckpointError, match="scans now"):
        remove_checkpoint("colours", data_dir, active=made)
    assert remove_checkpoint("colours", data_dir, active=None) == made
    remove_checkpoint("reds", data_dir, active=None)
    assert sorted(path.name for path in made.parent.glob("*.safetensors")) == ["greens.safetensors"]


@pytest.mark.parametrize("name", ["lite", "unknown", "../models/reds", ".."])
def test_what_is_not_ones_own_is_not_removed(made: Path, data_dir: Path, name: str) -> None:
    before = sorted(made.parent.iterdir())
    with pytest.raises(CheckpointError):
        remove_checkpoint(name, data_dir, active=None)
    assert sorted(made.parent.iterdir()) == before


def test_its_card_names_the_parts_and_keeps_them_when_it_is_calibrated_anew(made: Path) -> None:
    card = read_card(made)
    text = card_text(card, made, file_sha256(made))
    assert "`reds`, `greens`" in text
    assert "| greens |" in text
    other = made.with_name("mine.safetensors")
    save_with_card(made, other, card)
    assert read_card(other).fusion == card.fusion
    assert loaded(other).names == ("reds", "greens")
