"""A run of two stages: the CNN by itself, then a head on its embeddings and those of what is frozen."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training.config.hyperparameters import FirstStage
from training.data.augmentation import Augmentation
from training.data.cache_files import CacheUnusable
from training.data.manifest import Row
from training.loop import run as training_run
from training.loop import run_state
from training.loop.run_state import AnotherRun, holds_run, run_key
from training.loop.stages.request import UnfinishedRun, as_begun, prepare_folder
from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.network import FusionDetector

from ..small_runs import same_weights
from .small_stages import CNN, FIRST_STEPS, PLAN, STEPS, Frozen, Killed, Learned, asked, detector, kill_at, together, trained


def shown_to(network: FusionDetector, name: str) -> int:
    branch = network.parts[name]
    assert isinstance(branch, Frozen | Learned)
    return branch.shown


def branch_state(folder: Path) -> dict[str, torch.Tensor]:
    """The weights and statistics of the CNN as the first stage left them."""
    stored = torch.load(folder / "first" / "resume.pt", weights_only=True)["detector"]
    return {name: tensor for name, tensor in stored.items() if name.startswith("branches.")}


@pytest.mark.parametrize("keeps", [True, False])
def test_the_cnn_of_the_second_stage_is_that_of_the_first_bit_for_bit(rows: Sequence[Row], tmp_path: Path, keeps: bool) -> None:
    """Its statistics, too; the head is a new one, and CLIP is not asked in the first stage."""
    network, shown = detector(), list[int]()
    start = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    last, first = trained(
        asked(rows, tmp_path / "run", cache=tmp_path / "cache" if keeps else None),
        network=network,
        note_first=lambda *_: shown.append(shown_to(network, "clip-image")),
    )

    found = last.detector.state_dict()
    kept = branch_state(tmp_path / "run")
    assert kept.keys() == {name for name in found if name.startswith(f"branches.{CNN}.")}
    assert all(torch.equal(found[name], tensor) for name, tensor in kept.items())
    assert not torch.equal(found[f"branches.{CNN}.mix.weight"], start[f"branches.{CNN}.mix.weight"])
    assert int(found[f"branches.{CNN}.norm.num_batches_tracked"]) == FIRST_STEPS
    assert not torch.equal(found["head.0.weight"], start["head.0.weight"])
    assert len(first.history) == 2
    assert len(last.history) == 3
    assert shown[0] == shown[1]
    assert all(parameter.requires_grad for parameter in last.detector.parts[CNN].parameters())
    assert type(last.detector.parts[CNN]) is Learned


def test_each_picture_is_embedded_once_and_the_head_is_the_same(rows: Sequence[Row], tmp_path: Path) -> None:
    """With the embeddings kept and without, but for what float16 rounds off.

    Without batch normalisation in the head: a bias before it learns nothing, and Adam makes steps of rounding there.
    """
    plain, network = detector(batch_norm=False), detector(batch_norm=False)
    without, _ = trained(asked(rows, tmp_path / "without"), network=plain)
    kept, _ = trained(asked(rows, tmp_path / "with", cache=tmp_path / "cache"), network=network)

    for name, tensor in without.detector.head.state_dict().items():
        torch.testing.assert_close(kept.detector.head.state_dict()[name], tensor, atol=2e-2, rtol=2e-2)
    assert shown_to(network, "clip-image") < shown_to(plain, "clip-image")
    # Of the second stage's three epochs, on 14 rows and on 6 of `val`, two show nothing.
    assert shown_to(plain, CNN) - shown_to(network, CNN) >= 2 * (14 + 6) - 2 * 8  # trial steps
    files = len(list((tmp_path / "cache").iterdir()))
    longer = replace(PLAN, first=FirstStage((CNN,), 1))
    trained(asked(rows, tmp_path / "other", longer, cache=tmp_path / "cache"))
    assert len(list((tmp_path / "cache").iterdir())) == 2 * files == 4  # other weights of the CNN: other embeddings


@pytest.mark.parametrize(
    ("stage", "step", "keeps"),
    [("first stage", 3, True), ("second stage", 1, True), ("second stage", 5, True), ("second stage", 3, False)],
)
def test_killed_in_either_stage_a_run_goes_on(
    rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, step: int, keeps: bool
) -> None:
    monkeypatch.setattr(run_state, "SAVE_SECONDS", 0.0)
    one, two = (tmp_path / name if keeps else None for name in ("one", "two"))
    straight, _ = trained(asked(rows, tmp_path / "straight", cache=one))

    with pytest.raises(Killed):
        trained(asked(rows, tmp_path / "killed", cache=two), show=kill_at(stage, step))
    steps: list[tuple[str, int]] = []
    resumed, _ = trained(asked(rows, tmp_path / "killed", cache=two), show=lambda now: steps.append((now.stage, now.step)))

    assert same_weights(resumed.detector, straight.detector)
    assert resumed.history == straight.history
    all_steps = [("first stage", done) for done in range(1, FIRST_STEPS + 1)]
    all_steps += [("second stage", done) for done in range(1, STEPS + 1)]
    assert steps == all_steps[all_steps.index((stage, step)) + 1 :]


def test_killed_between_the_stages_a_run_goes_on(rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straight, _ = trained(asked(rows, tmp_path / "straight"))

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(training_run, "branch_hashes", die)
        with pytest.raises(Killed):
            trained(asked(rows, tmp_path / "killed"))
    assert holds_run(tmp_path / "killed")
    assert not (tmp_path / "killed" / "resume.pt").exists()
    with pytest.raises(UnfinishedRun, match="--resume"):
        prepare_folder(tmp_path / "killed", resume=False)
    resumed, first = trained(asked(rows, tmp_path / "killed"))

    assert same_weights(resumed.detector, straight.detector)
    assert len(first.history) == 2


def test_a_second_stage_goes_on_with_its_own_cnn_only(rows: Sequence[Row], tmp_path: Path) -> None:
    """Where the first stage's state is another one's, as on a GPU, where a run is not the same to the bit."""
    trained(asked(rows, tmp_path / "run"))
    state = tmp_path / "run" / "first" / "resume.pt"
    content = torch.load(state, weights_only=True)
    content["detector"][f"branches.{CNN}.mix.weight"] += 1e-3
    torch.save(content, state)

    with pytest.raises(AnotherRun, match=r"resume\.pt"):
        trained(asked(rows, tmp_path / "run"))


def test_the_best_epoch_of_the_first_stage_is_gone_on_with(
    rows: Sequence[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each stage chooses its own, by groups that are held back from both."""
    plan = replace(PLAN, patience=1, held_back=0.3, watched="auc", first=FirstStage((CNN,), 3))
    aucs = iter([0.9, 0.5, 0.6, 0.8, 0.7])
    monkeypatch.setattr(
        "training.loop.stages.stage.epoch_figures",
        lambda *_: {"auc": next(aucs), "loss": 1.0, "accuracy": 0.5, "eer": 0.5, "dcf": 0.5},
    )
    said: list[str] = []
    last, first = trained(asked(rows, tmp_path / "run", plan), say=said.append)

    assert (first.epoch, last.epoch) == (1, 2)
    assert (first.aucs, last.aucs) == ((0.9, 0.5), (0.6, 0.8, 0.7))
    best = torch.load(tmp_path / "run" / "first" / "resume.pt", weights_only=True)["best"]
    found = last.detector.state_dict()
    assert all(torch.equal(found[name], best[name]) for name in best if name.startswith("branches."))
    assert sum("held_back AUC" in line for line in said) == 5


