"""Runs that differ by their seeds alone, and their summary."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from training.config.hyperparameters import TrainingPlan
from training.config.recipes.reader import TrainingRecipe, recipe_named
from training.data.manifest import Manifest, Row
from training.loop.distributed import Team
from training.loop.seeds import prepare_seeds, run_seeds, summary, summary_text
from training.loop.stages.request import Run, UnfinishedRun, Weights
from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.checkpoints.checkpoint import save_with_card
from worker.detector.weights.public_weights import BackboneFiles

PLAN = TrainingPlan((192,), 2, 8, "adamw", 1e-3, seed=5)


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def run(rows: Sequence[Row], tmp_path: Path) -> Run:
    recipe = TrainingRecipe(recipe_named("lite").network, PLAN)
    manifest = Manifest(tuple(rows), "f" * 64)
    return Run(recipe, manifest, tmp_path / "out", Team(torch.device("cpu")), Weights(BackboneFiles()), 0)


def card_of(run: Run, auc: float, **metrics: Any) -> CheckpointCard:
    training = {"plan": {**asdict(run.recipe.plan), "autocast": False}, "manifest_sha256": run.manifest.sha256}
    pooled = {"real": 3, "auc": {"value": auc, "low": None, "high": None}}
    found = {"split": "val", "pooled": pooled, **metrics}
    return CheckpointCard("lite", run.recipe.network, Calibration(), 0.5, 0.5, "", training=training, metrics=found)


class Trainer:
    """Writes what a run writes; the AUC is .9, .8, .7 in turn. Dies at run number `dies_at`, after its first checkpoint."""

    def __init__(self, dies_at: int | None = None, **metrics: Any) -> None:
        self.seeds: list[int] = []
        self.dies_at = dies_at
        self.metrics = metrics

    def __call__(self, run: Run) -> Path:
        seed = run.recipe.plan.seed
        self.seeds.append(seed)
        path = run.folder / "lite.safetensors"
        save_file({"x": torch.zeros(1)}, path)
        card = card_of(run, 0.9 - (seed - 5) / 10, **self.metrics)
        if len(self.seeds) == self.dies_at:
            save_with_card(path, path, replace(card, metrics={}))  # the weights are written before they are measured
            raise Killed
        save_with_card(path, path, card)
        return path


def prepared(run: Run, count: int, *, resume: bool = False) -> Run:
    prepare_seeds(run.folder, PLAN.seed, count, resume=resume)
    return run


def test_seeds_have_a_mean_and_a_deviation(run: Run) -> None:
    said: list[str] = []
    trainer = Trainer()

    path = run_seeds(prepared(run, 3), 3, trainer, said.append, leaves_out=False)

    assert trainer.seeds == [5, 6, 7]
    assert path == run.folder / "seeds.json"
    document = json.loads(path.read_text("utf-8"))
    assert list(document["seeds"]) == ["5", "6", "7"]
    assert document["mean"]["auc"] == pytest.approx(0.8)
    assert document["deviation"]["auc"] == pytest.approx(0.1)
    assert sorted(folder.name for folder in run.folder.iterdir() if folder.is_dir()) == ["seed-5", "seed-6", "seed-7"]
    assert said[-1] == "lite, split val, 3 seeds (5, 6, 7): mean, deviation\n  AUC: 0.8000, 0.1000"


def test_finished_runs_are_not_done_again(run: Run) -> None:
    """One that was killed before it was measured is; more seeds are added to those that are there."""
    with pytest.raises(Killed):
        run_seeds(prepared(run, 2), 2, Trainer(dies_at=2), print, leaves_out=False)
    again, more = Trainer(), Trainer()

    run_seeds(prepared(run, 2, resume=True), 2, again, print, leaves_out=False)
    run_seeds(prepared(run, 3, resume=True), 3, more, print, leaves_out=False)

    assert (again.seeds, more.seeds) == ([6], [7])
    longer = replace(run, recipe=replace(run.recipe, plan=replace(PLAN, epochs=3)))
    other = Trainer()
    run_seeds(longer, 2, other, print, leaves_out=False)
    assert other.seeds == [5, 6]  # `run_training` refuses these: the folder holds another run's state


def test_a_source_that_is_left_out_is_in_the_summary(run: Run) -> None:
    missing = Trainer()
    run_seeds(prepared(run, 2), 2, missing, print, leaves_out=False)
    trainer = Trainer(left_out={"source": "dfdc", "auc": {"value": 0.6, "low": 0.5, "high": 0.7}})

    path = run_seeds(run, 2, trainer, print, leaves_out=True)

    assert trainer.seeds == [5, 6]
    assert path is not None
    assert json.loads(path.read_text("utf-8"))["mean"]["left_out_auc"] == pytest.approx(0.6)


def test_all_runs_have_the_first_ones_precision(run: Run) -> None:
    prepared(run, 3)
    (run.folder / "seed-5" / "precision.json").write_text('{"autocast": true}')
    (run.folder / "seed-7" / "precision.json").write_text('{"autocast": false}')  # began so: it goes on so

    run_seeds(run, 3, Trainer(), print, leaves_out=False)

    told = [json.loads((run.folder / f"seed-{seed}" / "precision.json").read_text())["autocast"] for seed in (5, 6, 7)]
    assert told == [True, True, False]


def test_runs_that_are_there_go_on_only_when_told(run: Run) -> None:
    prepared(run, 2)
    (run.folder / "seed-6" / "resume.pt").touch()

    with pytest.raises(UnfinishedRun, match=r"seed-6 holds a run; .*--resume"):
        prepared(run, 2)
    prepared(run, 2, resume=True)
    (run.folder / "resume.pt").touch()
    with pytest.raises(UnfinishedRun, match="holds a run of one seed"):
        prepared(run, 2, resume=True)


def test_figures_that_one_seed_lacks_have_no_mean(run: Run) -> None:
    document = summary({5: card_of(run, 0.9), 6: card_of(run, 0.7, pooled={"eer": {"value": 0.1}})})

    assert document["mean"] == document["deviation"] == {}
    assert "AUC" not in summary_text(document)
