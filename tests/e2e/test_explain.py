"""`dfscan explain`, as a person and as the window use it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from files.command import Here
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from worker.decoding.overlay import MARK

SIZE = 192  # of an input of the bundled model
MakePicture = Callable[..., Path]


def test_explain_says_why_and_draws_where(laptop, tmp_path: Path, make_picture: MakePicture) -> None:
    image = make_picture(tmp_path / "a b.jpg", size=(300, 200))
    before = image.read_bytes()
    done = laptop.run("explain", image, "-o", tmp_path / "heat.png", "--json", "--device", "cpu")
    assert "Warning" not in done.stderr
    told = json.loads(done.stdout)
    assert (told["path"], told["model"], told["basis"], told["output"]) == (
        str(image),
        "lite",
        "whole",
        str(tmp_path / "heat.png"),
    )
    assert 0 <= told["score"] <= 1
    assert set(told["conditions"]) == {"JPEG 90", "resize 0.9"}
    assert (told["branches"], told["disagreement"]) == (None, None)  # it has one branch
    assert [item["box"] for item in told["inputs"]] == [[50, 0, 200, 200]]
    assert image.read_bytes() == before
    with Image.open(tmp_path / "heat.png") as drawn, Image.open(image) as original:
        assert (drawn.format, drawn.size) == ("PNG", (300, 200))
        pixels = np.asarray(drawn.convert("RGB")).astype(int)
        grey = np.asarray(original.convert("L")).astype(int)
    # Outside of what the network saw the picture is grey and as it was; inside there is colour.
    assert np.abs(pixels[:, :45] - grey[:, :45, None]).max() <= 2
    assert np.ptp(pixels[:, 55:245], axis=2).max() > 50

    laptop.run("scan", image, exit_status=(0, 1))
    [item] = json.loads(laptop.run("report", "--json").stdout)["items"]
    assert (item["sha256"], item["label"]) == (told["sha256"], told["label"])
    assert item["score"] == pytest.approx(told["score"], abs=1e-5)


def test_turned_photo_is_explained_upright(here: Here, tmp_path: Path, make_picture: MakePicture) -> None:
    """A turned photo is explained upright in words and over an earlier picture."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it upright
    image = make_picture(tmp_path / "turned.jpg", size=(300, 200), exif=exif)
    earlier = PngInfo()
    earlier.add_text("Software", MARK)
    make_picture(tmp_path / "heat.png", size=(9, 9), pnginfo=earlier)
    said = here("explain", image, "-o", tmp_path / "heat.png")
    assert said.stderr.startswith("scanning with `lite`: `fusion` sees more, but needs")
    words = said.stdout
    for word in ("turned.jpg", "(fake from", "label", "JPEG 90", "resize 0.9", "heat.png"):
        assert word in words
    with Image.open(tmp_path / "heat.png") as drawn:
        assert drawn.size == (200, 300)
        pixels = np.asarray(drawn.convert("RGB")).astype(int)
    is_coloured = np.ptp(pixels, axis=2) > 8
    assert is_coloured[55:245].any()  # the centre square of the upright picture
    assert not is_coloured[:45].any()
    assert not is_coloured[255:].any()


def test_only_pictures_of_its_own_are_overwritten(here: Here, tmp_path: Path, make_picture: MakePicture) -> None:
    image, other = make_picture(tmp_path / "a.png"), make_picture(tmp_path / "b.png", seed=1)
    for output, reason in (
        (image, "is not a picture that `dfscan explain` wrote"),
        (other, "is not a picture that `dfscan explain` wrote"),
        (tmp_path / "heat.jpg", "ends with .png"),
        (tmp_path / "no" / "heat.png", "cannot be written"),
    ):
        before = {path: path.read_bytes() for path in (image, other)}
        done = here("explain", image, "-o", output, exit_status=2)
        assert reason in done.stderr
        assert "Traceback" not in done.stderr
        assert before == {path: path.read_bytes() for path in (image, other)}
    assert sorted(path.name for path in tmp_path.glob("*.p*")) == ["a.png", "b.png"]


def test_what_cannot_be_explained_is_one_line(here: Here, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "folder.jpg").mkdir()
    for name, reason in (("absent.jpg", "No such file"), ("text.jpg", "no image"), ("folder.jpg", "not a regular file")):
        done = here("explain", tmp_path / name, exit_status=2)
        [line] = [line for line in done.stderr.splitlines() if line]
        assert name in line
        assert reason in line
    assert "name an IMAGE" in here("explain", exit_status=2).stderr
    assert "no IMAGE" in here("explain", "--serve", "a.jpg", exit_status=2).stderr


