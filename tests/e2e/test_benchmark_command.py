"""`dfscan benchmark FOLDER`: what a machine does, and the estimate for the folder."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from files.command import Here
from files.videos import write_video
from PIL import Image

# What scripts may read of `--json`: keys are added, and none goes.
KEYS = {
    *("pictures", "videos", "bytes", "copies_share", "left_out", "unread_folders", "walk_seconds"),
    *("sample", "unread", "unread_reasons", "inputs_per_picture", "stages", "slowest", "slowest_share"),
    *("scanned", "together_per_second", "start_seconds", "work_seconds", "estimated_seconds"),
    *("model", "ran_on", "decoders"),
}


@pytest.fixture(name="pictures")
def _pictures(make_picture: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "inner").mkdir(parents=True)
    for number in range(4):
        make_picture(folder / "inner" / f"{number}.jpg", number)
    make_picture(folder / "new\nline.png", 4)
    return folder


def test_what_a_scan_would_do_with_a_folder(laptop: Any, pictures: Path, tmp_path: Path) -> None:
    shutil.copy(pictures / "inner" / "0.jpg", pictures / "copy.jpg")
    (pictures / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0nothing")
    (pictures / "empty.jpg").touch()
    (pictures / "text.txt").write_text("no picture")
    (pictures / "link.jpg").symlink_to("/nowhere.jpg")
    write_video(pictures / "film.mp4", [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")])
    before = sorted(pictures.rglob("*"))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    laptop.environment["TMPDIR"] = str(temporary)

    done = laptop.run("--model", "lite", "benchmark", pictures, "--json")
    found = json.loads(done.stdout)
    assert set(found) >= KEYS
    assert (found["pictures"], found["sample"], found["scanned"], found["unread"]) == (8, 8, 8, 2)
    assert "empty: the file has 0 bytes" in found["unread_reasons"]
    assert found["left_out"] == {"videos": 1, "other than files": 1}
    assert found["copies_share"] == pytest.approx(1 / 6)
    assert list(found["stages"]) == ["reading", "decoding", "finding faces", "the network"]
    assert found["slowest"] in found["stages"]
    assert found["estimated_seconds"] == pytest.approx(found["start_seconds"] + found["walk_seconds"] + found["work_seconds"])
    assert found["together_per_second"] == pytest.approx(8 / found["work_seconds"])
    assert found["start_seconds"] > 0
    assert found["model"] == "lite"
    # No verdict is stored, nothing is left lying about, and what was said is not in the way of what programs read.
    assert not list(laptop.data_dir.glob("*.sqlite*"))
    assert not list(temporary.glob("dfscan-*"))
    assert sorted(pictures.rglob("*")) == before
    assert "8 files" in done.stderr


def test_the_lines_for_people(laptop: Any, pictures: Path) -> None:
    (pictures / "empty.jpg").touch()
    write_video(pictures / "film.mp4", [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")])
    told = laptop.run("--model", "lite", "benchmark", pictures, "--sample", "3", "--no-faces", "--videos").stdout
    assert "7 files to score, 1 of them videos" in told
    assert "finding faces" not in told
    assert "measured on 3 files" in told
    assert "a scan of 7 files: about" in told
    assert "left out" not in told


def test_what_cannot_be_measured(here: Here, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert "holds no picture; name" in here("benchmark", folder, exit_status=2).stderr
    (folder / "link.jpg").symlink_to("/nowhere.jpg")
    assert "holds no picture but a link or a device" in here("benchmark", folder, exit_status=2).stderr
    os.mkfifo(folder / "pipe.jpg")
    assert "2 links, devices and the like" in here("benchmark", folder, exit_status=2).stderr
    write_video(folder / "film.mp4", [Image.new("RGB", (64, 64), "red")])
    assert "1 video; --videos measures it" in here("benchmark", folder, exit_status=2).stderr
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0nothing")
    (folder / "empty.jpg").touch()
    (folder / "empty.png").touch()
    broken = here("benchmark", folder, exit_status=2).stderr
    assert "scanning with `lite`: `fusion` sees more, but needs" in broken
    assert "no file of those that were tried (3 of 3 in" in broken
    assert "2 of them: empty" in broken
    assert "it is not there" in here("benchmark", tmp_path / "absent", exit_status=2).stderr
    assert "it is a file" in here("benchmark", folder / "broken.jpg", exit_status=2).stderr
    here("benchmark", "", exit_status=2)


@pytest.mark.parametrize(("kind", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_it_can_be_interrupted(laptop: Any, pictures: Path, tmp_path: Path, wait_until: Any, kind: str, status: int) -> None:
    """Ctrl-C, a stopped service and a closed terminal leave nothing behind."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    laptop.environment["TMPDIR"] = str(temporary)
    number = getattr(signal, kind)
    before = signal.signal(number, signal.default_int_handler)  # in the background of a shell it is ignored, and so by children
    process = laptop.start("--model", "lite", "benchmark", pictures)
    signal.signal(number, before)
    log = laptop.data_dir.parent / "started-0.log"
    wait_until(lambda: "for trial" in log.read_text(), 240, "the trial")
    process.send_signal(number)
    assert process.wait(60) == status
    assert "Traceback" not in log.read_text()
    assert not list(temporary.glob("dfscan-*"))
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert os.fspath(tmp_path) not in running
