"""Looking closely: faces, where the score comes from, near copies, origin, and what is said of all that."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import Archive, Opened
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor

from gui.media.heatmap_cache import HeatmapCache, coloured
from gui.style.colours import BADGES
from scanner.domain.evidence import FILTERS, Evidence
from scanner.domain.explain_answer import ExplainAnswer
from scanner.domain.prediction import Face, Frame, Prediction
from scanner.domain.states import Basis

Open = Callable[..., Opened]
SAMPLES = Path(__file__).parents[2] / "samples"


def colour_at(opened: Opened, x: float, y: float) -> QColor:
    """The colour that the preview shows at a place of the picture (in the picture's pixels)."""
    preview = opened.page.look.preview
    shown, ratio = preview.grab().toImage(), preview.devicePixelRatioF()
    place = (preview.picture_rect().topLeft() + QPointF(x, y) * preview.zoom) * ratio
    return shown.pixelColor(int(place.x()), int(place.y()))


def has_picture(opened: Opened) -> bool:
    preview = opened.page.look.preview
    return not preview._preliminary and not preview._image.isNull()


@pytest.fixture
def explain(tmp_path: Path) -> list[str]:
    """The command of a program that explains."""
    return [sys.executable, str(Path(__file__).with_name("explaining.py")), str(tmp_path / "asked")]


def asked(explain: list[str]) -> list[str]:
    """What it was asked for."""
    log = Path(explain[-1])
    return log.read_text().split() if log.exists() else []


def test_faces_are_drawn_and_told(archive: Archive, open_window: Open, tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), "white").save(tmp_path / "white.png")
    faces = (Face((10, 10, 20, 20), 0.9, 0.95), Face((35, 10, 10, 10), 0.8, 0.2), Face((50, 30, 5, 5), 0.7, None))
    prediction = Prediction(Basis.FACES, faces, stable=True, branches={"clip": 0.9, "resnet": 0.4})
    archive.add("a.png", 0.95, picture=tmp_path / "white.png", prediction=prediction)
    opened = open_window()
    opened.until(lambda: has_picture(opened) and "2 faces" in opened.page.details.toPlainText())
    words = opened.page.details.toPlainText()
    assert "the face that looks most forged of 2" in words
    assert "1 not judged (too small)" in words
    assert "stable under mild recompression" in words
    assert "clip 0.90, resnet 0.40 (0.50 apart)" in words
    assert colour_at(opened, 20, 30) == BADGES["fake"][0]  # the lower edge of a face that counts as fake
    assert colour_at(opened, 40, 20) == BADGES["found-real"][0]  # green is what a person calls real
    opened.press("b")
    assert colour_at(opened, 20, 30) == QColor("white")


def test_what_a_score_rests_on_is_said_in_plain_words(archive: Archive, open_window: Open) -> None:
    archive.add("none.png", 0.9, prediction=Prediction(Basis.WHOLE, faces=()))
    archive.add("shaky.png", 0.8, prediction=Prediction(Basis.FACES, (Face((0, 0, 60, 40), 0.9, 0.8),), stable=False))
    opened = open_window()
    details = opened.page.details
    opened.shows("shaky")  # a picture without a face raises no flag
    opened.until(lambda: "The score of 0.80 is at or above the threshold of 0.75, but does not last" in details.toPlainText())
    assert "unstable: mild changes flip the label" in details.toPlainText()
    opened.page.filters.label.setCurrentIndex(opened.page.filters.label.findText("Only real"))
    opened.shows("none")
    opened.until(lambda: "No face was found" in details.toPlainText())
    assert "the score is of the whole picture and raises no flag" in details.toPlainText()


def test_frames_of_a_video_are_told(archive: Archive, open_window: Open) -> None:
    video = Prediction(Basis.FACES, (Face((0, 0, 9, 9), 0.9, 0.95, frame=7),), frames=(Frame(7, 3.5, 0.95), Frame(2, 1.0, 0.85)))
    archive.add("a.png", 0.9, prediction=video)
    opened = open_window()
    opened.until(lambda: "3.5 s 0.95, 1.0 s 0.85" in opened.page.details.toPlainText())
    assert "The score is the mean of the frames that look most forged: 2." in opened.page.details.toPlainText()


def test_evidence_of_origin_is_shown_beside_the_score(archive: Archive, open_window: Open) -> None:
    traces = (Evidence("generator", "stable-diffusion", "It names a generator: Stable Diffusion <3", "PNG text `parameters`"),)
    archive.add("a.png", 0.9, evidence=traces)
    archive.add("b.png", 0.8, evidence=())
    archive.add("c.png", 0.79)
    opened = open_window()
    details = opened.page.details
    opened.until(lambda: "It names a generator: Stable Diffusion <3 (in PNG text `parameters`)" in details.toPlainText())
    assert "Their absence would prove nothing" in details.toPlainText()
    opened.press("j")
    opened.until(lambda: "No trace was found. That proves nothing" in details.toPlainText())
    opened.press("j")
    opened.until(lambda: "It was not looked for" in details.toPlainText())


