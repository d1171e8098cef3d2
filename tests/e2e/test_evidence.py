"""What files say of their origin, and near copies, through the command as a user runs it: one scan, and reports of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from signing import TRAINED, signed

PARAMETERS = "a portrait\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1234, Size: 512x512, Model: v1-5"


@pytest.fixture
def folder(tmp_path: Path, make_picture: Callable[..., Path]) -> Path:
    """A signed picture, a tampered one, one of Stable Diffusion, a plain photo and a smaller copy of it."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    actions = [{"action": "c2pa.created", "digitalSourceType": TRAINED, "softwareAgent": {"name": "Test Generator"}}]
    (folder / "signed.jpg").write_bytes(signed(make_picture(tmp_path / "1.jpg", 1), actions=actions))
    tampered = bytearray(signed(make_picture(tmp_path / "2.jpg", 2), actions=actions))
    tampered[-300] ^= 0xFF
    (folder / "tampered.jpg").write_bytes(tampered)
    text = PngInfo()
    text.add_text("parameters", PARAMETERS)
    make_picture(folder / "diffusion.png", 3, pnginfo=text)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "EOS 5D"
    photo = make_picture(folder / "photo.jpg", 4, size=(400, 300), exif=exif)
    with Image.open(photo) as opened:
        opened.resize((200, 150)).save(folder / "smaller.jpg", quality=80)
    return folder


def test_each_file_gets_the_right_evidence(laptop, folder: Path) -> None:
    laptop.run("scan", folder, exit_status=(0, 1))
    items = {Path(item["path"]).name: item for item in laptop.report()["items"]}
    found = {name: {(one["kind"], one["finding"]) for one in item["evidence"]} for name, item in items.items()}
    missing = ("camera", "missing")
    assert found == {
        "signed.jpg": {("c2pa", "valid"), ("source-type", "trainedAlgorithmicMedia"), missing},
        "tampered.jpg": {("c2pa", "changed"), ("source-type", "trainedAlgorithmicMedia"), missing},
        "diffusion.png": {("generator", "stable-diffusion"), missing},
        "photo.jpg": {("camera", "present")},
        "smaller.jpg": {missing},
    }
    assert all(set(one) == {"kind", "finding", "text", "source"} for item in items.values() for one in item["evidence"])
    assert "Steps: 20" in items["diffusion.png"]["evidence"][0]["text"]

    pair = min(items[name]["sha256"] for name in ("photo.jpg", "smaller.jpg"))[:12]
    assert {name for name, item in items.items() if item["group"] == pair} == {"photo.jpg", "smaller.jpg"}
    assert {items[name]["group"] for name in ("signed.jpg", "tampered.jpg", "diffusion.png")} == {None}

    assert set(laptop.statuses("--evidence", "generated")) == {"diffusion.png", "signed.jpg", "tampered.jpg"}
    table = laptop.run("report", "--evidence", "invalid").stdout
    assert "[c2pa: changed, source-type: trainedAlgorithmicMedia]" in table
    assert "1 files" in table
    page = laptop.run("report", "--format", "html").stdout
    assert "absence proves nothing" in page
    assert "dataHash.mismatch" in page
