"""The picture in another light: error levels, noise and the magnifier, by keys, in the page and in the loupe."""

from collections.abc import Callable
from pathlib import Path

import pytest
from archives import Archive, Opened
from PIL import Image, ImageFilter
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QColor, QImage

from gui.widgets.preview.layers import Layers
from gui.widgets.preview.preview_view import PreviewView
from scanner.domain.prediction import Face, Frame, Prediction
from scanner.domain.states import Basis

Open = Callable[..., Opened]


def shown(opened: Opened) -> QImage:
    return opened.page.look.preview.image


def has_picture(opened: Opened) -> bool:
    return not opened.page.look.preview._preliminary and not shown(opened).isNull()


def mean(image: QImage, left: int, top: int, side: int) -> float:
    small = image.copy(left, top, side, side).scaled(
        1, 1, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    colour = small.pixelColor(0, 0)
    return float(colour.red() + colour.green() + colour.blue())


@pytest.fixture
def pasted(tmp_path: Path) -> Path:
    """A picture of one texture in low quality, with a square of the original in it."""
    plain = Image.effect_noise((288, 288), 60).filter(ImageFilter.GaussianBlur(1)).convert("RGB")
    plain.save(tmp_path / "low.jpg", quality=40)
    with Image.open(tmp_path / "low.jpg") as low:
        mixed = low.convert("RGB")
    mixed.paste(plain.crop((96, 96, 192, 192)), (96, 96))
    mixed.save(tmp_path / "pasted.png")
    return tmp_path / "pasted.png"


def test_error_levels_of_a_pasted_square_stand_out(archive: Archive, open_window: Open, pasted: Path) -> None:
    archive.add("a.png", 0.99, picture=pasted)
    archive.add("b.png", 0.9)
    opened = open_window()
    opened.shows("a", "b")
    look = opened.page.look
    opened.until(lambda: has_picture(opened))
    plain = shown(opened)
    opened.press("e")
    opened.until(lambda: look.layers._words.startswith("Error levels, amplified"))
    image = shown(opened)
    assert image.size() == plain.size()
    around = [mean(image, 96 + x, 96 + y, 96) for x, y in ((-96, 0), (96, 0), (0, 96), (0, -96))]
    assert mean(image, 96, 96, 96) > 1.3 * max(around)
    assert "It is no verdict." in look.view_words.text()
    opened.press("p")
    opened.until(lambda: look.layers._words.startswith("Noise residual, amplified"))
    assert "It is no verdict." in look.view_words.text()
    assert shown(opened) != image
    opened.press("j")  # the view stays
    opened.until(lambda: look.layers._words.startswith("Noise residual, amplified") and shown(opened).width() == 60)
    assert shown(opened).pixelColor(30, 20) == QColor(128, 128, 128)
    opened.press("p")
    assert (look.layers._words, look.view_words.isVisible()) == ("", False)
    assert shown(opened).pixelColor(30, 20) != QColor(128, 128, 128)


def test_it_is_there_in_the_loupe_and_says_why_not(archive: Archive, open_window: Open) -> None:
    gone = archive.add("a.png", 0.99)
    archive.add("b.png", 0.9)
    opened = open_window()
    opened.shows("a", "b")
    opened.until(lambda: has_picture(opened))
    gone.unlink()
    preview = opened.page.look.preview
    opened.press(" ")
    opened.until(preview.hasFocus)
    opened.bot.keyClick(preview, "e")
    opened.until(lambda: "none of this one: No such file" in opened.page.look.layers._words)
    opened.bot.keyClick(preview, "j")
    opened.until(lambda: opened.page.look.layers._words.startswith("Error levels, amplified"))
    assert opened.page.look.view_words.isVisible()


def test_a_view_of_a_frame_is_of_that_frame(archive: Archive, open_window: Open, tmp_path: Path) -> None:
    frames = [Image.new("L", (64, 64), shade) for shade in (0, 90, 0)]
    frames[2].paste(255, (20, 20, 41, 43))
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    faces = (Face((20, 20, 21, 23), 0.9, 0.9, frame=2), Face((0, 0, 9, 9), 0.9, 0.2))
    archive.add("a.gif", 0.9, picture=tmp_path / "a.gif", prediction=Prediction(Basis.FACES, faces))
    opened = open_window()
    look = opened.page.look
    opened.until(lambda: has_picture(opened) and look.parts.count() == 2)
    opened.press("p")
    opened.until(lambda: look.layers._words.startswith("Noise residual, amplified"))
    assert shown(opened).pixelColor(20, 20) == QColor(128, 128, 128)
    look.parts.chosen.emit(look.parts.parts[0])
    opened.until(
        lambda: look.layers._words.startswith("Noise residual, amplified") and shown(opened).pixelColor(20, 20).red() != 128
    )


def test_the_magnifier_follows_pointer_and_keys(archive: Archive, open_window: Open, tmp_path: Path) -> None:
    picture = Image.new("RGB", (60, 40), "white")
    picture.putpixel((10, 5), (200, 30, 40))
    picture.save(tmp_path / "a.png")
    archive.add("a.png", 0.9, picture=tmp_path / "a.png")
    opened = open_window()
    opened.shows("a")
    opened.until(lambda: has_picture(opened))
    look = opened.page.look
    look.preview.setFocus()
    before = look.preview.grab().toImage()
    opened.press("m")
    assert look.lens.is_on
    assert look.preview.hasFocus()
    place = look.preview.picture_rect().topLeft() + (QPoint(10, 5) * look.preview.zoom + QPoint(1, 1)).toPointF()
    opened.bot.mouseMove(look.preview, place.toPoint())
    opened.until(lambda: look.lens.pixel == (10, 5))
    assert look.preview.grab().toImage() != before
    opened.bot.keyClick(look.preview, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    column, row = look.lens.pixel
    assert column > 10
    assert row == 5
    for _ in range(60):
        opened.bot.keyClick(look.preview, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert look.lens.pixel == (column, 39)  # not out of the picture
    for size in (QSize(320, 170), QSize(210, 400)):  # of a small screen: place and colour stand at its bottom
        look.preview.resize(size)
        assert look.preview.rect().toRectF().contains(look.lens.frame())
    look.preview.resize(before.deviceIndependentSize().toSize())
    opened.bot.keyClick(look.preview, "m")
    assert look.preview.grab().toImage() == before


def test_a_view_of_a_video(archive: Archive, open_window: Open, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    file = tmp_path / "a.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(20):
            frame = av.VideoFrame.from_image(Image.new("RGB", (64, 64), (10 * number, 60, 60)))
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    prediction = Prediction(Basis.WHOLE, frames=(Frame(15, 1.5, 0.9), Frame(2, 0.2, 0.8)))
    archive.add("a.mp4", 0.9, picture=file, prediction=prediction)
    opened = open_window()
    opened.until(lambda: has_picture(opened))
    opened.press("e")
    opened.until(lambda: opened.page.look.layers._words.startswith("Error levels, amplified"))
    assert shown(opened).width() == 64


def test_what_is_told_on_a_picture_draws_no_face_anew(qtbot: object) -> None:
    """Of a large picture that takes a tenth of a second, in the window's thread."""
    layers, changes = Layers(PreviewView()), []
    layers.changed.connect(lambda: changes.append(1))
    layers.set_words("Noise residual: being computed")
    layers.toggle_boxes()
    assert not changes
    layers.clear()
    assert changes
