"""`dfscan benchmark FOLDER`: what a machine does, and the estimate for the folder."""

import json
from pathlib import Path
from typing import Any

import pytest
from files.command import Here


def test_the_stages_of_a_folder(laptop: Any, here: Here, make_picture: Any, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    (folder / "inner").mkdir(parents=True)
    for number in range(5):
        make_picture(folder / "inner" / f"{number}.jpg", number)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0nothing")
    (folder / "text.txt").write_text("no picture")

    done = laptop.run("--model", "lite", "benchmark", folder, "--json")
    found = json.loads(done.stdout)
    assert (found["pictures"], found["sample"], found["unread"]) == (6, 6, 1)
    assert found["bytes"] == sum(path.stat().st_size for path in folder.rglob("*.jpg"))
    assert list(found["stages"]) == ["reading", "decoding", "finding faces", "the network"]
    assert found["slowest"] in found["stages"]
    assert found["estimated_seconds"] == pytest.approx(found["walk_seconds"] + 6 / found["together_per_second"])
    assert found["model"] == "lite"

    lines = here("--model", "lite", "benchmark", folder, "--sample", "2", "--no-faces").stdout.splitlines()
    assert lines[0].startswith("6 pictures")
    assert not any("finding faces" in line for line in lines)
    # Nothing is stored.
    assert not list(laptop.data_dir.glob("*.sqlite*"))


def test_what_cannot_be_measured(here: Here, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no picture" in here("--model", "lite", "benchmark", tmp_path / "empty", exit_status=2).stderr
    assert "is no folder" in here("benchmark", tmp_path / "absent", exit_status=2).stderr
    here("benchmark", "", exit_status=2)
