"""What was asked of a scan is part of its jobs, whoever does the work."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from files.command import Dfscan

SAMPLES = Path(__file__).parents[2] / "samples"


def faces_of(items: list[dict[str, Any]]) -> dict[str, bool]:
    """Whether faces were looked for, by file name."""
    return {Path(item["path"]).name: item["faces"] is not None for item in items}


def test_no_faces_beside_a_watch_and_back_again(laptop: Dfscan, tmp_path: Path, wait_until: Callable[..., None]) -> None:
    """The watch's worker has the same model, and may take the scan's files: as the scan asks. A mistaken one can be undone."""
    watched, other = tmp_path / "watched", tmp_path / "other"
    for folder in (watched, other):
        folder.mkdir()
        shutil.copy(SAMPLES / "real-astronaut.jpg", folder / f"{folder.name}.jpg")
    laptop.run("db", "upgrade")  # makes the tables that are asked below
    laptop.start("watch", watched)
    wait_until(lambda: laptop.scored() == {"watched.jpg"}, 200, "the watch's verdict")
    assert laptop.statuses() == {"watched.jpg": "real"}

    said = laptop.run("scan", "--no-faces", "--no-worker", "--json", other, exit_status=(0, 1))
    assert faces_of(json.loads(said.stdout)["items"]) == {"other.jpg": False}
    assert faces_of(laptop.report()["items"]) == {"other.jpg": False, "watched.jpg": True}

    again = laptop.run("scan", "--no-worker", "--json", other, exit_status=(0, 1))
    assert "1 verdicts were made with other settings" in again.stderr
    assert json.loads(laptop.run("rescan", "--json").stdout)["pending"] == 1
    wait_until(lambda: faces_of(laptop.report()["items"])["other.jpg"], 100, "the verdict with faces")
    assert json.loads(laptop.run("rescan", "--json").stdout)["pending"] == 0


def test_a_scan_without_faces_judges_anew_what_has_a_verdict(laptop: Dfscan, tmp_path: Path) -> None:
    """The summary is of what was asked, and what was known stays in the database."""
    shutil.copy(SAMPLES / "real-astronaut.jpg", tmp_path / "a.jpg")
    with_faces = json.loads(laptop.run("scan", "--json", tmp_path / "a.jpg", exit_status=(0, 1)).stdout)["items"]
    whole = json.loads(laptop.run("scan", "--json", "--no-faces", tmp_path / "a.jpg", exit_status=(0, 1)).stdout)["items"]
    assert (faces_of(with_faces), faces_of(whole)) == ({"a.jpg": True}, {"a.jpg": False})
    laptop.run("rescan")
    again = json.loads(laptop.run("scan", "--json", tmp_path / "a.jpg", exit_status=(0, 1)).stdout)["items"]
    assert [(item["score"], item["faces"]) for item in again] == [(item["score"], item["faces"]) for item in with_faces]
