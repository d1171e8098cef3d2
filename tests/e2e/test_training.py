"""The training package as a user calls it: from a folder of pictures to a checkpoint that scans."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from files.command import Dfscan, Here
from files.recipes import cnn
from PIL import Image
from safetensors.torch import load_file

from scanner.database.engine import open_database
from scanner.database.models import Content, Review
from training.config.recipes.reader import TrainingRecipe, recipe_named
from training.data.manifest import read_manifest
from training.evaluation.logits import logits_of
from worker.detector.inference.device import ChosenDevice
from worker.detector.inference.predictor import load_predictor
from worker.detector.inference.scorer import sigmoid
from worker.detector.weights.public_weights import BackboneFiles

RECIPE = cnn(epochs=3, more="ema_decay = 0.9\npatience = 2\nautocast = false\n\n[augmentation]\nforge = 0.2\n")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Thirty coarse (real) and thirty fine (fake) patterns in the plain layout; of each one as a large turned photograph, and one
    with transparency."""
    folder = tmp_path / "pictures"
    rng = np.random.default_rng(0)
    for label, cells in (("Real", 5), ("1_fake", 24)):
        (folder / label).mkdir(parents=True)
        for number in range(30):
            coarse = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8))
            fine = coarse.resize((72, 64), Image.Resampling.BICUBIC)
            if number == 28:
                turned = Image.Exif()
                turned[0x0112] = 6
                fine.resize((1440, 1280), Image.Resampling.BICUBIC).save(folder / label / "28.jpg", exif=turned)
            else:
                fine.putalpha(255 if number < 29 else 120)
                fine.save(folder / label / f"{number}.png")
    return folder


@pytest.fixture
def manifest(here: Here, pictures: Path, tmp_path: Path) -> Path:
    path = tmp_path / "manifest.csv"
    here("manifest", "import", "folders", pictures, "-o", path, "--val-share", "0.25", "--test-share", "0")
    return path


@pytest.fixture
def checkpoint(here: Here, manifest: Path, recipe: Path, tmp_path: Path) -> Path:
    done = here("train", "--recipe", recipe, "--data", manifest, "--out", tmp_path / "run", "--epochs", "2")
    return Path(done.stdout.strip())


def test_from_a_folder_to_a_checkpoint_that_scans(
    laptop: Dfscan, here: Here, pictures: Path, manifest: Path, checkpoint: Path, tmp_path: Path
) -> None:
    """And the score of an image is the same wherever it is asked for."""
    evaluated = here("evaluate", checkpoint, "--data", manifest, "--out", tmp_path / "report", "--json")
    here("model", "import", checkpoint, "--name", "mine")
    here("model", "use", "mine")
    scanned = json.loads(laptop.run("scan", pictures, "--json", exit_status=(0, 1)).stdout)

    document = json.loads(evaluated.stdout)
    assert document["split"] == "val"
    notes = json.loads((checkpoint.parent / "run.json").read_text(encoding="utf-8"))
    assert (notes["checkpoint"], len(notes["figures"])) == (checkpoint.name, 2)
    assert notes["manifest_sha256"] == document["manifest"]["sha256"]
    assert notes["starts"][0]["command"].startswith("dfscan train --recipe")
    assert "| 2 |" in (checkpoint.parent / "README.md").read_text(encoding="utf-8")
    again = recipe_named(str(checkpoint.parent / "resolved-recipe.toml"))
    assert isinstance(again, TrainingRecipe)
    assert again.plan.augmentation is not None
    assert (again.plan.epochs, again.plan.augmentation.forge) == (2, 0.2)
    assert (tmp_path / "report" / "evaluation.md").is_file()
    assert (tmp_path / "report" / "evaluation.json").is_file()
    assert scanned["model"] == "mine"
    by_worker = {item["path"]: item["score"] for item in scanned["items"]}
    rows = read_manifest(manifest).rows
    assert {str(row.path.resolve()) for row in rows} == set(by_worker)
    predictor = load_predictor(checkpoint, ChosenDevice("cpu", ""), files=BackboneFiles(), micro_batch=7)
    card = predictor.card
    scores = sigmoid(card.calibration.slope * logits_of(predictor, rows) + card.calibration.offset)
    in_training = {str(row.path.resolve()): score for row, score in zip(rows, scores, strict=True)}
    in_new_process = scored_elsewhere(checkpoint, list(by_worker))
    for path, score in by_worker.items():
        # A scan looks for faces in the large ones, and makes their input from what it searched: another scale of the decoder,
        # by which pixels differ by 3 of 255 at most (test_one_decode.py). A tiny network trained for seconds makes much of that.
        near = 0.05 if path.endswith("28.jpg") else 1e-3
        assert score == pytest.approx(in_training[path], abs=near)
        assert score == pytest.approx(in_new_process[path], abs=near)
    assert np.ptp(list(by_worker.values())) > 0.01