def test_a_run_says_what_both_stages_cost(rows: Sequence[Row], tmp_path: Path) -> None:
    said: list[str] = []
    trained(asked(rows, tmp_path / "run", cache=tmp_path / "cache"), say=said.append)

    assert said[0] == f"tiny on 14 images, {CNN} alone for 2 epochs, then a head on all branches for 3 epochs, 1 x cpu"
    assert said[1].startswith("first stage: 4 steps, about ")
    assert said[2].startswith(f"second stage: 14 embeddings of clip-image, {CNN}, 0.0 MB in ")
    assert said[3].startswith("second stage: 6 steps, about ")
    assert said[4].startswith("both stages: about ")
    assert said[5].startswith("first stage: epoch 1/2: val AUC")
    assert said[7].startswith(f"second stage: 14 embeddings of clip-image, {CNN}")
    assert said[8].startswith("second stage: epoch 1/3: val AUC")


def test_embeddings_without_room_are_refused_before_the_first_stage(rows: Sequence[Row], tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CacheUnusable, match="cannot be written"):
        trained(asked(rows, tmp_path / "run", cache=tmp_path / "file" / "cache"))
    assert not holds_run(tmp_path / "run")


def test_an_augmentation_shows_the_second_stage_other_pictures_too(rows: Sequence[Row], tmp_path: Path) -> None:
    """Then nothing is kept, but for draws that take turns."""
    for draws, lines in ((0, []), (2, [2 * 14])):
        cache, said = tmp_path / f"cache{draws}", list[str]()
        plan = replace(PLAN, augmentation=Augmentation(forge=0.0), draws=draws)
        trained(asked(rows, tmp_path / f"run{draws}", plan, cache=cache), say=said.append)
        found = [line for line in said if "embeddings of" in line and "come with its" in line]
        assert [int(line.split()[2]) for line in found] == lines


def test_a_run_that_began_with_all_together_goes_on_so(rows: Sequence[Row], tmp_path: Path) -> None:
    """`paper` had one stage once; what was begun then is finished as it was begun."""
    said: list[str] = []
    [straight] = trained(asked(rows, tmp_path / "straight", together()))
    with pytest.raises(Killed):
        trained(asked(rows, tmp_path / "run", together()), show=kill_at("", 3))

    run = as_begun(asked(rows, tmp_path / "run"), said.append)
    [resumed] = trained(run)

    assert run.recipe.plan == together()
    assert "goes on so" in said[0]
    assert same_weights(resumed.detector, straight.detector)
    trained(asked(rows, tmp_path / "new"))
    for folder in ("new", "none"):
        assert as_begun(asked(rows, tmp_path / folder), said.append).recipe.plan == PLAN


def test_the_key_of_a_run_of_one_stage_is_what_it_was() -> None:
    """By which the state of an unfinished run is known."""
    rows = [Row(Path(f"/data/{number}.png"), number % 2, "s", "f", "", f"g{number}", "train") for number in range(3)]
    shown = Preprocessing(16, (0.5,) * 3, (0.5,) * 3)

    assert run_key(together(), shown, rows, 1) == "11b1f1ac44c06edf8dd56ae4de6e3c4e342e241716fc8c36bc4eff08dd10723f"
    keys = {run_key(plan, shown, rows, 1, fixed) for plan in (PLAN, together()) for fixed in ({}, {CNN: "a"}, {CNN: "b"})}
    assert len(keys) == 6
