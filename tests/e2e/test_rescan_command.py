"""`dfscan rescan` as a user runs it after a change of model."""

import json
from datetime import UTC, datetime
from pathlib import Path

from scanner.base.settings import Settings
from scanner.domain.outcomes import Scored
from scanner.jobs.leases import claim
from scanner.results.record import record, register_model
from scanner.services.scan import take_in_paths
from worker.pipeline.read import read_image
from worker.pipeline.types import Item


def test_new_model_shows_flips(laptop, tmp_path: Path, make_picture) -> None:
    """A new model judges what an old one judged and shows what flipped."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        make_picture(folder / f"{number}.jpg", number)
    laptop.run("db", "upgrade")
    _judge_by_an_old_model(laptop, folder)
    assert {item["model"] for item in laptop.report()["items"]} == {"old"}
    before = {item["path"]: (item["label"], item["score"]) for item in laptop.report()["items"]}
    unknown = laptop.run("--model", "unknown", "rescan", exit_status=2).stderr
    assert "there is no checkpoint named 'unknown'" in unknown

    said = json.loads(laptop.run("rescan", "--json").stdout)
    assert (said["pending"], said["model"]["name"]) == (3, "lite")
    laptop.run("scan", folder, exit_status=(0, 1))
    after = {item["path"]: (item["label"], item["score"]) for item in laptop.report()["items"] if item["model"] == "lite"}
    assert set(after) == set(before)

    found = json.loads(laptop.run("rescan", "--flips", "--json").stdout)
    assert found["compared"] == 3
    changed = {path for path in before if before[path][0] != after[path][0]}
    assert changed  # the old model said both fake and real of the same kind of picture
    assert {path for flip in found["flips"] for path in flip["paths"]} == changed
    for flip in found["flips"]:
        [path] = flip["paths"]
        assert flip["before"] == {"model": "old", "label": before[path][0], "score": before[path][1]}
        assert flip["after"] == {"model": "lite", "label": after[path][0], "score": after[path][1]}
    assert laptop.run("rescan").stdout == "0 files wait for the verdict of lite\n"


def _judge_by_an_old_model(laptop, folder: Path) -> None:
    now = datetime.now(UTC)
    take_in_paths(Settings(laptop.data_dir, settle_seconds=0.1), laptop.database, [str(folder)], lambda: now)
    model = register_model(laptop.database, sha256="11" * 32, name="old", card={}, threshold=0.75, band_low=0.5, now=now)
    outcomes = []
    for number, file in enumerate(claim(laptop.database, "old worker", 10, now=now, lease_seconds=60, max_attempts=3)):
        read = read_image(file, 10_000_000)
        assert isinstance(read, Item)
        outcomes.append(Scored(file, read.facts, (0.1, 0.9, 0.1)[number], 0.1))
    record(laptop.database, "old worker", outcomes, model, device="cpu", now=now)
