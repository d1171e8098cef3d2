"""Why a verdict is what it is: in words, with the model's measured rates, true reasons, and the parts that decided."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from archives import Archive, Opened
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage
from test_looking import colour_at, has_picture

from gui.texts.verdict_texts import item_line, score_text
from scanner.domain.evidence import Evidence
from scanner.domain.prediction import Face, Frame, Prediction
from scanner.domain.states import Basis

Open = Callable[..., Opened]


@pytest.mark.parametrize(
    ("score", "words"), [(1.0, ">0.99"), (0.9949, ">0.99"), (0.96, "0.96"), (0.9238242864844444, "0.92"), (0.0, "<0.01")]
)
def test_one_form_for_scores(score: float, words: str) -> None:
    assert score_text(score) == words


def test_what_was_not_judged_is_not_called_real(archive: Archive, open_window: Open) -> None:
    archive.add("cat.png", 0.84, prediction=Prediction(Basis.WHOLE, ()))
    archive.add("clean.png", 0.2, prediction=Prediction(Basis.FACES, (Face((0, 0, 50, 40), 0.9, 0.2),)))
    opened = open_window()
    filters = opened.page.filters
    filters.label.setCurrentIndex(filters.label.findText("Any label"))
    opened.shows("cat", "clean")
    cat, clean = (opened.presenter.model.item(row) for row in range(2))
    assert cat is not None
    assert clean is not None
    assert item_line(cat) == "not judged"
    assert item_line(clean) == "\N{BLACK CIRCLE} nothing found 0.20"
    details = opened.page.details
    opened.until(lambda: "Not judged" in details.toPlainText())
    assert "Whether it is forged is not known" in details.toPlainText()
    opened.press("j")
    opened.until(lambda: "Nothing found" in details.toPlainText())
    assert "real 0." not in details.toPlainText()


def test_the_card_tells_how_often_the_model_was_right(archive: Archive, open_window: Open) -> None:
    def rate(value: float) -> dict[str, float]:
        return {"value": value, "low": value / 2, "high": min(1.0, value * 1.2)}

    pooled = {
        "real": 2060,
        "fake": 2120,
        "false_alarm_rate": rate(0.008),
        "hit_rate": rate(0.7),
        "flagged_real_rate": rate(0.05),
        "flagged_fake_rate": rate(0.8),
    }
    unseen = {**pooled, "what": "all", "real": 177, "fake": 164, "false_alarm_rate": rate(0.02), "hit_rate": rate(0.6)}
    archive.card = {"metrics": {"pooled": pooled, "held_out": {"rows": [unseen]}}}
    archive.add("a.png", 0.9)
    archive.add("b.png", 0.6)
    opened = open_window()
    details = opened.page.details
    opened.until(lambda: "Strong signs of forgery" in details.toPlainText())
    assert "Of real images it calls 2.0 % (1.0 % to 2.4 %) fake. Of forged images it calls 60 % (30 % to 72 %) fake." in (
        details.toPlainText()
    )
    assert "177 real and 164 forged images" in details.toPlainText()
    opened.press("j")
    opened.until(lambda: "Weak signs of forgery" in details.toPlainText())
    assert "Of real images it flags 5.0 % (2.5 % to 6.0 %)" in details.toPlainText()


def test_a_generator_is_told_on_tile_and_card(archive: Archive, open_window: Open) -> None:
    archive.add("a.png", 0.9, evidence=(Evidence("generator", "comfyui", "It names a generator: ComfyUI", "PNG text"),))
    archive.add("b.png", 0.8, evidence=(Evidence("camera", "present", "It has data of a camera", "EXIF"),))
    opened = open_window()
    opened.shows("a", "b")
    assert [item.says_generated for row in range(2) if (item := opened.presenter.model.item(row))] == [True, False]
    opened.until(lambda: "It names a generator: ComfyUI" in opened.page.details.toPlainText()[:120])


def faces_of(scores: Sequence[float | None], side: int = 50) -> tuple[Face, ...]:
    return tuple(Face((60 * number, 5, side, side), 0.9, score) for number, score in enumerate(scores))


def test_reasons_of_unjudged_faces_are_true() -> None:
    small = Face((0, 0, 20, 20), 0.9)
    beside = Prediction(Basis.FACES, (*faces_of([0.9, None]), small))
    assert [beside.why_unjudged(face) for face in beside.faces or ()][1:] == ["beside the main face", "too small"]
    many = Prediction(Basis.FACES, faces_of([0.9] * 12 + [None] * 33))
    assert many.why_unjudged((many.faces or ())[20]) == "not among the 12 largest"
    assert many.deciding_face == (many.faces or ())[0]


def test_45_faces_are_all_in_the_strip_and_the_deciding_one_leads(archive: Archive, open_window: Open, tmp_path: Path) -> None:
    Image.new("RGB", (2700, 60), "white").save(tmp_path / "white.png")
    scores: list[float | None] = [0.5, 0.9, *([0.3] * 10), *([None] * 33)]
    archive.add("a.png", 0.9, picture=tmp_path / "white.png", prediction=Prediction(Basis.FACES, faces_of(scores)))
    opened = open_window()
    look = opened.page.look
    opened.until(lambda: has_picture(opened) and len(look.parts.parts) == 45)
    assert look.parts.parts[0].words == "\N{BLACK RIGHT-POINTING POINTER} 0.90"
    assert look.parts.parts[-1].words == "not among the 12 largest"
    assert "33 not judged (not among the 12 largest)" in opened.page.details.toPlainText()
    opened.until(lambda: not look.parts.item(0).icon().isNull())
    look.parts.itemClicked.emit(look.parts.item(0))
    assert not look.preview.is_fitted
    centre = look.preview.picture_rect().topLeft() + QPointF(scores.index(0.9) * 60 + 25, 30) * look.preview.zoom
    assert abs(centre.x() - look.preview.width() / 2) < 5


def test_frames_of_an_animation_are_looked_at(archive: Archive, open_window: Open, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (60, 60), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=100)
    faces = (Face((5, 5, 50, 50), 0.9, 0.6, frame=0), Face((5, 5, 50, 50), 0.9, 0.9, frame=2))
    archive.add("a.gif", 0.9, picture=tmp_path / "a.gif", prediction=Prediction(Basis.FACES, faces))
    opened = open_window()
    look = opened.page.look
    opened.until(lambda: has_picture(opened) and len(look.parts.parts) == 2)
    assert look.parts.parts[0].frame == 2
    opened.press("b")
    assert colour_at(opened, 30, 30) == QColor(255, 0, 0)
    look.parts.itemClicked.emit(look.parts.item(0))
    opened.until(lambda: colour_at(opened, 30, 30).blue() > 200)


def test_a_video_has_a_thumbnail_and_frames(archive: Archive, open_window: Open, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "v.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(30):
            picture = Image.new("RGB", (64, 64), "red" if number < 15 else "blue")
            for packet in stream.encode(av.VideoFrame.from_image(picture)):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    found = (Frame(20, 2.0, 0.95), Frame(0, 0.0, 0.8))
    prediction = Prediction(Basis.FACES, (Face((5, 5, 50, 50), 0.9, 0.95, frame=20),), frames=found)
    archive.add("v.mp4", 0.9, picture=tmp_path / "v.mp4", prediction=prediction)
    opened = open_window()
    look = opened.page.look
    opened.until(lambda: has_picture(opened) and len(look.parts.parts) == 3)
    assert colour_at(opened, 32, 60).red() > 200
    assert look.parts.parts[0].words.startswith("\N{BLACK RIGHT-POINTING POINTER} 0:02.0")
    opened.until(lambda: not _thumbnail(opened).isNull())
    look.parts.itemClicked.emit(look.parts.item(0))
    opened.until(lambda: colour_at(opened, 32, 60).blue() > 200)
    opened.press("f")
    opened.shows()


def _thumbnail(opened: Opened) -> QImage:
    found = opened.page.grid.currentIndex().data(Qt.ItemDataRole.DecorationRole)
    return found if found is not None else QImage()
