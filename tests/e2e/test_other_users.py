"""Other users of the machine read nothing that the program keeps, and nothing of theirs is followed or run."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from files.command import Dfscan, Here

STRANGER = 54321
as_root = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root runs programs as another user")


def _open_to_others(folder: Path) -> list[str]:
    return [str(path) for path in (folder, *folder.rglob("*")) if stat.S_IMODE(path.lstat().st_mode) & 0o077]


def _may_run(program: str) -> bool:
    """Whether a stranger may go to where it lies: an interpreter below root's home is out of reach."""
    folders = Path(program).resolve().parents
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)


@pytest.fixture(autouse=True)
def _umask_of_its_own() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_all_that_is_kept_is_private(laptop: Dfscan, tmp_path: Path, make_picture: Callable[..., Path]) -> None:
    """Model, database and its log, logs, queue, exported network; whatever the umask allows."""
    os.umask(0)
    (tmp_path / "pictures").mkdir()
    make_picture(tmp_path / "pictures" / "a.jpg")
    laptop.environment["DFSCAN_CACHE_DIR"] = ""
    laptop.environment["DFSCAN_MODEL"] = ""

    laptop.run("model", "use", "lite")
    assert _open_to_others(laptop.data_dir) == []
    laptop.run("scan", tmp_path / "pictures", exit_status=(0, 1))

    assert (laptop.data_dir / "logs" / "worker.log").exists()
    assert list((laptop.data_dir / "cache").iterdir())
    assert _open_to_others(laptop.data_dir) == []


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_report_is_as_the_umask_says_and_its_database_private(here: Here, laptop: Dfscan, tmp_path: Path, umask: int) -> None:
    os.umask(umask)
    here("db", "upgrade")
    here("report", "-o", tmp_path / "report.html", "--format", "html")
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == 0o666 & ~umask
    assert (laptop.data_dir / "dfscan.sqlite").exists()
    assert _open_to_others(laptop.data_dir) == []


def test_an_imported_checkpoint_is_private(laptop: Dfscan, tmp_path: Path) -> None:
    import worker

    bundled = Path(worker.__file__).parent / "detector" / "bundled" / "lite.safetensors"
    shutil.copyfile(bundled, tmp_path / "mine.safetensors")

    laptop.run("model", "import", tmp_path / "mine.safetensors")

    assert (laptop.data_dir / "models" / "mine.safetensors").exists()
    assert _open_to_others(laptop.data_dir) == []


def test_a_network_that_others_put_into_the_cache_is_not_run(
    laptop: Dfscan, tmp_path: Path, make_picture: Callable[..., Path]
) -> None:
    """A cache that every user can write: a network there is run only where its sum is noted in the data folder."""
    (tmp_path / "pictures").mkdir()
    make_picture(tmp_path / "pictures" / "a.jpg")
    cache = tmp_path / "shared cache"
    laptop.environment["DFSCAN_CACHE_DIR"] = str(cache)
    laptop.environment["DFSCAN_MODEL"] = "lite"
    laptop.run("scan", tmp_path / "pictures", exit_status=(0, 1))
    [honest] = laptop.report()["items"]
    [kept] = cache.glob("*.onnx")
    genuine = kept.read_bytes()
    forged = _with_another_answer(genuine)
    kept.unlink()
    prefix = kept.stem.rpartition("-")[0]
    import hashlib

    (cache / f"{prefix}-{hashlib.sha256(forged).hexdigest()}.onnx").write_bytes(forged)
    cache.chmod(0o777)

    make_picture(tmp_path / "pictures" / "b.png")  # the same pixels
    laptop.run("scan", tmp_path / "pictures", exit_status=(0, 1))

    scores = {Path(item["path"]).name: item["score"] for item in laptop.report()["items"]}
    assert scores["a.jpg"] == honest["score"]
    assert abs(scores["b.png"] - honest["score"]) < 0.2
    assert kept.read_bytes() == genuine  # exported anew, under its own name
    [noted] = (laptop.data_dir / "networks").iterdir()
    assert noted.read_text().strip() == hashlib.sha256(genuine).hexdigest()


def _with_another_answer(network: bytes) -> bytes:
    """The same network, whose logits are 50 more."""
    import onnx

    model = onnx.load_model_from_string(network)
    [output] = model.graph.output
    node = next(node for node in model.graph.node if output.name in node.output)
    inner = f"{output.name}_before"
    node.output[list(node.output).index(output.name)] = inner
    import numpy as np

    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(50, np.float32), "fifty"))
    model.graph.node.append(onnx.helper.make_node("Add", [inner, "fifty"], [output.name]))
    return bytes(model.SerializeToString())


@as_root
def test_a_choice_of_another_user_is_not_followed(laptop: Dfscan, tmp_path: Path) -> None:
    laptop.run("model", "use", "lite")
    os.chown(laptop.data_dir / "chosen.toml", STRANGER, STRANGER)

    refused = laptop.run("status", exit_status=2)

    assert "chosen.toml belongs to" in refused.stderr
    assert "Traceback" not in refused.stderr


@as_root
def test_a_folder_that_belongs_to_another_user_ends_in_words(laptop: Dfscan, tmp_path: Path) -> None:
    """A user who may not enter the data folder, and one without a name or a home: no traceback."""
    if not _may_run(sys.executable):
        pytest.skip(f"another user may not run {sys.executable}")
    laptop.run("model", "use", "lite")
    for command in (["status"], ["scan", str(tmp_path)], ["report"], ["verify"], ["model", "list"]):
        done = subprocess.run(
            [sys.executable, "-m", "scanner", *command],
            env={**laptop.environment, "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            cwd="/",
            user=STRANGER,
            group=STRANGER,
            extra_groups=[],
        )
        assert done.returncode == 2, (command, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr, command
