"""The import contracts of pyproject.toml: each forbidden import is put into a copy of the program, and must be found there."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import median

import pytest

HOME = Path(__file__).resolve().parents[2]
PACKAGES = ("dfscan", "scanner", "worker", "training", "gui", "migrations")
PROBES = [
    ("training/data/manifest.py", "worker.pipeline", "Leaves know the core, and training the detector"),
    ("gui/app.py", "worker.detector", "Leaves know the core, and training the detector"),
    ("scanner/base/errors.py", "gui", "Leaves know the core, and training the detector"),
    ("worker/detector/image/colour.py", "worker.evidence", "Layers of the worker"),
    ("scanner/database/engine.py", "scanner.jobs.leases", "Layers of the core"),
    ("scanner/domain/states.py", "sqlalchemy", "The domain knows no database"),
    ("worker/decoding/fingerprint.py", "torch", "Decoder processes load no torch, no database and no Celery"),
    ("gui/app.py", "celery", "Celery is known to the queue and the worker"),
]


@pytest.mark.parametrize(("file", "imported", "contract"), PROBES)
def test_a_forbidden_import_is_found(tmp_path: Path, file: str, imported: str, contract: str) -> None:
    shutil.copy(HOME / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        shutil.copytree(HOME / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    with (tmp_path / file).open("a", encoding="utf-8") as module:
        # In a function, as such imports count, too.
        module.write(f"\n\ndef probe() -> None:\n    import {imported}\n")
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{contract} BROKEN" in done.stdout


def test_folders_and_files_stay_small() -> None:
    """No folder holds more than 14 Python files of its own, no file more than 300 lines, half of them at most 100."""
    files = [path for package in PACKAGES for path in (HOME / package).rglob("*.py") if "versions" not in path.parts]
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in files}
    folders = Counter(path.parent for path in files)

    assert {str(folder): count for folder, count in folders.items() if count > 14} == {}
    assert {str(path): count for path, count in lines.items() if count > 300} == {}
    assert median(lines.values()) <= 100


def test_names_of_test_files_are_their_own() -> None:
    """Of folders without an __init__.py pytest takes the file's name for the module's: two of one name cannot both be run."""
    files = [path for path in (HOME / "tests").rglob("*.py") if not (path.parent / "__init__.py").exists()]
    names = Counter(path.name for path in files if path.name != "conftest.py")
    assert {name: count for name, count in names.items() if count > 1} == {}