def test_the_queue_is_filtered_by_evidence(archive: Archive, open_window: Open) -> None:
    archive.add("a.png", 0.9, evidence=(Evidence("generator", "comfyui", "It names a generator", "PNG text"),))
    archive.add("b.png", 0.8, evidence=())
    archive.add("c.png", 0.79, evidence=(Evidence("camera", "present", "It has data of a camera", "EXIF"),))
    opened = open_window()
    opened.shows("a", "b", "c")
    box = opened.page.filters.evidence
    assert [box.itemData(row) for row in range(box.count())] == ["", *FILTERS]
    for word, names in (("generated", ["a"]), ("camera", ["c"]), ("invalid", []), ("any", ["a"]), ("", ["a", "b", "c"])):
        box.setCurrentIndex(box.findData(word))
        opened.shows(*names)


def test_where_branches_disagree_most_comes_first(archive: Archive, open_window: Open) -> None:
    for name, score, apart in (("a", 0.99, 0.1), ("b", 0.9, 0.6), ("c", 0.8, 0.3)):
        archive.add(f"{name}.png", score, prediction=Prediction(branches={"clip": 0.1, "resnet": 0.1 + apart}))
    archive.add("d.png", 0.95)
    opened = open_window()
    opened.shows("a", "d", "b", "c")
    order = opened.page.filters.order
    order.setCurrentIndex(order.findText("Branches or parts disagree"))
    opened.shows("b", "c", "a", "d")
    archive.add("e.png", 0.9, prediction=Prediction(branches={"clip": 0.1, "resnet": 0.5}))
    opened.shows("b", "e", "c", "a", "d")


def test_the_heatmap_comes_at_its_key_and_is_kept(five: Archive, open_window: Open, explain: list[str]) -> None:
    opened = open_window(explain=explain)
    opened.shows("a", "b", "c", "d")
    look = opened.page.look
    opened.until(lambda: has_picture(opened) and opened.page.details.toPlainText() != "")
    plain = colour_at(opened, 10, 20)
    assert asked(explain) == []
    opened.press("h")
    opened.until(lambda: "red is where" in look.heat_words.text())
    assert colour_at(opened, 10, 20) != plain
    assert colour_at(opened, 50, 20) == plain
    opened.press("j")
    opened.until(lambda: asked(explain) == ["a", "b"])
    opened.until(lambda: "red is where" in look.heat_words.text())
    opened.press("h")
    assert not look.heat_words.isVisible()
    again = open_window(explain=["/nowhere/explain"])
    again.until(lambda: has_picture(again) and again.page.details.toPlainText() != "")
    again.press("h")  # from the cache, without a process
    again.until(lambda: "red is where" in again.page.look.heat_words.text())
    assert colour_at(again, 10, 20) != plain
    again.press("jj")
    again.until(lambda: "/nowhere/explain cannot be started" in again.page.look.heat_words.text())


def test_a_heatmap_names_the_part_that_made_it(archive: Archive, open_window: Open, explain: list[str]) -> None:
    archive.add("combined.png", 0.9, prediction=Prediction(branches={"lite": 0.7, "probe": 0.95}))
    opened = open_window(explain=explain)
    words = opened.page.look.heat_words
    opened.until(lambda: opened.page.details.toPlainText() != "")
    opened.press("h")
    opened.until(lambda: words.text().startswith("Heatmap by the part probe: red is where"))
    again = open_window(explain=["/nowhere/explain"])
    again.until(lambda: again.page.details.toPlainText() != "")
    again.press("h")
    again.until(lambda: again.page.look.heat_words.text().startswith("Heatmap by the part probe:"))


def test_without_a_heatmap_it_is_said_why(archive: Archive, open_window: Open, explain: list[str]) -> None:
    archive.add("refused.png", 0.99)
    archive.add("dies.png", 0.9)
    archive.add("last.png", 0.8)
    Image.new("RGB", (60, 40), "teal").save(archive.folder / "frame.png")
    archive.add("film.mp4", 0.76, picture=archive.folder / "frame.png")
    opened = open_window(explain=explain)
    opened.shows("refused", "dies", "last", "film")
    words = opened.page.look.heat_words
    opened.until(lambda: opened.page.details.toPlainText() != "")
    opened.press("h")
    opened.until(lambda: words.text() == "No heatmap: its content is no image")
    opened.press("j")
    opened.until(lambda: words.text() == "No heatmap: out of memory")
    opened.press("j")  # begins anew
    opened.until(lambda: "red is where" in words.text())
    opened.press("j")
    opened.until(lambda: words.text() == "No heatmap: it is a video, and heatmaps are of pictures alone")
    assert asked(explain) == ["refused", "dies", "last"]


