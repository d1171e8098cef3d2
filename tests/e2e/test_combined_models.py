"""Models that score together, from `dfscan model combine` to report, calibration, measuring, explaining and removal."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from files.command import Here
from files.onnx_networks import RED, colour_network, written_card, written_network
from PIL import Image

from dfscan import load
from scanner.domain.states import Label

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
SOURCES = 4


def painted(folder: Path, count: int) -> Path:
    """A manifest of pictures of several sources, half of them red, which are the fakes; and a person's photograph."""
    folder.mkdir(parents=True)
    rows = ["path,label,source,family,generator,group,split"]
    for number in range(count):
        red = number % 2 == 1
        shade = 60 + 4 * number
        Image.new("RGB", (80 + number, 64), (200 if red else 90, shade, 40 if red else 200)).save(folder / f"{number}.png")
        label, source = "fake" if red else "real", f"s{number // 2 % SOURCES}"
        rows.append(f"{number}.png,{label},{source},colours,{label},g{number},train")
    (folder / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder / "manifest.csv"


@pytest.fixture(name="kept", scope="module")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models that were made once for all tests."""
    return tmp_path_factory.mktemp("kept") / "models"


@pytest.fixture(name="both")
def _both(laptop: Any, here: Here, tmp_path: Path, kept: Path) -> Any:
    """`lite` and a network of colours, imported and combined as `both`."""
    manifest = painted(tmp_path / "painted", 32)
    if kept.exists():
        shutil.copytree(kept, laptop.data_dir / "models")
    else:
        source = written_network(tmp_path / "colours.onnx", colour_network((RED,)))
        here("model", "import", source, "--card", written_card(tmp_path / "card.toml"))
        said = here("model", "combine", "lite", "colours", "--data", manifest, "--name", "both", "--folds", "2").stdout
        assert "colours alone" in said
        shutil.copytree(laptop.data_dir / "models", kept)
    here("model", "use", "both")
    return laptop


def test_a_combination_from_its_fit_to_the_report(both: Any, here: Here, tmp_path: Path) -> None:
    pictures = tmp_path / "scanned"
    pictures.mkdir()
    shutil.copy(SAMPLES / "real-astronaut.jpg", pictures)
    for number in (4, 5):
        shutil.copy(tmp_path / "painted" / f"{number}.png", pictures)
    both.run("scan", pictures, exit_status=(0, 1))

    report = both.report()
    items = {Path(item["path"]).name: item for item in report["items"]}
    assert report["model"] == "both"
    assert {name: sorted(item["branches"]) for name, item in items.items()} == {
        name: ["colours", "lite"] for name in ("4.png", "5.png", "real-astronaut.jpg")
    }
    assert {name: item["basis"] for name, item in items.items()} == {
        "4.png": "whole",
        "5.png": "whole",
        "real-astronaut.jpg": "both",
    }
    assert items["real-astronaut.jpg"]["faces"][0]["score"] == pytest.approx(items["real-astronaut.jpg"]["branches"]["lite"])
    for item in items.values():
        low, high = sorted(item["branches"].values())
        assert item["disagreement"] == pytest.approx(high - low)
    assert (items["4.png"]["label"], items["5.png"]["label"]) == ("real", "fake")
    assert [part["label"] for part in items["5.png"]["parts"]] == ["real", "fake"]  # no face: not `lite`'s to say
    assert "parts disagree: lite" in here("report").stdout

    # Each part says what it says alone.
    both.run("--model", "lite", "scan", pictures, exit_status=(0, 1))
    alone = {Path(item["path"]).name: item["score"] for item in both.report()["items"]}
    assert alone == pytest.approx({picture: item["branches"]["lite"] for picture, item in items.items()}, abs=1e-3)
    assert json.loads(here("rescan", "--json").stdout)["model"]["name"] == "both"

    told = json.loads(here("explain", pictures / "5.png", "--json", "-o", tmp_path / "heat.png").stdout)
    assert (told["part"], told["branches"]) == ("colours", pytest.approx(items["5.png"]["branches"], abs=1e-3))
    assert told["score"] == pytest.approx(items["5.png"]["score"], abs=1e-3)
    with load("both", data_dir=both.data_dir, decoders=1) as detector:
        [result] = detector.predict([pictures / "5.png"])
    assert (result.label, result.score) == (Label.FAKE, pytest.approx(items["5.png"]["score"], abs=1e-3))


def test_a_combination_is_measured_and_calibrated(both: Any, here: Here, tmp_path: Path) -> None:
    manifest = tmp_path / "painted" / "manifest.csv"
    written = tmp_path / "predictions.csv"
    words = ("both", "--data", manifest, "--split", "train", "--json", "--loaders", "0")
    measured = json.loads(here("evaluate", *words, "--faces", "--predictions", written).stdout)
    again = json.loads(here("evaluate", "--from-predictions", written, "--json").stdout)
    assert measured["figures"] == again["figures"]
    assert measured["figures"]["pooled"]["auc"]["value"] == 1

    here("calibrate", "--reals", tmp_path / "painted", "--fpr", "10%", "--name", "mine")
    shown = json.loads(here("model", "show", "mine", "--json").stdout)
    assert [part["name"] for part in shown["fusion"]["parts"]] == ["lite", "colours"]
    assert shown["training"]["calibrated"]["reals"] == 32
    measured = json.loads(here("benchmark", tmp_path / "painted", "--sample", "2", "--no-faces", "--json").stdout)
    assert (measured["model"], measured["inputs_per_picture"]) == ("both", 2)


def test_a_part_that_is_gone_is_an_error_and_never_half_a_score(both: Any, here: Here, tmp_path: Path) -> None:
    refused = here("model", "remove", "colours", exit_status=2).stderr
    assert "part of 'both'" in refused
    (both.data_dir / "models" / "colours.safetensors").unlink()
    for run, words in (
        (both.run, ("scan", tmp_path / "painted")),
        (here, ("explain", tmp_path / "painted" / "1.png")),
        (here, ("model", "use", "both")),
    ):
        said = run(*words, exit_status=2).stderr
        assert "needs the model 'colours'" in said
        assert "Traceback" not in said
    assert "cannot be used" in here("model", "list").stdout
    here("model", "use", "lite")
    here("model", "remove", "both")
    assert not list(both.data_dir.glob("models/*"))


def test_what_cannot_be_combined_is_refused(both: Any, here: Here, tmp_path: Path) -> None:
    manifest = tmp_path / "painted" / "manifest.csv"
    outside = shutil.copy(both.data_dir / "models" / "colours.safetensors", tmp_path / "elsewhere.safetensors")
    for names, reason in (
        (("lite",), "2 to 8 models"),
        (("lite", "lite"), "each once"),
        (("lite", "both"), "combination itself"),
        (("lite", "unknown"), "unknown"),
        (("lite", outside), "import"),
    ):
        said = here("model", "combine", *names, "--data", manifest, "--name", "other", exit_status=2).stderr
        assert reason in said
    said = here("model", "combine", "lite", "colours", "--data", manifest, "--name", "both", exit_status=2).stderr
    assert "another checkpoint named 'both'" in said
    one = tmp_path / "painted" / "one.csv"
    one.write_text(re.sub(r",s\d,", ",s0,", manifest.read_text(encoding="utf-8")), encoding="utf-8")
    said = here("model", "combine", "lite", "colours", "--data", one, "--name", "other", exit_status=2).stderr
    assert "source" in said
    assert not (both.data_dir / "models" / "other.safetensors").exists()