def test_the_command_is_light_to_import(laptop) -> None:
    script = "import sys, worker.cli.explain; print({'torch', 'numpy', 'sqlalchemy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], env=laptop.environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


class Server:
    """`dfscan explain --serve`, asked line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def explain(self, path: Path, out: Path) -> dict[str, Any]:
        return self.ask(json.dumps({"path": str(path), "out": str(out)}))

    def end(self) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        with self._process.stdout as stdout:
            assert stdout.read() == ""
        return self._process.wait(60)


@pytest.fixture(name="start")
def _start(laptop) -> Callable[[], Server]:
    def start() -> Server:
        command = [sys.executable, "-m", "scanner", "explain", "--serve"]
        process = subprocess.Popen(
            command, env=laptop.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=laptop.data_dir.parent
        )
        laptop.started.append(process)
        return Server(process)

    return start


def test_requests_are_answered(laptop, start: Callable[[], Server], tmp_path: Path, make_picture: MakePicture) -> None:
    """Requests are answered line by line and from the folder the next time."""
    image, out = make_picture(tmp_path / "a.jpg", size=(300, 200)), tmp_path / "maps" / "new"
    server = start()
    told = server.explain(image, out)
    assert list(told) == ["path", "sha256", "score", "label", "basis", "stable", "branches", "inputs", "error", "part"]
    assert (told["path"], told["basis"], told["branches"], told["error"]) == (str(image), "whole", None, None)
    [shown] = told["inputs"]
    assert (shown["box"], shown["score"]) == ([50, 0, 200, 200], told["score"])
    assert shown["heatmap"].startswith(told["sha256"])
    with Image.open(out / shown["heatmap"]) as heat:
        assert (heat.format, heat.mode, heat.size) == ("PNG", "L", (SIZE, SIZE))

    # Whatever goes wrong, the next request is answered.
    broken = make_picture(tmp_path / "broken.jpg")
    broken.write_bytes(broken.read_bytes()[:900])
    (tmp_path / "text.jpg").write_text("no picture")
    for path, reason in ((broken, "damaged: truncated"), (tmp_path / "text.jpg", "no image")):
        failed = server.explain(path, out)
        assert reason in failed.pop("error")
        assert failed.pop("path") == str(path)
        assert set(failed.values()) == {None}
    for line in (
        "nonsense",
        "[1]",
        '{"path": 7, "out": "x"}',
        '{"path": "\\ud800", "out": "x"}',
        '{"path": "a\\u0000b", "out": "x"}',
    ):
        assert server.ask(line)["error"]
    blocked = tmp_path / "file"
    blocked.touch()
    assert "file" in server.explain(image, blocked)["error"]
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(image.read_bytes())
    assert server.explain(copy, out) == {**told, "path": str(copy)}
    assert server.end() == 0
    assert sorted(path.suffix for path in out.iterdir()) == [".json", ".png"]

    # Another process answers from the folder: it would fail to load this model, which has the first one's bytes no more.
    kept = out / shown["heatmap"]
    kept.write_bytes(b"kept")
    laptop.environment["DFSCAN_DEVICE"] = "cuda:99"
    server = start()
    assert server.explain(image, out) == told
    assert kept.read_bytes() == b"kept"
    kept.unlink()
    assert "cuda:99" in server.explain(image, out)["error"]
    assert server.end() == 0


def test_a_request_may_ask_for_the_deciding_input_alone(
    start: Callable[[], Server], tmp_path: Path, make_picture: MakePicture
) -> None:
    image, out = make_picture(tmp_path / "a.jpg", size=(300, 200)), tmp_path / "maps"
    server = start()
    told = json.loads(json.dumps(server.ask(json.dumps({"path": str(image), "out": str(out), "most": 1}))))
    assert (len(told["inputs"]), told["error"]) == (1, None)
    assert [path.name.endswith("-first-1.json") for path in out.glob("*.json")] == [True]
    assert "above zero" in server.ask(json.dumps({"path": str(image), "out": str(out), "most": 0}))["error"]
    assert server.explain(image, out)["inputs"] == told["inputs"]
    assert server.end() == 0
