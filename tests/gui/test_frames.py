"""Videos and animations: the deciding frame in the card, and every frame as a thumbnail with its time in the strip."""

from collections.abc import Callable
from pathlib import Path

import pytest
from archives import Archive, Opened
from PIL import Image
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage

from gui.widgets.preview.parts_strip import PartsStrip
from scanner.domain.prediction import Face, Frame, Prediction
from scanner.domain.states import Basis

Open = Callable[..., Opened]
SHADES = [(12 * number, 60, 200 - 9 * number) for number in range(20)]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    av = pytest.importorskip("av")
    file = tmp_path / "video.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 96, 64, "yuv420p", 2_000_000
        for shade in SHADES:
            for packet in stream.encode(av.VideoFrame.from_image(Image.new("RGB", (96, 64), shade))):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return file


def shade_of(image: QImage) -> QColor:
    return image.pixelColor(image.width() // 2, image.height() // 2)


def is_near(colour: QColor, shade: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 14 for one, other in zip((colour.red(), colour.green(), colour.blue()), shade, strict=True))


def icons(strip: PartsStrip) -> list[QImage]:
    return [strip.item(row).icon().pixmap(QSize(52, 52)).toImage() for row in range(strip.count())]


def test_frames_of_a_video_are_thumbnails_with_times(archive: Archive, open_window: Open, video: Path) -> None:
    frames = (Frame(15, 1.5, 0.95), Frame(4, 0.4, 0.9), Frame(0, 0.0, 0.8))
    faces = (Face((40, 20, 30, 30), 0.9, 0.95, frame=15), Face((40, 20, 30, 30), 0.9, 0.8))
    archive.add("a.mp4", 0.9, picture=video, prediction=Prediction(Basis.FACES, faces, frames=frames))
    opened = open_window()
    strip = opened.page.look.parts
    opened.until(lambda: strip.count() == 5 and not any(strip.item(row).icon().isNull() for row in range(5)))
    assert [strip.item(row).text().split("\n")[0] for row in range(3)] == [
        "\N{BLACK RIGHT-POINTING POINTER} 0:01.5",
        "0:00.4",
        "0:00.0",
    ]
    for image, number in zip(icons(strip), (15, 4, 0, 15, 0), strict=True):
        assert is_near(shade_of(image), SHADES[number])
    # The card has the frame that decides, with its face, though the first one is in sight.
    card = opened.page.details._face
    assert card.width() > card.height() > 60
    assert is_near(card.pixelColor(4, card.height() - 4), SHADES[15])
    assert not is_near(card.pixelColor(round(card.width() * 55 / 96), round(card.height() * 50 / 64)), SHADES[15])  # the box
    assert "0:01.5" in opened.page.details.toPlainText()
    assert is_near(shade_of(opened.page.look.preview.image), SHADES[0])


def test_the_deciding_face_of_an_animation(archive: Archive, open_window: Open, tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (80, 60), shade) for shade in ("red", "green", "blue")]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:])
    faces = (
        Face((10, 10, 30, 30), 0.9, 0.9, frame=2),
        Face((10, 10, 30, 30), 0.9, 0.4),
        Face((40, 10, 30, 30), 0.9, 0.2, frame=1),
    )
    archive.add("a.gif", 0.9, picture=tmp_path / "a.gif", prediction=Prediction(Basis.FACES, faces))
    archive.add("b.png", 0.8)
    opened = open_window()
    strip, details = opened.page.look.parts, opened.page.details
    opened.until(lambda: strip.count() == 3 and not any(strip.item(row).icon().isNull() for row in range(3)))
    shades = [QColor(0, 0, 255), QColor(255, 0, 0), QColor(0, 128, 0)]
    for image, shade in zip(icons(strip), shades, strict=True):
        assert is_near(shade_of(image), (shade.red(), shade.green(), shade.blue()))
    assert is_near(shade_of(details._face), (0, 0, 255))
    strip.chosen.emit(strip.parts[1])  # of the first frame: the card keeps what decides
    opened.bot.wait(50)
    assert is_near(shade_of(details._face), (0, 0, 255))
    opened.press("j")
    opened.until(lambda: not strip.isVisible() and details._face.isNull())


def test_frames_hold_up_no_picture(archive: Archive, open_window: Open, video: Path) -> None:
    """Whoever leafs through asks for no frames; and with 48 frames the next picture comes first."""
    frames = tuple(Frame(number % 20, number % 20 / 10, 0.9 - number / 1000) for number in range(1, 20))
    archive.add("a.mp4", 0.9, picture=video, prediction=Prediction(Basis.WHOLE, frames=frames))
    archive.add("b.png", 0.8)
    opened = open_window()
    look = opened.page.look
    opened.until(lambda: look.parts.count() == 19)
    opened.until(lambda: not look.parts.item(0).icon().isNull())  # the first has come, and others wait
    opened.press("j")
    assert look.frames._missing == []
    opened.until(lambda: look.preview.image.width() == 60)
    came: list[int] = []
    look.frames.came.connect(lambda number, _: came.append(number))
    opened.bot.wait(100)
    assert came == []
    opened.press("k")
    opened.until(lambda: look.parts.count() == 19 and not look.parts.item(18).icon().isNull())
    assert came[0] == 1  # which was at hand