def scored_elsewhere(checkpoint: Path, paths: Sequence[str]) -> dict[str, float]:
    """Scores from a process that knows nothing but the file, one picture at a time."""
    program = """
import json, sys
from pathlib import Path
from worker.detector.weights.public_weights import BackboneFiles
from worker.detector.inference.device import ChosenDevice
from worker.detector.image.picture import decode_rgb
from worker.detector.inference.predictor import load_predictor
from worker.detector.image.preprocess import to_square
predictor = load_predictor(Path(sys.argv[1]), ChosenDevice("cpu", ""), files=BackboneFiles(), micro_batch=1)
size = predictor.card.recipe.preprocessing.size
pictures = {path: decode_rgb(Path(path).read_bytes(), max_pixels=10**7, short_side=size).picture for path in json.load(sys.stdin)}
print(json.dumps({path: float(predictor.scores(to_square(picture, size)[None])[0]) for path, picture in pictures.items()}))
"""
    command = [sys.executable, "-c", program, str(checkpoint)]
    done = subprocess.run(command, input=json.dumps(paths), capture_output=True, text=True, timeout=240, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def test_a_run_that_was_killed_goes_on_to_the_same_bits(
    laptop: Dfscan, here: Here, manifest: Path, recipe: Path, tmp_path: Path
) -> None:
    command = ("train", "--recipe", recipe, "--data", manifest, "--device", "cpu")
    laptop.environment["OMP_NUM_THREADS"] = "1"
    straight = Path(laptop.run(*command, "--out", tmp_path / "straight").stdout.strip())

    killed = tmp_path / "killed"
    process = laptop.start(*command, "--out", killed)
    began = time.monotonic()
    # The state is written at the end of the first epoch.
    while not (killed / "resume.pt").exists():
        assert process.poll() is None, process.stderr
        assert time.monotonic() - began < 240
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    refused = here(*command, "--out", killed, exit_status=2)
    resumed = Path(laptop.run(*command, "--out", killed, "--resume").stdout.strip())

    assert "--resume" in refused.stderr
    one, other = load_file(straight), load_file(resumed)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_of_two_stages_that_was_killed_in_each_goes_on_to_the_same_bits(
    laptop: Dfscan, here: Here, manifest: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "staged.toml"
    first = '\n[plan.first]\nbranches = ["efficientnet-lite2"]\nepochs = 2\n'
    recipe.write_text(cnn(epochs=3, more=f"autocast = false\n{first}"))
    command = ("train", "--recipe", recipe, "--data", manifest, "--device", "cpu")
    laptop.environment["OMP_NUM_THREADS"] = "1"
    straight = Path(laptop.run(*command, "--out", tmp_path / "straight", "--cache", tmp_path / "one").stdout.strip())

    killed = tmp_path / "killed"
    command = (*command, "--out", killed, "--cache", tmp_path / "two", "--resume")
    for state in ("first/resume.pt", "resume.pt"):  # each is written at the end of an epoch
        process = laptop.start(*command)
        began = time.monotonic()
        while not (killed / state).exists():
            assert process.poll() is None, process.stderr
            assert time.monotonic() - began < 240
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    resumed = Path(laptop.run(*command).stdout.strip())

    one, other = load_file(straight), load_file(resumed)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    notes = json.loads((killed / "run.json").read_text(encoding="utf-8"))
    assert (len(notes["first_figures"]), len(notes["figures"]), len(notes["starts"])) == (2, 3, 3)
    assert notes["first"] == {"branches": ["efficientnet-lite2"], "epochs": 2}


@pytest.mark.parametrize(
    ("recipe_name", "file"),
    [
        ("paper", "open_clip_model.safetensors"),
        ("robust", "open_clip_model.safetensors"),
        ("paper-clip-image", "open_clip_model.safetensors"),
        ("paper-resnet", "resnet101-cd907fc2.pth"),
    ],
)
def test_no_public_weights(laptop: Dfscan, here: Here, tmp_path: Path, recipe_name: str, file: str) -> None:
    """Without public weights nothing is read and the file is named."""
    laptop.environment |= {"TORCH_HOME": str(tmp_path), "HF_HOME": str(tmp_path), "HF_HUB_CACHE": str(tmp_path / "hub")}

    done = here("train", "--recipe", recipe_name, "--data", tmp_path / "absent.csv", "--out", tmp_path / "run", exit_status=2)

    assert file in done.stderr
    assert "absent.csv" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_leak_fails_the_run_before_anything_is_trained(
    here: Here, pictures: Path, manifest: Path, recipe: Path, tmp_path: Path
) -> None:
    rows = read_manifest(manifest).rows
    trained, held_out = (next(row for row in rows if row.split == split) for split in ("train", "val"))
    with Image.open(trained.path) as picture:
        picture.resize((144, 128), Image.Resampling.LANCZOS).save(held_out.path)

    done = here("train", "--recipe", recipe, "--data", manifest, "--out", tmp_path / "run", exit_status=2)

    assert trained.path.name in done.stderr
    assert held_out.path.name in done.stderr
    assert not (tmp_path / "run" / "resume.pt").exists()


def test_a_format_that_gives_the_label_away_is_reported(here: Here, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for label, suffix in (("real", "jpg"), ("fake", "png")):
        (tmp_path / "biased" / label).mkdir(parents=True)
        for number in range(40):
            picture = Image.fromarray(rng.integers(0, 256, (48, 48, 3), np.uint8))
            picture.save(tmp_path / "biased" / label / f"{number}.{suffix}")
    here("manifest", "import", "folders", tmp_path / "biased", "-o", tmp_path / "biased.csv")

    done = here("manifest", "check", tmp_path / "biased.csv")

    assert "format" in done.stdout
    assert "1.00" in done.stdout


def test_reviews_become_training_data(laptop: Dfscan, here: Here, pictures: Path, recipe: Path, tmp_path: Path) -> None:
    """With smaller copies among them, as on any disk: some come to lie in two splits, and are left out."""
    for number in range(28):
        with Image.open(pictures / "Real" / f"{number}.png") as picture:
            picture.resize((36, 32), Image.Resampling.BICUBIC).save(pictures / f"small{number}.png")
    laptop.run("scan", pictures, exit_status=(0, 1))
    command = ("train", "--recipe", recipe, "--from-reviews", "--out", tmp_path / "run", "--epochs", "1")

    nothing = here(*command, exit_status=2)
    review_all(laptop)
    done = here(*command)

    assert "nothing was reviewed" in nothing.stderr
    assert "88 reviewed images" in done.stderr
    assert "reviewed images that are unreadable, or copies of others in another split" in done.stderr
    card = json.loads(here("model", "show", done.stdout.strip(), "--json").stdout)
    assert (
        card["training"]["sources"]["reviews"]["real"] + card["training"]["sources"]["reviews"]["fake"]
        == card["training"]["rows"]
    )


def review_all(laptop: Dfscan) -> None:
    """Decisions of a person on all contents."""
    database = open_database(f"sqlite:///{laptop.data_dir / 'dfscan.sqlite'}")
    with database.write() as session:
        for content in session.query(Content).order_by(Content.id):
            decision = "fake" if content.id % 2 else "real"
            session.add(Review(content_id=content.id, decision=decision, reviewer="ada", note=None, created_at=datetime.now(UTC)))
    database.close()
