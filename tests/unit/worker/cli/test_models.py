"""`dfscan model` with files that a stranger made: they steer no terminal, ask for no memory and hide no other checkpoint."""

import os
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import save_file

from scanner.cli.main import cli
from training.config.recipes.reader import recipe_named
from worker.detector.checkpoints.card import Calibration, CheckpointCard
from worker.detector.checkpoints.checkpoint import save_with_card
from worker.detector.inference.registry import bundled_folder

EVIL = "\x1b]0;owned\x07\x1b[31mred\nfake line\u202e"
LITE = bundled_folder() / "lite.safetensors"
Run = Callable[..., Result]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return lambda *words: CliRunner().invoke(cli, ["--data-dir", str(tmp_path), "model", *map(str, words)])


def card(**changes: object) -> CheckpointCard:
    return replace(CheckpointCard("x", recipe_named("lite").network, Calibration(), 0.5, 0.4, ""), **changes)


def harmless(text: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in text)


def test_escape_sequences_of_a_card(models: Path, run: Run) -> None:
    recipe = replace(recipe_named("lite").network, name=EVIL)
    sources = {EVIL: {"real": 1, "fake": 1, "families": [EVIL], "generators": []}}
    save_with_card(
        LITE, models / "evil.safetensors", card(name=EVIL, recipe=recipe, created_at=EVIL, training={"sources": sources})
    )

    for words in (["list"], ["show", "evil"], ["show", "evil", "--json"], ["list", "--json"]):
        found = run(*words)
        assert found.exit_code == 0, found.output
        assert harmless(found.output)
        assert "owned" in found.output or words == ["list", "--json"]
    assert len(run("list").output.splitlines()) == 3


def test_escape_sequences_of_names_and_errors(models: Path, tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    from scanner.base.logs import say_error

    save_file({"w": torch.zeros(1)}, models / "\x1b[31m.safetensors", metadata={"dfscan": '{"format": "\x1b[2J"}'})
    (models / os.fsdecode(b"\xff.safetensors")).write_bytes(b"no")
    found = run("list")
    assert found.exit_code == 0
    assert harmless(found.output)
    assert r"\x1b[31m" in found.output
    failed = run("import", models / "\x1b[31m.safetensors")
    say_error(str(failed.exception))
    assert harmless(said := capsys.readouterr().err)
    assert r"\x1b[31m" in said


def test_bad_files_do_not_break_the_list(models: Path, run: Run) -> None:
    os.mkfifo(models / "a-fifo.safetensors")
    (models / "b-folder.safetensors").mkdir()
    (models / "c-link.safetensors").symlink_to("nowhere")
    (models / "d-empty.safetensors").touch()
    (models / "e-short.safetensors").write_bytes((1 << 62).to_bytes(8, "little") + b"{}")
    for name, document in (("f", "[" * 5000), ("g", '{"format": 2}'), ("h", "null"), ("i", '{"format": 2, "recipe": []}')):
        save_file({"w": torch.zeros(1)}, models / f"{name}.safetensors", metadata={"dfscan": document})

    found = run("list")

    assert found.exit_code == 0, found.output
    assert found.output.count("cannot be used: ") == 9
    assert " lite " in found.output


def test_absurd_sizes_take_no_memory(models: Path, run: Run) -> None:
    """Within the bounds of a card, but not what the file holds: eight layers of 16,384 would take 8 GB."""
    recipe = replace(recipe_named("lite").network, hidden=(16384,) * 8)
    save_with_card(LITE, models / "huge.safetensors", card(recipe=recipe))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    found = run("import", models / "huge.safetensors", "--name", "mine")

    assert "does not fit its own recipe lite" in str(found.exception)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20  # KB


@pytest.mark.parametrize("metrics", [{"split": 1}, {"pooled": 5, "sources": []}, {"pooled": {"real": "many"}, "sources": {}}])
def test_odd_figures_are_named(models: Path, run: Run, metrics: dict[str, object]) -> None:
    save_with_card(LITE, models / "odd.safetensors", card(metrics=metrics))
    assert "odd.safetensors: what its card tells" in str(run("show", "odd").exception)
    assert run("show", "odd", "--json").exit_code == 0