def test_the_deciding_face_leads_and_nothing_holds_up_the_next_picture(
    archive: Archive, open_window: Open, explain: list[str]
) -> None:
    faces = tuple(Face((5 * number, 0, 20, 20), 0.9, 0.9 - number / 10) for number in range(3))
    archive.add("crowd-slow.png", 0.99, prediction=Prediction(Basis.FACES, faces))
    archive.add("next.png", 0.9)
    opened = open_window(explain=explain)
    opened.shows("crowd-slow", "next")
    look = opened.page.look
    opened.until(lambda: has_picture(opened) and opened.page.details.toPlainText() != "")
    opened.press("h")
    opened.until(lambda: look.heat_words.text().startswith("Heatmap of the deciding face: red is where"))
    assert look.heat_offer.text() == "All faces"
    look.heat_offer.click()
    opened.until(lambda: asked(explain) == ["crowd-slow", "crowd-slow+"])
    assert look.heat_words.text().startswith("Heatmap of all 3 faces:")
    assert look.heat_offer.text() == "Cancel"
    opened.press("j")  # which does not wait for the ten minutes of the other
    opened.until(lambda: "red is where" in look.heat_words.text())
    assert asked(explain)[-1] == "next"
    opened.press("k")
    opened.until(lambda: look.heat_offer.text() == "All faces")  # from the cache
    look.heat_offer.click()
    opened.until(lambda: asked(explain)[-1] == "crowd-slow+")
    look.heat_offer.click()
    assert not look.heat_words.isVisible()
    assert not look.heatmaps._process.is_running


def test_heatmaps_stay_below_the_cap(tmp_path: Path) -> None:
    """Heatmaps stay below the cap and the oldest go first."""
    cache = HeatmapCache(tmp_path / "heatmaps", cap_bytes=60_000)
    for number in range(6):
        folder = cache.folder_of(f"{number}", "m" * 64)
        folder.mkdir(parents=True)
        Image.frombytes("L", (120, 120), os.urandom(14_400)).save(folder / "0.png")
        line = (
            f'{{"path": "x", "sha256": "{number}", "score": 1, "inputs": [{{"box": [0,0,9,9], "score": 1, "heatmap": "0.png"}}]}}'
        )
        [patch] = cache.keep(f"{number}", "m" * 64, ExplainAnswer.from_json(json.loads(line)), is_all=True).patches
        assert (patch.box, patch.image.width()) == ((0, 0, 9, 9), 120)
        os.utime(folder, (number, number))
    assert cache.trim() <= 60_000
    kept = [number for number in range(6) if cache.find(f"{number}", "m" * 64) is not None]
    assert kept == list(range(6 - len(kept), 6))
    assert 0 < len(kept) < 6


def test_heat_is_seen_through_and_cold_is_not_there() -> None:
    shown = coloured(Image.linear_gradient("L"))
    alphas = [shown.getpixel((0, row))[3] for row in range(256)]
    assert alphas == sorted(alphas)
    assert (alphas[0], alphas[-1] < 255) == (0, True)


def test_near_copies_are_compared(five: Archive, open_window: Open) -> None:
    five.add("n.png", 0.97, fingerprint=0b1111)
    five.add("near.png", 0.2, fingerprint=-1 ^ 0b11)
    five.add("copy.png", 0.65, fingerprint=0b1100)
    five.add("far.png", 0.62, fingerprint=-1)
    opened = open_window()
    opened.shows("a", "n", "b", "c", "copy", "far", "d")
    strip = opened.page.look.near
    assert not strip.isVisible()
    opened.press("j")
    opened.until(strip.isVisible)
    assert [(Path(copy.path).stem, copy.distance) for copy in strip.copies] == [("copy", 2)]
    opened.press("c")
    view = opened.page.comparing.view
    assert view is not None
    opened.until(lambda: all(not picture._image.isNull() for picture in view.pictures))
    left, right = view.pictures
    left.toggle_zoom()
    assert not right.is_fitted
    assert right.zoom == left.zoom
    opened.bot.keyClick(left, Qt.Key.Key_Escape)
    assert opened.page.whole.currentWidget() is opened.page.splitter


def test_the_real_command_explains_a_sample(archive: Archive, open_window: Open) -> None:
    archive.add("fake.jpg", 0.99, picture=SAMPLES / "fake-astronaut-face-self-blended-strong.jpg")
    opened = open_window()
    opened.until(lambda: has_picture(opened) and opened.page.details.toPlainText() != "")
    before = opened.page.look.preview.grab().toImage()
    opened.press("h")
    opened.bot.waitUntil(lambda: opened.page.look.heat_words.text().startswith(("Heatmap: red", "No heatmap")), timeout=240_000)
    assert "red is where" in opened.page.look.heat_words.text()
    assert opened.page.look.preview.grab().toImage() != before
