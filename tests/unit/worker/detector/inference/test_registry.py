"""Checkpoints on their way into the data folder, and being found there."""

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from worker.detector.checkpoints.card import CheckpointCard, CheckpointError, read_card
from worker.detector.checkpoints.checkpoint import load_checkpoint, save_checkpoint, save_with_card
from worker.detector.inference.registry import available_checkpoints, find_checkpoint, import_checkpoint, new_name, new_path
from worker.detector.model.network import FusionDetector
from worker.detector.weights.public_weights import BackboneFiles

NONE = BackboneFiles()


@pytest.fixture
def source(tmp_path: Path, lite: FusionDetector, card: CheckpointCard) -> Path:
    path = tmp_path / "from-a-friend.safetensors"
    save_checkpoint(path, lite, card, half=True)
    return path


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def rewritten(path: Path, change: Callable[[dict[str, Tensor], dict[str, Any]], None]) -> None:
    """Change tensors and document of a checkpoint, as a stranger with a text editor would."""
    tensors = load_file(path)
    with safe_open(path, framework="pt") as opened:
        document = json.loads(opened.metadata()["dfscan"])
    change(tensors, document)
    save_file(tensors, path, metadata={"dfscan": json.dumps(document)})


def test_an_imported_checkpoint_is_found_under_its_name(source: Path, data_dir: Path) -> None:
    path = import_checkpoint(source, data_dir, name="press", sha256=None, files=NONE)

    assert path == data_dir / "models" / "press.safetensors"
    assert path.read_bytes() == source.read_bytes()
    assert find_checkpoint("press", data_dir) == path
    assert {(item.name, item.bundled) for item in available_checkpoints(data_dir)} == {
        ("fusion", True),
        ("lite", True),
        ("press", False),
    }


def test_broken_checkpoint_is_listed(source: Path, data_dir: Path) -> None:
    """A broken checkpoint is listed with its problem beside the others."""
    path = import_checkpoint(source, data_dir, name="press", sha256=None, files=NONE)
    path.write_bytes(b"half a file")

    listed = {item.name: (item.card is not None, item.problem) for item in available_checkpoints(data_dir)}

    assert listed["lite"] == (True, None)
    readable, problem = listed["press"]
    assert not readable
    assert problem is not None
    assert "press.safetensors is no safetensors file" in problem


def test_the_hash_that_was_told_is_compared(source: Path, data_dir: Path) -> None:
    right = hashlib.sha256(source.read_bytes()).hexdigest()

    with pytest.raises(CheckpointError, match=f"{right}, not {'0' * 64}"):
        import_checkpoint(source, data_dir, name="press", sha256="0" * 64, files=NONE)
    assert not (data_dir / "models").exists()
    assert import_checkpoint(source, data_dir, name="press", sha256=right.upper() + "\n", files=NONE).is_file()


def test_weights_that_were_changed_are_refused(source: Path, data_dir: Path) -> None:
    def change(tensors: dict[str, Tensor], document: dict[str, Any]) -> None:
        tensors["head.1.bias"] += 1

    rewritten(source, change)

    with pytest.raises(CheckpointError, match=r"damaged.*sha256 differs"):
        import_checkpoint(source, data_dir, name="press", sha256=None, files=NONE)
    assert not list((data_dir / "models").iterdir())


def test_flipped_bit_is_found(source: Path) -> None:
    """A flipped bit is found when the checkpoint is loaded."""
    content = bytearray(source.read_bytes())
    content[-1000] ^= 4
    source.write_bytes(content)

    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(source, NONE)


def test_another_version_is_refused(source: Path, data_dir: Path) -> None:
    rewritten(source, lambda tensors, document: document.update(format=99))

    with pytest.raises(CheckpointError, match=r"by another version of dfscan \(format 99, this one reads 2\)"):
        import_checkpoint(source, data_dir, name="press", sha256=None, files=NONE)


def test_weights_of_other_shapes_are_refused(source: Path, data_dir: Path, lite: FusionDetector, card: CheckpointCard) -> None:
    save_checkpoint(source, lite, replace(card, recipe=replace(card.recipe, hidden=(64,))))

    with pytest.raises(CheckpointError, match="does not fit its own recipe"):
        import_checkpoint(source, data_dir, name="press", sha256=None, files=NONE)


def test_weights_that_give_no_score_are_refused(source: Path, data_dir: Path, lite: FusionDetector, card: CheckpointCard) -> None:
    broken = copy.deepcopy(lite)
    nn.init.constant_(broken.head[-1].weight, float("nan"))
    save_checkpoint(source, broken, card)

    with pytest.raises(CheckpointError, match=r"from-a-friend\.safetensors gives no score"):
        import_checkpoint(source, data_dir, name="press", sha256=None, files=NONE)
    assert not list((data_dir / "models").iterdir())


def test_a_new_name_is_one_that_nothing_has(source: Path, data_dir: Path) -> None:
    assert new_name("press", data_dir) == "press"
    import_checkpoint(source, data_dir, name="press", sha256=None, files=NONE)
    assert new_name("press", data_dir) == "press-2"
    import_checkpoint(source, data_dir, name="press-2", sha256=None, files=NONE)
    assert new_name("press", data_dir) == "press-3"
    assert new_name("lite", data_dir) == "lite-2"


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\xff" * 5000])
def test_what_is_no_checkpoint_is_refused(source: Path, data_dir: Path, content: bytes) -> None:
    source.write_bytes(content)

    with pytest.raises(CheckpointError, match="from-a-friend"):
        import_checkpoint(source, data_dir, name="press", sha256=None, files=NONE)


def test_a_file_that_is_not_there_is_named(data_dir: Path) -> None:
    with pytest.raises(CheckpointError, match=r"absent\.safetensors does not exist"):
        import_checkpoint(Path("absent.safetensors"), data_dir, name="press", sha256=None, files=NONE)


def test_nothing_is_overwritten(source: Path, data_dir: Path, lite: FusionDetector, card: CheckpointCard) -> None:
    first = import_checkpoint(source, data_dir, name="press", sha256=None, files=NONE)
    before = first.read_bytes()

    assert import_checkpoint(source, data_dir, name="press", sha256=None, files=NONE) == first  # the same file: fine
    save_checkpoint(source, lite, replace(card, threshold=0.9))
    with pytest.raises(CheckpointError, match="another checkpoint named 'press'"):
        import_checkpoint(source, data_dir, name="press", sha256=None, files=NONE)
    with pytest.raises(CheckpointError, match="bundled"):
        import_checkpoint(source, data_dir, name="lite", sha256=None, files=NONE)
    assert first.read_bytes() == before


@pytest.mark.parametrize("name", ["", "../evil", "a/b", ".hidden", "a" * 100, "new\nline"])
def test_names_that_are_no_file_names_are_refused(data_dir: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match="cannot be a checkpoint's name"):
        new_path(name, data_dir)


def test_another_card_on_the_same_weights(source: Path, tmp_path: Path, card: CheckpointCard) -> None:
    target = tmp_path / "stricter.safetensors"

    save_with_card(source, target, replace(card, name="stricter", threshold=0.99))

    old, new = load_file(source), load_file(target)
    assert all(old[name].dtype == new[name].dtype and old[name].equal(new[name]) for name in old)
    assert read_card(target).threshold == 0.99
    assert asdict(replace(read_card(target), name=card.name, threshold=card.threshold)) == asdict(read_card(source))
