"""The setting `on_flagged`, from config.toml to the command that a worker runs."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from worker.detector.checkpoints.card import read_card
from worker.detector.checkpoints.checkpoint import save_with_card
from worker.detector.inference.registry import find_checkpoint

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.mark.skipif(sys.platform == "win32", reason="the command is for a POSIX shell")
def test_a_command_is_run_for_each_flagged_file(laptop, tmp_path: Path, wait_until: Callable[..., None]) -> None:
    folder, out, script = tmp_path / "pictures, and more", tmp_path / "told", tmp_path / "tell me"
    folder.mkdir()
    for picture in SAMPLES.glob("*.jpg"):
        shutil.copy(picture, folder)
    (folder / "text.jpg").write_text("no picture")
    script.write_text('#!/bin/sh\necho "$DFSCAN_FLAGGED_LABEL $DFSCAN_FLAGGED_PATH" >> "$1"\n')
    script.chmod(0o755)
    bundled, wary = find_checkpoint("lite", tmp_path), tmp_path / "wary.safetensors"
    save_with_card(bundled, wary, replace(read_card(bundled), band_low=0.0))  # no face is beyond doubt for it
    laptop.environment["DFSCAN_MODEL"] = str(wary)
    config = Path(laptop.environment["XDG_CONFIG_HOME"]) / "dfscan" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f"""on_flagged = "'{script}' '{out}'"\n""")

    laptop.run("db", "upgrade")  # makes the tables that are asked below
    laptop.start("watch", folder)

    files = len(list(folder.iterdir()))
    wait_until(lambda: len(laptop.states()) == files and "pending" not in laptop.states().values(), 400, "all verdicts")
    items = laptop.report()["items"]
    flagged = {f"{item['label']} {item['path']}" for item in items if item["label"] in ("fake", "uncertain")}
    assert flagged
    wait_until(lambda: out.exists() and len(out.read_text().splitlines()) >= len(flagged), 60, "the commands")
    assert sorted(out.read_text().splitlines()) == sorted(flagged)
