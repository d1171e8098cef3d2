"""The model's file goes away under a running service and comes back: no file is charged for it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import psutil
from guard import waits
from sqlalchemy import select

from scanner.database.models import File
from worker.detector.inference.registry import find_checkpoint


def test_the_model_is_deleted_and_comes_back(
    laptop, originals: Path, make_picture: Callable[..., Path], tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    model = tmp_path / "mine.safetensors"
    shutil.copy(find_checkpoint("lite", tmp_path), model)
    laptop.environment |= {"DFSCAN_MODEL": str(model), "DFSCAN_MAX_ATTEMPTS": "1", waits.VARIABLE: "2"}
    laptop.run("db", "upgrade")
    make_picture(originals / "before.jpg", 1)
    watch = laptop.start("watch", originals)
    wait_until(lambda: _states(laptop) == {"before.jpg": "scored"}, 200, "the first verdict")

    model.unlink()
    make_picture(originals / "loaded.jpg", 2)
    wait_until(lambda: _states(laptop).get("loaded.jpg") == "scored", 60, "what is loaded to go on")
    for child in psutil.Process(watch.pid).children():
        if "worker" in child.cmdline():
            child.kill()
    make_picture(originals / "away.jpg", 3)
    log = tmp_path / "started-0.log"
    wait_until(lambda: str(model) in log.read_text(), 100, "the reason to be said")
    wait_until(lambda: "away.jpg" in _states(laptop), 100, "the file to be taken in")
    assert _states(laptop)["away.jpg"] == "pending"
    assert "Traceback" not in log.read_text()

    shutil.copy(find_checkpoint("lite", tmp_path), model)
    wait_until(lambda: _states(laptop).get("away.jpg") == "scored", 200, "the work to go on by itself")


def _states(dfscan) -> dict[str, str]:
    with dfscan.database.read() as session:
        return {Path(path).name: str(state) for path, state in session.execute(select(File.path, File.state))}
