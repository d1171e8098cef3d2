"""The active model as a worker loads it: exported once, kept, and never trusted when it has changed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scanner.base.settings import Settings
from worker.detector.checkpoints.card import CheckpointError, read_card
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.exports import keep_network, kept_network
from worker.detector.inference.predictor import load_predictor
from worker.detector.inference.registry import find_checkpoint
from worker.detector.weights.public_weights import BackboneFiles
from worker.service.model_loading import ExportFailed, _export, has_int8_backbone, load_scorer

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 192, 192, 3), np.uint8)

WITHOUT_TORCH = """
import sys
from pathlib import Path
import numpy as np
import worker.service.process  # with all that a worker imports
from scanner.base.settings import Settings
from worker.service.model_loading import load_scorer

scorer = load_scorer(Path(sys.argv[1]), Settings(Path(sys.argv[2]), device=sys.argv[3]))
images = np.random.default_rng(0).integers(0, 256, (3, 192, 192, 3), np.uint8)
print(*scorer.scores(images))
heavy = [name for name in ("torch", "torchvision", "timm", "onnx", "sklearn") if name in sys.modules]
sys.exit(f"{heavy} were imported" if heavy else 0)
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data folder with the bundled network exported into it, and that file."""
    data_dir = tmp_path_factory.mktemp("data")
    load_scorer(find_checkpoint("lite", data_dir), Settings(data_dir, device="cpu"))
    [kept] = (data_dir / "cache").iterdir()
    return data_dir, kept


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    path = find_checkpoint("lite", Path())
    return load_predictor(path, ChosenDevice("cpu", ""), files=BackboneFiles(), micro_batch=16).scores(IMAGES)


@pytest.mark.slow
@pytest.mark.parametrize("is_first", [False, True])
def test_running_a_network_needs_no_torch(
    exported: tuple[Path, Path], expected: np.ndarray, tmp_path: Path, is_first: bool
) -> None:
    """Not even for the first time: another process exports it."""
    data_dir = tmp_path if is_first else exported[0]
    command = [sys.executable, "-c", WITHOUT_TORCH, str(find_checkpoint("lite", data_dir)), str(data_dir), "cpu"]

    run = subprocess.run(command, check=False, capture_output=True, text=True)

    assert run.returncode == 0, run.stderr
    np.testing.assert_allclose([float(score) for score in run.stdout.split()], expected, atol=1e-4)


@pytest.mark.slow
def test_a_damaged_export_is_made_anew(exported: tuple[Path, Path], expected: np.ndarray) -> None:
    data_dir, kept = exported
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-5000] + bytes(5000))  # weights, so that it still loads

    scorer = load_scorer(find_checkpoint("lite", data_dir), Settings(data_dir, device="cpu"))

    np.testing.assert_allclose(scorer.scores(IMAGES), expected, atol=1e-4)
    assert [path.read_bytes() for path in kept.parent.iterdir()] == [whole]


def test_another_checkpoint_is_exported_for_itself(tmp_path: Path) -> None:
    """The same name and weights, but other bytes: what is kept of the first is not taken for it."""
    first = find_checkpoint("lite", tmp_path)
    other = tmp_path / "lite.safetensors"
    other.write_bytes(first.read_bytes() + b"x")

    assert keep_network(first, tmp_path / "cache", b"network")
    assert kept_network(first, tmp_path / "cache") == b"network"
    assert kept_network(other, tmp_path / "cache") is None


def test_half_written_is_cleared_away(tmp_path: Path) -> None:
    """What a killed process left half written is cleared away."""
    old, fresh, checkpoint = tmp_path / "a.partial", tmp_path / "b.partial", tmp_path / "x.safetensors"
    for path in (old, fresh, checkpoint):
        path.write_bytes(b"something")
    os.utime(old, (0, 0))

    assert keep_network(checkpoint, tmp_path, b"network")

    [kept] = tmp_path.glob("*.onnx")
    assert kept.read_bytes() == b"network"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([fresh.name, checkpoint.name, kept.name])


def test_what_is_kept_for_one_runtime_is_not_taken_for_another(tmp_path: Path) -> None:
    checkpoint = tmp_path / "x.safetensors"
    checkpoint.write_bytes(b"something")

    assert keep_network(checkpoint, tmp_path, b"float32")
    assert kept_network(checkpoint, tmp_path, "onnxruntime-int16") is None
    assert keep_network(checkpoint, tmp_path, b"int16", "onnxruntime-int16")

    assert kept_network(checkpoint, tmp_path) == b"float32"
    assert kept_network(checkpoint, tmp_path, "onnxruntime-int16") == b"int16"


@pytest.mark.parametrize(("name", "is_int8"), [("fusion", True), ("lite", False)])
def test_which_bundled_networks_have_int8_matrices(tmp_path: Path, name: str, is_int8: bool) -> None:
    assert has_int8_backbone(read_card(find_checkpoint(name, tmp_path))) == is_int8


@pytest.mark.slow
def test_scores_without_a_kept_network(tmp_path: Path, capfd: pytest.CaptureFixture[str], expected: np.ndarray) -> None:
    """Where nothing can be kept it scores all the same."""
    (tmp_path / "cache").write_text("a file where the folder would be")

    scorer = load_scorer(find_checkpoint("lite", tmp_path), Settings(tmp_path, device="cpu"))

    np.testing.assert_allclose(scorer.scores(IMAGES), expected, atol=1e-4)
    assert "cannot be kept" in capfd.readouterr().err  # of the process that exports


def test_a_runtime_of_torch_is_as_asked(tmp_path: Path, expected: np.ndarray) -> None:
    scorer = load_scorer(find_checkpoint("lite", tmp_path), Settings(tmp_path, device="cpu", runtime="torch"))

    assert scorer.ran_on == "cpu"
    np.testing.assert_allclose(scorer.scores(IMAGES), expected, atol=1e-6)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(("batch_size", "at_once"), [(64, 32), (4, 4)])
def test_torch_has_no_more_images_at_once_on_a_cpu_than_pay(tmp_path: Path, batch_size: int, at_once: int) -> None:
    settings = Settings(tmp_path, device="cpu", runtime="torch", batch_size=batch_size)

    assert load_scorer(find_checkpoint("lite", tmp_path), settings).micro_batch == at_once  # type: ignore[union-attr]


def test_what_is_wrong_with_a_checkpoint_is_said_as_ever(tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no tensors")

    with pytest.raises(CheckpointError, match=r"broken\.safetensors"):
        load_scorer(broken, Settings(tmp_path, device="cpu"))


@pytest.mark.slow
def test_killing_the_export_once_costs_no_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, expected: np.ndarray
) -> None:
    monkeypatch.setattr("worker.service.model_loading._export", _be_killed_once)

    scorer = load_scorer(find_checkpoint("lite", tmp_path), Settings(tmp_path, device="cpu"))

    assert scorer.ran_on == "cpu, onnxruntime"
    assert caplog.text.count("was killed") == 1
    np.testing.assert_allclose(scorer.scores(IMAGES), expected, atol=1e-4)


@pytest.mark.slow
def test_killing_each_export_leaves_it_to_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, expected: np.ndarray
) -> None:
    monkeypatch.setattr("worker.service.model_loading._export", _be_killed)
    checkpoint = find_checkpoint("lite", tmp_path)

    scorer = load_scorer(checkpoint, Settings(tmp_path, device="cpu"))

    assert scorer.ran_on == "cpu"
    assert "torch runs it" in caplog.text
    np.testing.assert_allclose(scorer.scores(IMAGES), expected, atol=1e-6)
    with pytest.raises(ExportFailed, match="in 2 tries"):
        load_scorer(checkpoint, Settings(tmp_path, device="cpu", runtime="onnxruntime"))


def _be_killed(_checkpoint: Path, _settings: Settings, _runtime: str) -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def _be_killed_once(checkpoint: Path, settings: Settings, runtime: str) -> bytes | None:
    mark = settings.data_dir / "killed"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return _export(checkpoint, settings, runtime)
