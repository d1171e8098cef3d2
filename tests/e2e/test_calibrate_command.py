"""`dfscan calibrate` as a user calls it, on photographs of one's own."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from files.command import Dfscan, Here
from PIL import Image

PORTRAIT = Path(__file__).parents[2] / "samples" / "real-astronaut.jpg"


def test_people_calibrate_on_their_own_photographs(
    laptop: Dfscan, here: Here, tmp_path: Path, make_picture: Callable[..., Path]
) -> None:
    """Of those without a face a scan flags none, whatever their scores are: they do not choose the threshold."""
    reals = tmp_path / "mine"
    (reals / "sub").mkdir(parents=True)
    with Image.open(PORTRAIT) as opened:
        person = opened.convert("RGB").crop((80, 0, 400, 320))
    for number in range(20):
        person.crop((number, 0, 320, 320 - number)).save(
            reals / ("sub" if number % 2 else ".") / f"{number}.jpg", quality=60 + number
        )
    make_picture(reals / "no-face.jpg", 1)
    (reals / "broken.jpg").write_bytes(b"no picture")

    too_few = here("calibrate", "--reals", reals, "--fpr", "1%", "--name", "mine", exit_status=2)
    done = here("calibrate", "--reals", reals, "--fpr", "10%", "--name", "mine", "--json")
    again = here("calibrate", "--reals", reals, "--fpr", "5%", "--name", "mine", exit_status=2)
    unnamed = here("calibrate", "--reals", reals, "--fpr", "20%", "--json")

    assert "at least 100" in too_few.stderr
    assert "broken.jpg" in done.stderr
    assert "20 of 21 have a face" in done.stderr
    assert "left out: 1 without one" in done.stderr
    assert "another" in again.stderr
    assert Path(json.loads(unnamed.stdout)["path"]).name.startswith("lite-20")
    found = json.loads(done.stdout)
    assert (found["reals"], found["fake_fpr"]) == (20, 0.1)
    assert found["false_alarm_rate"]["value"] <= 0.1
    models = {item["name"]: item for item in json.loads(here("model", "list", "--json").stdout)}
    assert models["mine"]["threshold"] == found["threshold"] == pytest.approx(models["mine"]["threshold"])
    assert models["lite"]["bundled"]
    here("model", "use", "mine")
    scanned = json.loads(laptop.run("scan", reals, "--json", exit_status=2).stdout)
    assert scanned["model"] == "mine"
    assert sum(item["label"] == "fake" for item in scanned["items"]) <= 2
