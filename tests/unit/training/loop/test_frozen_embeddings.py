"""Embeddings of frozen branches that are kept: computed once, and the same run as without."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from training.config.hyperparameters import TrainingPlan
from training.data.augmentation import Augmentation
from training.data.cache_files import CacheUnusable
from training.data.manifest import ManifestError, Row
from training.loop import run_state
from training.loop.distributed import Team
from training.loop.frozen_embeddings import FrozenEmbeddings, announced, frozen_embeddings, kept_logits
from training.loop.loop import Trained, train
from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.image.preprocess import Preprocessing
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import Predictor
from worker.detector.model.network import FusionDetector
from worker.detector.model.recipes import Recipe

from .stages.small_stages import Frozen

PREPROCESSING = Preprocessing(16, (0.5,) * 3, (0.5,) * 3)
NETWORK = Recipe("tiny", ("clip-image", "efficientnet-lite2"), (), 0.0, PREPROCESSING)
PLAN = TrainingPlan((16,), 3, 8, "adamw", 0.05, clip_norm=1.0, autocast=False)
HASHES = {"clip-image": "a" * 64}


class Learned(Frozen):
    """The same with weights that are learned."""

    is_frozen = False

    def __init__(self) -> None:
        super().__init__()
        self.mix.requires_grad_(True)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        mixed_BD: Tensor = self.mix(nn.functional.adaptive_avg_pool2d(images_BCHW, 2).flatten(1))
        return mixed_BD


class Killed(Exception):
    """Stands for the end of the process."""


def detector() -> FusionDetector:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FusionDetector({"clip-image": Frozen(), "efficientnet-lite2": Learned()}, (8,), 0.0)


def frozen_of(network: FusionDetector) -> Frozen:
    branch = network.parts["clip-image"]
    assert isinstance(branch, Frozen)
    return branch


def kept(network: FusionDetector, rows: Sequence[Row], folder: Path, plan: TrainingPlan = PLAN) -> FrozenEmbeddings:
    return frozen_embeddings(network, NETWORK, HASHES, rows, plan, folder)


def run(
    network: FusionDetector,
    rows: Sequence[Row],
    folder: Path,
    plan: TrainingPlan = PLAN,
    frozen: FrozenEmbeddings | None = None,
    kill_at: int = 0,
) -> Trained:
    def report(progress: object) -> None:
        if kill_at and getattr(progress, "step", 0) == kill_at:
            raise Killed

    folder.mkdir(exist_ok=True)
    return train(
        network,
        rows,
        plan,
        PREPROCESSING,
        folder=folder,
        team=Team(torch.device("cpu")),
        loader_processes=0,
        report=report,
        measure=lambda *_: {"auc": 0.5, "dcf": 0.5},
        frozen=frozen,
    )


def assert_same_weights(one: nn.Module, other: nn.Module, tolerance: float) -> None:
    others = other.state_dict()
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(tensor, others[name], atol=tolerance, rtol=tolerance)


def test_each_picture_is_embedded_once(rows: Sequence[Row], tmp_path: Path) -> None:
    """Three epochs, and a second run, show each picture to the frozen branch once; the weights are those of a run without."""
    plain, network = detector(), detector()
    run(plain, rows, tmp_path / "plain")
    cache = kept(network, rows, tmp_path / "cache")
    assert "the others come with the first epoch" in announced(cache)
    run(network, rows, tmp_path / "run", frozen=cache)

    assert frozen_of(plain).shown == 3 * len(rows)
    assert frozen_of(network).shown == len(rows) == cache.known
    assert_same_weights(network, plain, 2e-2)  # float16
    again = detector()
    run(again, rows, tmp_path / "again", frozen=kept(again, rows, tmp_path / "cache"))
    assert frozen_of(again).shown == 0
    assert_same_weights(again, network, 0.0)


@pytest.mark.parametrize("step", [2, 4])
def test_killed_run_resumes_with_the_same_weights(
    rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(run_state, "SAVE_SECONDS", 0.0)
    straight, killed, resumed = detector(), detector(), detector()
    run(straight, rows, tmp_path / "straight", frozen=kept(straight, rows, tmp_path / "one"))
    with pytest.raises(Killed):
        run(killed, rows, tmp_path / "run", frozen=kept(killed, rows, tmp_path / "two"), kill_at=step)

    run(resumed, rows, tmp_path / "run", frozen=kept(resumed, rows, tmp_path / "two"))

    assert_same_weights(resumed, straight, 0.0)
    assert frozen_of(killed).shown + frozen_of(resumed).shown == len(rows)


def test_draws_take_turns(rows: Sequence[Row], tmp_path: Path) -> None:
    """With an augmentation as many versions of each picture are embedded as the plan has draws, copies of a source too."""
    plan = replace(PLAN, epochs=4, draws=2, augmentation=Augmentation(), repeat={"source1": 2})
    network = detector()
    cache = kept(network, rows, tmp_path / "cache", plan)

    run(network, rows, tmp_path / "run", plan, cache)

    samples = len(rows) + sum(row.source == "source1" for row in rows)
    assert frozen_of(network).shown == 2 * samples == cache.known
    assert len(cache.numbers) == 2 * 2 * len(rows)


def test_epochs_that_never_repeat_keep_nothing() -> None:
    assert PLAN.repeats_pictures
    assert not replace(PLAN, augmentation=Augmentation()).repeats_pictures
    assert not replace(PLAN, sizes=(16, 24)).repeats_pictures
    assert replace(PLAN, augmentation=Augmentation(), draws=3).repeats_pictures
    assert [replace(PLAN, draws=3).draw_of(epoch) for epoch in range(5)] == [0, 1, 2, 0, 1]
    assert [PLAN.draw_of(epoch) for epoch in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="draws"):
        replace(PLAN, draws=-1)


def test_where_all_is_frozen_no_picture_is_read_again(rows: Sequence[Row], tmp_path: Path) -> None:
    """Not in training, and not when it is measured; a branch that is learned still looks at each."""
    network, other = (FusionDetector({"clip-image": Frozen()}, (8,), 0.0) for _ in range(2))
    cache = kept(network, rows, tmp_path / "cache")
    run(network, rows, tmp_path / "one", replace(PLAN, epochs=1), cache)
    card = CheckpointCard("tiny", NETWORK, Calibration(), 0.5, 0.5, "")
    predictor = Predictor(network, card, ChosenDevice("cpu", "for a test"), 64)
    before = kept_logits(predictor, rows, cache, processes=0)
    for row in rows:
        row.path.unlink()

    run(other, rows, tmp_path / "two", PLAN, cache)

    np.testing.assert_array_equal(kept_logits(predictor, rows, cache, processes=0), before)
    assert frozen_of(other).shown == 0
    with pytest.raises(ManifestError, match=r"\.png"):
        run(detector(), rows, tmp_path / "three", PLAN, cache)


def test_file_belongs_to_what_it_was_made_of(rows: Sequence[Row], tmp_path: Path) -> None:
    """Other weights, pictures, preprocessing or precision have a file of their own; what the epochs are like does not matter."""
    network = detector()
    changed = replace(NETWORK, preprocessing=replace(PREPROCESSING, mean=(0.4,) * 3))
    paths = [
        kept(network, rows, tmp_path).path,
        kept(network, rows[1:], tmp_path).path,
        frozen_embeddings(network, NETWORK, {"clip-image": "b" * 64}, rows, PLAN, tmp_path).path,
        frozen_embeddings(network, changed, HASHES, rows, PLAN, tmp_path).path,
        kept(network, rows, tmp_path, replace(PLAN, autocast=True)).path,
        kept(network, rows, tmp_path, replace(PLAN, augmentation=Augmentation(), draws=1)).path,
    ]
    rows[0].path.write_bytes(rows[0].path.read_bytes() + b"0")
    paths.append(kept(network, rows, tmp_path).path)

    assert len(set(paths)) == len(paths)
    assert kept(network, rows, tmp_path, replace(PLAN, epochs=9, learning_rate=1.0)).path == paths[-1]


def test_logits_from_what_is_kept(rows: Sequence[Row], tmp_path: Path) -> None:
    """The logits after each epoch are those of the whole network, and need the frozen branch once."""
    network = detector()
    card = CheckpointCard("tiny", NETWORK, Calibration(), 0.5, 0.5, "")
    predictor = Predictor(network, card, ChosenDevice("cpu", "for a test"), 64)
    cache = frozen_embeddings(network, NETWORK, HASHES, rows, PLAN, tmp_path, as_scanned=True)

    plain = kept_logits(predictor, rows, None, processes=0)
    frozen_of(network).shown = 0
    found = [kept_logits(predictor, rows, cache, processes=0, batch_size=6) for _ in range(2)]

    np.testing.assert_allclose(found[0], plain, atol=2e-3)
    np.testing.assert_array_equal(found[0], found[1])
    assert frozen_of(network).shown == len(rows)


def test_folder_without_room_is_said_beforehand(rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(CacheUnusable, match=r"10 left|0\.0 MB left.*--no-cache"):
        kept(detector(), rows, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_folder_that_cannot_be_written_is_named(rows: Sequence[Row], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheUnusable, match=r"file.*cannot be written"):
        kept(detector(), rows, tmp_path / "file" / "cache")
