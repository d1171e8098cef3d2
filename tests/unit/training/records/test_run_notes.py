"""What a run leaves in its folder."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from training.records.environment import commit_of, environment
from training.records.readme import seeds_text
from training.records.run_notes import RunFacts, RunNotes, own_readme

FACTS = RunFacts(
    "tiny",
    7,
    "data|here.csv",
    "a" * 64,
    {"train": {"real": 1000, "fake": 2}, "val": {"real": 3, "fake": 4}},
    ("one", "two"),
    "public weights",
    "cpu",
    1,
    3,
)


def begun(folder: Path, facts: RunFacts = FACTS) -> RunNotes:
    notes = RunNotes(folder, facts, "[plan]\nseed = 7\n")
    for _ in range(2):  # as after each step
        notes.begin()
    return notes


def readme(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def test_a_run_explains_itself_from_beginning_to_end(tmp_path: Path) -> None:
    notes = begun(tmp_path)
    assert "0 of 3 epochs are done" in readme(tmp_path)
    for said in (
        "train: 1,000 real, 2 fake",
        "one, two",
        "`data\\|here.csv`",
        "`resolved-recipe.toml`",
        "--resume",
        "| seed | 7 |",
    ):
        assert said in readme(tmp_path)

    notes.epoch(0, {"auc": 0.9, "loss": 0.25})
    notes.epoch(1, {"auc": 0.95, "loss": 0.125})
    assert "2 of 3 epochs are done" in readme(tmp_path)
    assert "| 2 | 0.9500 | 0.1250 |" in readme(tmp_path)

    notes.finish(tmp_path / "tiny.safetensors")
    assert "`tiny.safetensors`" in readme(tmp_path)
    assert "--resume" not in readme(tmp_path).split("## Go on")[1]
    assert f"dfscan evaluate {tmp_path / 'tiny.safetensors'} --data 'data|here.csv'" in readme(tmp_path)
    assert (tmp_path / "resolved-recipe.toml").read_text(encoding="utf-8") == "[plan]\nseed = 7\n"


def test_a_run_that_goes_on_keeps_its_notes_and_another_does_not(tmp_path: Path) -> None:
    first = begun(tmp_path)
    for number in range(3):
        first.epoch(number, {"auc": number / 10})

    again = begun(tmp_path)
    again.epoch(1, {"auc": 0.5})  # killed before the third was kept

    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert [figures["auc"] for figures in document["figures"]] == [0.0, 0.5]
    assert len(document["starts"]) == 2
    assert "went on 1 times" in readme(tmp_path)

    begun(tmp_path, replace(FACTS, seed=8))
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["figures"] == []


def test_a_run_of_two_stages_notes_both(tmp_path: Path) -> None:
    notes = begun(tmp_path, replace(FACTS, first={"branches": ["cnn"], "epochs": 2}))
    assert "0 of 2 epochs of the first stage are done" in readme(tmp_path)
    assert "first cnn alone, at most 2 epochs; then the head on all branches, at most 3" in readme(tmp_path)

    notes.first_epoch(0, {"auc": 0.7})
    notes.first_epoch(1, {"auc": 0.8})
    notes.epoch(0, {"auc": 0.9})
    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert [figures["auc"] for figures in document["first_figures"]] == [0.7, 0.8]
    assert [figures["auc"] for figures in document["figures"]] == [0.9]
    first, second = (
        readme(tmp_path).split("## Figures after each epoch of the first stage")[1].split("## Figures after each epoch\n")
    )
    assert "| 2 | 0.8000 |" in first
    assert "| 1 | 0.9000 |" in second
    assert "1 of 3 epochs are done" in readme(tmp_path)

    begun(tmp_path, notes.facts).first_epoch(1, {"auc": 0.75})  # killed before it was kept
    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert ([figures["auc"] for figures in document["first_figures"]], document["figures"]) == ([0.7, 0.75], [])


@pytest.mark.parametrize("broken", ["", "[]", '{"recipe": "tiny", "seed": 7, "manifest_sha256": 3}'])
def test_notes_that_cannot_be_read_are_made_anew(tmp_path: Path, broken: str) -> None:
    (tmp_path / "run.json").write_text(broken, encoding="utf-8")
    begun(tmp_path)
    assert len(json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["starts"]) == 1


def test_a_readme_of_ones_own_stays(tmp_path: Path) -> None:
    """As where `--out .` names a project's folder; also one that is no text at all."""
    for own in (b"# My project\n", b"\xff\xfe"):
        (tmp_path / "README.md").write_bytes(own)
        begun(tmp_path)
        assert (tmp_path / "README.md").read_bytes() == own
        assert "# A run of recipe `tiny`" in (tmp_path / "README.dfscan.md").read_text(encoding="utf-8")


def test_several_seeds(tmp_path: Path) -> None:
    folders = [tmp_path / f"seed-{seed}" for seed in (1, 2)]
    assert "not all finished" in seeds_text("tiny", folders, None)
    text = seeds_text("tiny", folders, "AUC: 0.9, 0.1")
    own_readme(tmp_path).write_text(text, encoding="utf-8")
    assert "AUC: 0.9, 0.1" in text
    assert "[seed-1](seed-1/), [seed-2](seed-2/)" in text
    assert own_readme(tmp_path).name == "README.md"  # its own, so it is written anew


def test_the_commit_of_the_program(tmp_path: Path) -> None:
    assert commit_of(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    (tmp_path / "a").write_text("1")
    for asked in (["init", "-q"], ["add", "a"], ["commit", "-qm", "a"]):
        subprocess.run([*git, *asked], check=True)
    commit = commit_of(tmp_path)
    assert commit is not None
    assert len(commit) == 40
    (tmp_path / "a").write_text("2")
    assert commit_of(tmp_path) == f"{commit}, changed"
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".git").write_text("gitdir: nowhere")  # what git cannot read is not known
    assert commit_of(tmp_path / "sub") is None


def test_versions_that_figures_depend_on() -> None:
    found = environment()
    assert {"torch", "numpy", "scikit-learn"} <= set(found["libraries"])
    assert found["python"].count(".") == 2
