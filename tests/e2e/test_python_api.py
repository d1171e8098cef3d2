"""`import dfscan`, as a program of others has it; and the examples of docs/python.md as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dfscan

DOCS = Path(__file__).resolve().parents[2] / "docs"
SAMPLES = DOCS.parent / "samples"
# What the extra `worker` does not bring, and what the interface does without.
ABSENT = ("PySide6", "sklearn", "matplotlib", "av", "c2pa", "psycopg", "redis", "tensorboard")
UNUSED = ("celery", "kombu", "sqlalchemy", "alembic", *ABSENT)


def examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(name="environment")
def _environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which only what the extra `worker` brings can be imported."""
    blocker = "import sys\n" + "".join(f"sys.modules[{name!r}] = None\n" for name in ABSENT)
    (tmp_path / "usercustomize.py").write_text(blocker, encoding="utf-8")
    variables = {name: value for name, value in os.environ.items() if not name.startswith("DFSCAN_")}
    paths = os.pathsep.join((str(tmp_path), str(DOCS.parent), variables.get("PYTHONPATH", "")))
    return {**variables, "PYTHONPATH": paths, "DFSCAN_DATA_DIR": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path)}


def test_the_examples_of_the_docs(environment: dict[str, str], tmp_path: Path, laptop: Any) -> None:
    script, adapter = examples()
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0nothing")
    pictures = [SAMPLES / "real-astronaut.jpg", SAMPLES / "real-coffee.jpg"]
    given = [*pictures, tmp_path / "broken.jpg", tmp_path / "absent.jpg"]
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py", *given], env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("lite: fake from 0.92")
    assert [line.split(":")[0] for line in lines[1:] if not line.startswith(" ")] == [str(path) for path in given]

    # The adapter says what a scan says, and loads nothing that it does not need.
    ends = f"import sys\nif __name__ == '__main__':\n    print([predict(path) for path in {[str(path) for path in pictures]}])\n"
    loaded = f"    print([name for name in {UNUSED} if sys.modules.get(name)])\n    detector().close()\n"
    (tmp_path / "adapter.py").write_text(adapter + ends + loaded, encoding="utf-8")
    done = subprocess.run([sys.executable, tmp_path / "adapter.py"], env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    scores, unneeded = done.stdout.splitlines()
    assert unneeded == "[]"
    laptop.run("--model", "lite", "scan", *pictures, exit_status=(0, 1))
    scanned = {item["path"]: item["score"] for item in laptop.report()["items"]}
    assert eval(scores) == pytest.approx([scanned[str(path)] for path in pictures], abs=1e-6)


def test_pictures_in_memory_and_what_cannot_be_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFSCAN_DATA_DIR", str(tmp_path))
    picture = Image.open(SAMPLES / "real-astronaut-face.jpg").convert("RGB")
    picture.save(tmp_path / "same.png")
    with dfscan.load("lite", device="cpu", decoders=1, batch=2) as detector:
        same = [tmp_path / "same.png", (tmp_path / "same.png").read_bytes(), picture, np.asarray(picture)]
        found = list(detector.predict(same))
        assert [result.path for result in found] == [tmp_path / "same.png", None, None, None]
        assert [result.score for result in found] == [pytest.approx(found[0].score, abs=1e-6)] * 4
        assert found[0].prediction is not None
        assert found[0].label is not None

        [broken, folder] = detector.predict([b"no picture", tmp_path])
        assert broken.error
        assert folder.error
        assert broken.score is None
        with pytest.raises(dfscan.Unreadable, match=r"absent\.jpg"):
            detector.score(tmp_path / "absent.jpg")
        assert list(detector.predict([])) == []
    with pytest.raises(dfscan.KnownError, match="no checkpoint named"):
        dfscan.load("of-nobody")
