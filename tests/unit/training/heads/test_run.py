"""From manifest to a checkpoint with fitted heads, on made pictures and a tiny stand-in for CLIP."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scanner.domain.states import Basis
from training.config.recipes.reader import HeadsRecipe
from training.data.manifest import Manifest, ManifestError, Row
from training.evaluation.logits import scanned_scores_of
from training.heads import embedding_cache
from training.heads.ablation import VARIANTS, WITH_WHOLE
from training.heads.combine import fused, pictures_of
from training.heads.embedding_cache import cache_key, embedded
from training.heads.examples import examples_of
from training.heads.fit import fit_heads, logits_of_heads
from training.heads.run import HeadsRun, heads_files, run_heads
from training.heads.views import chosen_rows
from worker.detector.checkpoints.card import CheckpointError, file_sha256
from worker.detector.checkpoints.card_text import card_text
from worker.detector.checkpoints.checkpoint import load_checkpoint
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor
from worker.detector.weights.public_weights import BackboneFiles

CPU = ChosenDevice("cpu", "for a test")


def run(
    recipe: HeadsRecipe, manifest: Manifest, files: BackboneFiles, start: Path, folder: Path, **others: object
) -> tuple[Path, list[str]]:
    folder.mkdir(exist_ok=True)
    said: list[str] = []
    found = heads_files(recipe, files, start)
    asked = HeadsRun(recipe, manifest, folder, found, start, folder.parent / "cache", CPU, **others)
    return run_heads(asked, said.append), said


@pytest.fixture
def made(recipe: HeadsRecipe, manifest: Manifest, files: BackboneFiles, start: Path, tmp_path: Path) -> tuple[Path, list[str]]:
    return run(recipe, manifest, files, start, tmp_path / "run", leaves_each_out=True)


def test_a_run_ends_in_a_checkpoint_that_scores_as_its_heads_do(
    made: tuple[Path, list[str]], recipe: HeadsRecipe, manifest: Manifest, files: BackboneFiles, start: Path, tmp_path: Path
) -> None:
    path, said = made
    detector, card = load_checkpoint(path, files)

    assert path == tmp_path / "run" / "fusion.safetensors"
    assert card.recipe == recipe.network
    assert card.whole_images
    assert card.face_inputs.framings == recipe.plan.framings
    assert set(card.combinations) == {basis.value for basis in Basis}
    assert card.threshold == 0.82
    assert 0.65 <= card.band_low <= 0.82
    assert card.training["started_from"] == file_sha256(start)
    assert any("GB in" in line or "MB in" in line for line in said), "its size is said beforehand"
    # The whole way through scanning's own function: the file's scores are the fitted heads', to the rounding of float16.
    predictor = Predictor(detector, card, CPU, 16)
    rows = [row for row in manifest.rows if row.source == "one"]
    scanned = scanned_scores_of(predictor, rows)
    assert 0 < scanned.have_faces.sum() < len(rows)
    plan = recipe.plan
    used = chosen_rows(manifest.rows, plan)
    hashes = {**card.backbones, "efficientnet-lite2": file_sha256(start)}
    kept = embedded(
        predictor, plan, used, tmp_path / "cache" / cache_key(card.recipe, plan, hashes, used)[:32], processes=0, say=said.append
    )
    examples = examples_of(kept, used, plan, detector)
    logits = logits_of_heads(fit_heads(examples), examples)
    pictures = pictures_of(examples, fused(logits, card.training["cnn_weight"]), logits.whole_V, card)
    fitted = {used[row].path: logit for row, logit in zip(pictures.row_P, pictures.logit_P, strict=True)}
    np.testing.assert_allclose(scanned.logits, [fitted[row.path] for row in rows], atol=0.05)


def test_heads_tell_what_they_were_fitted_for_on_sources_that_they_never_saw(
    made: tuple[Path, list[str]], files: BackboneFiles
) -> None:
    card = load_checkpoint(made[0], files)[1]

    found = {row["what"]: row for row in card.metrics["held_out"]["rows"]}
    assert list(found) == [*VARIANTS, WITH_WHOLE, "of these with a face", "without a face"]
    assert found["CLIP alone"]["auc"]["value"] > 0.75
    assert {"auc", "hit_rate_at_1_percent", "hit_rate_at_5_percent"} <= set(found["both"])
    assert (found["both"]["real"], found["both"]["fake"]) == (24, 36)
    assert (card.metrics["held_out"]["images"], card.metrics["held_out"]["sources"]) == (60, 5)
    assert set(card.metrics["sources"]) == {"crops", "three"}


def test_the_card_says_it_in_words(made: tuple[Path, list[str]], files: BackboneFiles) -> None:
    text = card_text(load_checkpoint(made[0], files)[1], made[0], "0" * 64)

    assert "## Held-out sources" in text
    assert "| CNN alone |" in text
    assert "Heads fitted on" in text
    assert "None" not in text


def test_leaving_each_out_prints_and_stores_the_matrix(made: tuple[Path, list[str]]) -> None:
    path, said = made
    matrix = json.loads((path.parent / "leave-one-out.json").read_text())

    assert set(matrix["sources"]) | set(matrix["skipped"]) == {"crops", "one", "two", "three", "four", "only-fakes"}
    # The gate has nothing to open for without the only face set.
    assert "face set" in matrix["skipped"]["crops"]
    assert matrix["sources"]["only-fakes"]["real"] == 0
    assert 0 <= matrix["sources"]["only-fakes"]["CLIP alone"] <= 1
    assert set(matrix["pooled"]) >= set(VARIANTS)
    assert any("| pooled |" in line for line in said)
    assert "| one |" in (path.parent / "leave-one-out.md").read_text()


def test_the_same_run_makes_the_same_checkpoint(
    made: tuple[Path, list[str]], recipe: HeadsRecipe, manifest: Manifest, files: BackboneFiles, start: Path, tmp_path: Path
) -> None:
    again, said = run(recipe, manifest, files, start, tmp_path / "again")
    first, second = (load_checkpoint(path, files)[0].state_dict() for path in (made[0], again))

    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any("embeddings from" in line for line in said), "nothing is computed twice"


def test_leaving_out_really_leaves_out(
    recipe: HeadsRecipe, manifest: Manifest, files: BackboneFiles, start: Path, tmp_path: Path
) -> None:
    """With the labels of the left-out source turned round the heads are the same; they are others where it counts."""

    def turned(row: Row) -> Row:
        return replace(row, label=1 - row.label) if row.source == "two" else row

    other = Manifest(tuple(map(turned, manifest.rows)), manifest.sha256)
    left_out = [
        run(recipe, each, files, start, tmp_path / str(number), left_out="two") for number, each in enumerate((manifest, other))
    ]
    with_it = run(recipe, manifest, files, start, tmp_path / "with")

    first, second, third = (load_checkpoint(path, files) for path, _ in (*left_out, with_it))
    names = ("head.heads.0.1.weight", "head.gate.weight", "whole_head.1.weight", "neutral_D")
    for name in names:
        assert torch.equal(first[0].state_dict()[name], second[0].state_dict()[name])
        assert not torch.equal(first[0].state_dict()[name], third[0].state_dict()[name])
    assert first[1].combinations == second[1].combinations
    assert first[1].metrics["left_out"]["source"] == "two"
    assert first[1].metrics["left_out"]["auc"]["value"] == pytest.approx(1 - second[1].metrics["left_out"]["auc"]["value"])
    assert "two" not in first[1].training["sources"]
    assert any(line.startswith("left out two (6 real, 6 fake): AUC") for line in left_out[0][1])


def test_a_source_that_is_not_there_cannot_be_left_out(
    recipe: HeadsRecipe, manifest: Manifest, files: BackboneFiles, start: Path, tmp_path: Path
) -> None:
    with pytest.raises(ManifestError, match="no source 'absent'"):
        run(recipe, manifest, files, start, tmp_path / "run", left_out="absent")


def test_a_cnn_of_other_inputs_is_refused_before_any_data_is_read(recipe: HeadsRecipe, files: BackboneFiles, start: Path) -> None:
    other = replace(recipe, network=replace(recipe.network, inputs={}))

    with pytest.raises(CheckpointError, match=r"trained on other inputs \(24 px\) than the recipe shows its CNN \(32 px\)"):
        heads_files(other, files, start)


def test_few_reals_beside_held_out_sources_are_called_fake(made: tuple[Path, list[str]], files: BackboneFiles) -> None:
    card = load_checkpoint(made[0], files)[1]

    found = next(row for row in card.metrics["held_out"]["rows"] if row["what"] == WITH_WHOLE)
    assert found["false_alarm_rate"]["value"] <= 0.05
    assert found["flagged_real_rate"]["value"] <= 0.1
    assert card.metrics["pooled"]["false_alarm_rate"]["value"] <= 0.05


def test_what_changes_embeddings_changes_the_key(recipe: HeadsRecipe, rows: Sequence[Row]) -> None:
    plan, network, hashes = recipe.plan, recipe.network, {"clip-image": "a", "efficientnet-lite2": "b"}
    key = cache_key(network, plan, hashes, rows)

    assert key == cache_key(network, replace(plan, penalties=replace(plan.penalties, face=9.0)), hashes, rows)
    others = [
        cache_key(network, replace(plan, seed=1), hashes, rows),
        cache_key(network, replace(plan, augmentation=replace(plan.augmentation, blur=0.9)), hashes, rows),
        cache_key(network, replace(plan, framings=((1.4, False),)), hashes, rows),
        cache_key(network, replace(plan, draws=replace(plan.draws, whole=2)), hashes, rows),
        cache_key(replace(network, clip_blocks=(2,)), plan, hashes, rows),
        cache_key(replace(network, preprocessing=replace(network.preprocessing, size=64)), plan, hashes, rows),
        cache_key(network, plan, {**hashes, "clip-image": "c"}, rows),
        cache_key(network, plan, {**hashes, "efficientnet-lite2": "c"}, rows),
        cache_key(network, plan, hashes, rows[1:]),
        cache_key(network, plan, hashes, [replace(rows[0], split="val"), *rows[1:]]),
    ]
    rows[0].path.write_bytes(rows[1].path.read_bytes() + b"x")
    others.append(cache_key(network, plan, hashes, rows))
    assert len({key, *others}) == 1 + len(others)
    assert embedding_cache._FORMAT == 1
